# The stacks of interrupt enables and previous modes in mstatus.
# Specification: Privileged, "Privilege and Global Interrupt-Enable Stack in mstatus Register", "Trap-Return
# Instructions".
# Expected: a trap into y moves yIE to yPIE, clears yIE and sets yPP; xRET moves xPIE to xIE, sets xPIE, goes to xPP
# and leaves there the least mode (U); no trap or return touches the other stack.

.include "bare.inc"

.equ M_STACK, STATUS_MIE | STATUS_MPIE | STATUS_MPP
.equ S_STACK, STATUS_SIE | STATUS_SPIE | STATUS_SPP

# Writes the fields of \mask in mstatus. Clobbers t5.
.macro set_status mask, value
    li t5, \mask
    csrc mstatus, t5
    li t5, \value
    csrs mstatus, t5
.endm

.macro check_status mask, value
    csrr a0, mstatus
    check_bits a0, \mask, \value
.endm

.macro check_trap_status mask, value
    trap_field a0, TRAP_STATUS
    check_bits a0, \mask, \value
.endm

# mret or sret to \label.
.macro return_to instruction, csr, label
    la t5, \label
    csrw \csr, t5
    \instruction
.endm

test:
case 1                              # mret to M: MIE = MPIE, MPIE = 1, MPP = U
    set_status M_STACK, STATUS_MPIE | STATUS_MPP
    return_to mret, mepc, 1f
    j fail
1:  check_status M_STACK, STATUS_MIE | STATUS_MPIE
    csrci mstatus, STATUS_MIE
    set_status M_STACK, STATUS_MIE | STATUS_MPP
    return_to mret, mepc, 1f
    j fail
1:  check_status M_STACK, STATUS_MPIE
case 2                              # trap from M: MPIE = MIE, MIE = 0, MPP = M
    set_status M_STACK, STATUS_MIE
    on_trap 1f
    ecall
    j fail
1:  check_trap_status M_STACK, STATUS_MPIE | STATUS_MPP
    set_status M_STACK, STATUS_MPIE
    on_trap 1f
    ecall
    j fail
1:  check_trap_status M_STACK, STATUS_MPP
case 3                              # M to U and back: MIE travels through MPIE
    set_status M_STACK, STATUS_MPIE
    on_trap 1f
    return_to mret, mepc, call
1:  check_trap_status M_STACK, STATUS_MPIE
    set_status M_STACK, STATUS_MIE
    on_trap 1f
    return_to mret, mepc, call
1:  check_trap_status M_STACK, 0
case 4                              # M to S and back, the S stack untouched
    set_status M_STACK | S_STACK, STATUS_MPIE | (PRV_S << STATUS_MPP_SHIFT) | STATUS_SPP | STATUS_SPIE
    on_trap 1f
    return_to mret, mepc, call
1:  check_trap_status M_STACK | S_STACK, STATUS_MPIE | (PRV_S << STATUS_MPP_SHIFT) | STATUS_SPP | STATUS_SPIE
case 5                              # sret from S to U: SIE = SPIE, SPIE = 1, SPP = U; the M stack untouched
    set_status S_STACK, STATUS_SPIE
    la a1, call
    csrw sepc, a1
    run_in PRV_S, return_s
    check_ecall_from PRV_U
    check_epc call
    check_trap_status S_STACK, STATUS_SIE | STATUS_SPIE
    set_status S_STACK, STATUS_SIE
    csrw sepc, a1
    run_in PRV_S, return_s
    check_ecall_from PRV_U
    check_trap_status S_STACK, STATUS_SPIE
case 6                              # sret from S to S
    set_status S_STACK, STATUS_SPP | STATUS_SPIE
    csrw sepc, a1
    run_in PRV_S, return_s
    check_ecall_from PRV_S
    check_epc call
    check_trap_status S_STACK, STATUS_SIE | STATUS_SPIE
case 7                              # sret is legal in M and uses the S stack
    set_status M_STACK | S_STACK, STATUS_MPIE | STATUS_MPP | STATUS_SPP | STATUS_SPIE
    on_trap 1f
    return_to sret, sepc, call
1:  check_ecall_from PRV_S
    check_trap_status S_STACK, STATUS_SIE | STATUS_SPIE
    set_status S_STACK, 0
    on_trap 1f
    return_to sret, sepc, call
1:  check_ecall_from PRV_U
    check_trap_status S_STACK, STATUS_SPIE
case 8                              # a delegated trap moves the S stack only
    li t0, 1 << CAUSE_ILLEGAL
    csrw medeleg, t0
    set_status M_STACK | S_STACK, STATUS_SIE | STATUS_MPIE
    run_in PRV_U, illegal
    check_delegated CAUSE_ILLEGAL
    # M's stack has moved by the mret (MIE = 1) and by the ecall of the handler (MPIE = 1).
    check_trap_status M_STACK | S_STACK, STATUS_MPIE | (PRV_S << STATUS_MPP_SHIFT) | STATUS_SPIE
case 9                              # mret and sret below their mode are illegal and move nothing
    set_status S_STACK, STATUS_SIE | STATUS_SPP
    csrw medeleg, zero
    run_in PRV_S, return_m
    check_cause CAUSE_ILLEGAL
    check_epc return_m
    run_in PRV_U, return_m
    check_cause CAUSE_ILLEGAL
    check_epc return_m
    run_in PRV_U, return_s
    check_cause CAUSE_ILLEGAL
    check_epc return_s
    check_trap_status S_STACK, STATUS_SIE | STATUS_SPP
case 10                             # both returns read the whole of their epc
    li t0, VACANT_ADDRESS
    on_trap 1f
    csrw mepc, t0
    mret
1:  check_cause CAUSE_FETCH_ACCESS
    check_epc_is t0
    check_tval_is t0
    done

call:
    ecall
return_s:
    sret
return_m:
    mret
illegal:
    .4byte 0xffffffff

.include "runtime.inc"
