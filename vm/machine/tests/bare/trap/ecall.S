# Environment calls from every mode.
# Specification: Privileged, "Environment Call and Breakpoint", "Machine Trap Delegation", "Machine Trap Value
# (mtval)".
# Expected: causes 8, 9, 11; epc is the ecall itself and not the next instruction; tval is zero; MPP is the calling
# mode; with the bit in medeleg the S-mode handler gets the calls of that mode.

.include "bare.inc"

test:
case 1                              # from M
    on_trap 1f
call_m:
    ecall
    j fail
1:  check_cause CAUSE_ECALL_M
    check_epc call_m
    check_tval 0
    check_from PRV_M
case 2                              # from S
    run_in PRV_S, call
    check_cause CAUSE_ECALL_S
    check_epc call
    check_tval 0
    check_from PRV_S
case 3                              # from U
    run_in PRV_U, call
    check_cause CAUSE_ECALL_U
    check_epc call
    check_tval 0
    check_from PRV_U
case 4                              # from U, delegated
    li t0, 1 << CAUSE_ECALL_U
    csrw medeleg, t0
    run_in PRV_U, call
    check_delegated CAUSE_ECALL_U
    check_sepc call
    check_stval 0
    csrr t0, sstatus
    check_bits t0, STATUS_SPP, 0
case 5                              # from S, while only U is delegated
    run_in PRV_S, call
    check_cause CAUSE_ECALL_S
    check_epc call
case 6                              # registers survive the trap
    li a0, 0x0123456789abcdef
    li a7, -1
    run_in PRV_U, call
    check_value a0, 0x0123456789abcdef
    check_value a7, -1
    done

call:
    ecall

.include "runtime.inc"
