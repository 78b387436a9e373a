# ebreak and c.ebreak in every mode.
# Specification: Privileged, "Environment Call and Breakpoint" and "Machine Trap Value (mtval)"; Unprivileged, "C"
# ("c.ebreak").
# Expected: cause 3, epc is the address of the ebreak, tval is zero or that address (both allowed), and it can be
# delegated.

.include "bare.inc"

test:
case 1                              # M, 32 bit
    on_trap 1f
    .option norvc
break_m:
    ebreak
    .option rvc
    j fail
1:  check_cause CAUSE_BREAKPOINT
    check_epc break_m
    la t0, break_m
    check_tval_zero_or_is t0
    check_from PRV_M
case 2                              # M, 16 bit
    on_trap 1f
break_mc:
    c.ebreak
    j fail
1:  check_cause CAUSE_BREAKPOINT
    check_epc break_mc
    la t0, break_mc
    check_tval_zero_or_is t0
case 3                              # S
    run_in PRV_S, break
    check_cause CAUSE_BREAKPOINT
    check_epc break
    check_from PRV_S
case 4                              # U, 16 bit
    run_in PRV_U, break_c
    check_cause CAUSE_BREAKPOINT
    check_epc break_c
    check_from PRV_U
case 5                              # U, delegated
    li t0, 1 << CAUSE_BREAKPOINT
    csrw medeleg, t0
    run_in PRV_U, break
    check_delegated CAUSE_BREAKPOINT
    check_sepc break
    csrr t1, stval
    beqz t1, 1f
    check_address t1, break
1:  csrr t0, sstatus
    check_bits t0, STATUS_SPP, 0
case 6                              # S, delegated
    run_in PRV_S, break_c
    check_delegated CAUSE_BREAKPOINT
    check_sepc break_c
    csrr t0, sstatus
    check_bits t0, STATUS_SPP, STATUS_SPP
case 7                              # from M never delegated
    csrw scause, zero
    on_trap 1f
    c.ebreak
    j fail
1:  check_cause CAUSE_BREAKPOINT
    csrr t0, scause
    check_zero t0
    done

    .option norvc
break:
    ebreak
    .option rvc
break_c:
    c.ebreak

.include "runtime.inc"
