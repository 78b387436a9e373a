# Atomic accesses to physical addresses where nothing is.
# Specification: Privileged, "Machine Cause (mcause) Register" (LR reports as a load, SC and AMO as a store).
# Expected: cause 5 for LR, cause 7 for AMO, tval is the address, rd stays as it was, in every mode. An SC without a
# reservation may fail without looking at the address.

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
    in_each_mode reserve_word, CAUSE_LOAD_ACCESS
    in_each_mode reserve_double, CAUSE_LOAD_ACCESS
case 2
    in_each_mode swap, CAUSE_STORE_ACCESS
    in_each_mode add, CAUSE_STORE_ACCESS
    in_each_mode max, CAUSE_STORE_ACCESS
case 3
    li a1, 77
    run_in PRV_U, conditional
    trap_field t0, TRAP_CAUSE
    li t1, CAUSE_STORE_ACCESS
    beq t0, t1, 1f
    check_value t0, CAUSE_ECALL_U
    check_nonzero a1
1:
    done

reserve_word:
    lr.w a1, (a0)
    ecall
reserve_double:
    lr.d a1, (a0)
    ecall
swap:
    amoswap.w a1, a1, (a0)
    ecall
add:
    amoadd.d a1, a1, (a0)
    ecall
max:
    amomaxu.d a1, a1, (a0)
    ecall
conditional:
    sc.d a1, a1, (a0)
    ecall

.include "runtime.inc"
