# A ticking clock: S-mode sets stimecmp, counts ticks and returns to U-mode, M-mode has no part in it.
# Specification: Privileged, "Sstc" (stimecmp), "Supervisor Interrupt (sip and sie) Registers", "Machine Environment
# Configuration (menvcfg) Register".
# Expected: U-mode's loop is interrupted tick after tick and resumed with all its registers, also floating-point ones,
# until S-mode has counted enough; the interrupt is gone as soon as stimecmp is ahead again. riscope has Sstc;
# machines without it pass the portable build.

.include "bare.inc"
.text

.equ STIMECMP, 0x14d
.equ TICKS, 40
.equ PERIOD, 60

test:
case 1                              # does the machine have it?
    on_trap absent
    csrr a0, time
    csrr a0, STIMECMP
    check_no_trap
    probe_csr_bits menvcfg, ENVCFG_STCE, absent
    li t0, -1
    csrw STIMECMP, t0
    csrwi mcounteren, COUNTEREN_TM
    li t0, 1 << IRQ_STI
    csrw mideleg, t0
    csrw mie, t0
    la t0, tick
    csrw stvec, t0
    li t0, STATUS_FS_INITIAL
    csrs mstatus, t0
case 2                              # ticks
    li s0, TICKS
    li s1, PERIOD
    li s2, 0                        # early interrupts
    li a0, 0
    li a1, 0
    fmv.d.x fa0, zero
    li t0, 1
    fcvt.d.l fa1, t0
    csrr t1, time
    add t1, t1, s1
    csrw STIMECMP, t1
    run_in PRV_U, loop
    check_cause CAUSE_ECALL_S
    check_epc tick_last
    check_zero s2
case 3                              # three counters, interrupted anywhere between their increments
    fcvt.l.d a2, fa0, rtz
    sub t0, a0, a1
    sltiu t0, t0, 2
    check_nonzero t0
    sub t0, a1, a2
    sltiu t0, t0, 2
    check_nonzero t0
    csrr t0, sepc                   # in the loop
    la t1, loop
    bltu t0, t1, fail
    la t1, loop_end
    bgeu t0, t1, fail
case 4                              # U-mode cannot touch it
    li t0, -1
    csrw STIMECMP, t0
    illegal_in PRV_U, csrr a0, STIMECMP
    li t0, ENVCFG_STCE
    csrc menvcfg, t0
    done

absent:
    feature_absent

.balign 4
loop:
    addi a0, a0, 1
    addi a1, a1, 1
    fadd.d fa0, fa0, fa1
    j loop
loop_end:

# S-mode, at each tick. t0 and t1 are not U-mode's.
.balign 4
tick:
    csrr t0, time
    csrr t1, STIMECMP
    bgeu t0, t1, 1f
    addi s2, s2, 1
1:  addi s0, s0, -1
    beqz s0, tick_last
    add t0, t0, s1
    csrw STIMECMP, t0
    sret
tick_last:
    ecall

iterations 50
.include "runtime.inc"
