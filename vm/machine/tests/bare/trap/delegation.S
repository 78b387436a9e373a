# Which synchronous traps medeleg sends to S-mode, and what such a trap writes.
# Specification: Privileged, "Machine Trap Delegation (medeleg and mideleg) Registers", "Supervisor Status (sstatus)
# Register".
# Expected: a delegated trap from S or U writes scause, sepc, stval, SPP, SPIE and SIE; a trap from M is never
# delegated; with the bit clear M-mode gets the trap and the S registers stay.

.include "bare.inc"

.equ DELEGATED, 1 << CAUSE_ILLEGAL

test:
case 1                              # not delegated: S registers untouched
    li a0, 0x55
    csrw scause, a0
    csrw stval, a0
    la a1, probe
    csrw sepc, a1
    run_in PRV_U, probe
    check_cause CAUSE_ILLEGAL
    check_epc probe
    csrr a2, scause
    check_eq a2, a0
    csrr a2, stval
    check_eq a2, a0
    csrr a2, sepc
    check_eq a2, a1
case 2                              # delegated from U: SPP = 0, SPIE = SIE, SIE = 0
    li t0, DELEGATED
    csrw medeleg, t0
    csrsi mstatus, STATUS_SIE
    li t0, STATUS_SPP
    csrs mstatus, t0
    run_in PRV_U, probe
    check_delegated CAUSE_ILLEGAL
    check_sepc probe
    csrr a0, sstatus
    check_bits a0, STATUS_SPP | STATUS_SPIE | STATUS_SIE, STATUS_SPIE
case 3                              # delegated from S: SPP = 1, SPIE = SIE = 0
    run_in PRV_S, probe
    check_delegated CAUSE_ILLEGAL
    check_sepc probe
    csrr a0, sstatus
    check_bits a0, STATUS_SPP | STATUS_SPIE | STATUS_SIE, STATUS_SPP
case 4                              # from M: not delegated
    csrw scause, zero
    on_trap 1f
in_m:
    .4byte 0xffffffff
    j fail
1:  check_cause CAUSE_ILLEGAL
    check_epc in_m
    check_from PRV_M
    csrr a0, scause
    check_zero a0
case 5                              # sret returns behind the instruction, to U
    la a0, s_skips
    csrw stvec, a0
    li a1, 0
    run_in PRV_U, probe
    check_cause CAUSE_ECALL_U
    check_epc probe_end
    check_value a1, 1
case 6                              # sret returns behind the instruction, to S
    li a1, 0
    run_in PRV_S, probe
    check_cause CAUSE_ECALL_S
    check_epc probe_end
    check_value a1, 1
case 7                              # each delegable synchronous cause goes where its own bit says
    la a0, s_trap
    csrw stvec, a0
    li a2, 1 << CAUSE_BREAKPOINT
    csrw medeleg, a2
    run_in PRV_U, probe
    check_cause CAUSE_ILLEGAL
    run_in PRV_U, break
    check_delegated CAUSE_BREAKPOINT
    li a2, 1 << CAUSE_LOAD_ACCESS
    csrw medeleg, a2
    li a0, VACANT_ADDRESS
    run_in PRV_U, load
    check_delegated CAUSE_LOAD_ACCESS
    check_sepc load
    check_stval VACANT_ADDRESS
    run_in PRV_U, store
    check_cause CAUSE_STORE_ACCESS
    li a2, 1 << CAUSE_STORE_ACCESS
    csrw medeleg, a2
    run_in PRV_U, store
    check_delegated CAUSE_STORE_ACCESS
    check_stval VACANT_ADDRESS
    li a2, 1 << CAUSE_FETCH_ACCESS
    csrw medeleg, a2
    run_at PRV_U, a0
    check_delegated CAUSE_FETCH_ACCESS
    check_stval VACANT_ADDRESS
    csrr a2, sepc
    check_eq a2, a0
    done

probe:
    .4byte 0xffffffff
probe_end:
    ecall
break:
    c.ebreak
load:
    ld a1, 0(a0)
store:
    sd a1, 0(a0)

.balign 4
s_skips:
    csrr t0, sepc
    addi t0, t0, 4
    csrw sepc, t0
    li a1, 1
    sret

.include "runtime.inc"
