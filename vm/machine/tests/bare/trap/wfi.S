# WFI: it ends when an enabled interrupt is pending, whether or not it can be taken.
# Specification: Privileged, "Wait for Interrupt".
# Expected: with an interrupt pending and its bit in mie set WFI completes, also if mstatus.MIE is clear or the
# interrupt is delegated; if it is taken, epc is the instruction behind WFI. (With nothing pending an implementation
# may also complete at any time.)

.include "bare.inc"

test:
    li s0, 1 << IRQ_SSI
case 1                              # M, pending, MIE = 0
    csrw mie, s0
    csrs mip, s0
    wfi
    csrr a0, mip
    and a0, a0, s0
    check_nonzero a0
case 2                              # M, pending and delegated, so that M never takes it
    csrw mideleg, s0
    csrsi mstatus, STATUS_MIE
    wfi
    csrci mstatus, STATUS_MIE
case 3                              # S, pending, SIE = 0
    csrci mstatus, STATUS_SIE
    run_in PRV_S, wait
    check_ecall_from PRV_S
    check_epc wait_end
case 4                              # S waits, and takes the interrupt that M has left pending, behind the WFI or before
    csrsi mstatus, STATUS_SIE
    run_in PRV_S, wait
    check_delegated INTERRUPT | IRQ_SSI
    check_sepc wait
    csrc mip, s0
case 5                              # M waits for the timer
    csrw mideleg, zero
    li t0, 1 << IRQ_MTI
    csrw mie, t0
    jal s10, start_timer
    on_trap 1f
    csrsi mstatus, STATUS_MIE
2:  wfi
3:  j 2b
1:  check_cause INTERRUPT | IRQ_MTI
    trap_field a0, TRAP_EPC
    la a1, 2b
    beq a0, a1, 1f                  # came before the wait or WFI ended early
    la a1, 3b
    check_eq a0, a1
1:  jal s10, stop_timer
case 6                              # M waits for the timer with MIE = 0
    jal s10, start_timer
1:  wfi
    csrr a0, mip
    andi a0, a0, 1 << IRQ_MTI
    beqz a0, 1b
    jal s10, stop_timer
case 7                              # S waits, the timer interrupts it into M
    jal s10, start_timer
    run_in PRV_S, wait_forever
    check_cause INTERRUPT | IRQ_MTI
    check_from PRV_S
    jal s10, stop_timer
    done

# mtimecmp = mtime + 20
start_timer:
    li t0, CLINT_MTIME
    ld t1, 0(t0)
    addi t1, t1, 20
    li t0, CLINT_MTIMECMP
    sd t1, 0(t0)
    jr s10

stop_timer:
    li t0, CLINT_MTIMECMP
    li t1, -1
    sd t1, 0(t0)
1:  csrr t1, mip
    andi t1, t1, 1 << IRQ_MTI
    bnez t1, 1b
    jr s10

.balign 4
wait:
    wfi
wait_end:
    ecall
wait_forever:
    wfi
    j wait_forever

setup:
    mv s9, ra
    jal s10, stop_timer
    jr s9

iterations 100
.include "runtime.inc"
