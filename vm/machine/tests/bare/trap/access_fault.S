# Accesses to physical addresses where nothing is.
# Specification: Privileged, "Physical Memory Attributes", "Machine Cause (mcause) Register", "Machine Trap Value
# (mtval) Register".
# Expected: causes 1 (fetch), 5 (load) and 7 (store), epc is the instruction (for a fetch: the target), tval the
# address; the destination register of a faulting load stays as it was. From M, S and U, also through MPRV.

.include "bare.inc"

.macro in_each_mode label, cause
    .irp mode, PRV_M, PRV_S, PRV_U
    li a1, 77
    run_in \mode, \label
    check_cause \cause
    check_epc \label
    check_from \mode
    check_tval_is a0
    check_value a1, 77
    .endr
.endm

test:
    li a0, VACANT_ADDRESS + 8
case 1
    in_each_mode load_byte, CAUSE_LOAD_ACCESS
    in_each_mode load_double, CAUSE_LOAD_ACCESS
case 2
    in_each_mode store_byte, CAUSE_STORE_ACCESS
    in_each_mode store_double, CAUSE_STORE_ACCESS
case 3                              # a jump arrives, and faults there
    .irp mode, PRV_M, PRV_S, PRV_U
    li ra, 0
    run_in \mode, jump
    check_cause CAUSE_FETCH_ACCESS
    check_epc_is a0
    check_tval_is a0
    .endr
case 4                              # through MPRV
    li t0, STATUS_MPP
    csrc mstatus, t0
    on_trap 2f
    li t0, STATUS_MPRV
    csrs mstatus, t0
1:  lw a1, 0(a0)
    j fail
2:  la a2, 1b
    check_cause CAUSE_LOAD_ACCESS
    check_epc_is a2
    check_tval_is a0
case 5                              # compressed accesses, and floating point
    in_each_mode load_c, CAUSE_LOAD_ACCESS
    in_each_mode store_c, CAUSE_STORE_ACCESS
    li t0, STATUS_FS_INITIAL
    csrs mstatus, t0
    in_each_mode load_f, CAUSE_LOAD_ACCESS
    in_each_mode store_f, CAUSE_STORE_ACCESS
case 6                              # delegated
    li t0, (1 << CAUSE_LOAD_ACCESS) | (1 << CAUSE_STORE_ACCESS) | (1 << CAUSE_FETCH_ACCESS)
    csrw medeleg, t0
    run_in PRV_U, load_byte
    check_delegated CAUSE_LOAD_ACCESS
    check_stval VACANT_ADDRESS + 8
    run_in PRV_S, store_double
    check_delegated CAUSE_STORE_ACCESS
    check_stval VACANT_ADDRESS + 8
    run_in PRV_S, jump
    check_delegated CAUSE_FETCH_ACCESS
    check_stval VACANT_ADDRESS + 8
case 7                              # addresses beyond every machine
    csrw medeleg, zero
    li a0, 0x00fffffffffff000
    in_each_mode load_double, CAUSE_LOAD_ACCESS
    done

load_byte:
    lbu a1, 0(a0)
    ecall
load_double:
    ld a1, 0(a0)
    ecall
load_c:
    c.lw a1, 0(a0)
    ecall
load_f:
    fld fa0, 0(a0)
    ecall
store_byte:
    sb a1, 0(a0)
    ecall
store_double:
    sd a1, 0(a0)
    ecall
store_c:
    c.sd a1, 0(a0)
    ecall
store_f:
    fsw fa0, 0(a0)
    ecall
jump:
    jr a0

.include "runtime.inc"
