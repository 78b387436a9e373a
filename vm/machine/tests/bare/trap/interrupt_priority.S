# Which of several pending interrupts is taken: every non-empty set of MSI, MTI, SEI, SSI and STI.
# Specification: Privileged, "Machine Interrupt (mip and mie) Registers" (order MEI, MSI, MTI, SEI, SSI, STI) and
# "Supervisor Interrupt (sip and sie) Registers" (order SEI, SSI, STI).
# Expected: in M-mode the first of the set in that order. Below M-mode with the S interrupts delegated: any M
# interrupt first, then the S interrupts in their order. MEI has a program of its own in timer/, for it needs an
# interrupt controller.

.include "bare.inc"

.equ S_INTERRUPTS, (1 << IRQ_SSI) | (1 << IRQ_STI) | (1 << IRQ_SEI)
.equ ALL_INTERRUPTS, S_INTERRUPTS | (1 << IRQ_MSI) | (1 << IRQ_MTI)

# If bit \irq is in s1, s2 becomes its cause and the search ends.
.macro candidate irq
    li t0, 1 << \irq
    and t0, t0, s1
    li s2, INTERRUPT | \irq
    bnez t0, 9995f
.endm

test:
    li s0, 31
subset:
    # s1: the set as bits of mip, from the five bits of s0.
    li s1, 0
    .irp irq, IRQ_MSI, IRQ_MTI, IRQ_SEI, IRQ_SSI, IRQ_STI
    andi t0, s0, 1 << ((\irq - 1) / 2)
    beqz t0, 1f
    li t1, 1 << \irq
    or s1, s1, t1
1:
    .endr
    jal s10, raise
    candidate IRQ_MSI
    candidate IRQ_MTI
    candidate IRQ_SEI
    candidate IRQ_SSI
    candidate IRQ_STI
9995:

case 1                              # M-mode, nothing delegated
    csrw mideleg, zero
    li t0, ALL_INTERRUPTS
    csrw mie, t0
    on_trap 1f
    csrsi mstatus, STATUS_MIE
2:  j fail
1:  trap_field t0, TRAP_CAUSE
    check_eq t0, s2
    la a0, 2b
    check_epc_is a0
case 2                              # S-mode and U-mode, nothing delegated
    run_in PRV_S, call
    trap_field t0, TRAP_CAUSE
    check_eq t0, s2
    run_in PRV_U, call
    trap_field t0, TRAP_CAUSE
    check_eq t0, s2
case 3                              # S-mode, S interrupts delegated
    li t0, S_INTERRUPTS
    csrw mideleg, t0
    csrsi mstatus, STATUS_SIE
    run_in PRV_S, call
    jal s10, check_either_target
case 4                              # U-mode, S interrupts delegated
    run_in PRV_U, call
    jal s10, check_either_target
case 5                              # S-mode with SIE clear: only the M interrupts
    csrci mstatus, STATUS_SIE
    run_in PRV_S, call
    trap_field t0, TRAP_CAUSE
    li t1, (1 << IRQ_MSI) | (1 << IRQ_MTI)
    and t1, t1, s1
    bnez t1, 1f
    check_value t0, CAUSE_ECALL_S
    check_epc call
    j 2f
1:  check_eq t0, s2
2:  addi s0, s0, -1
    bnez s0, subset
    li s1, 0
    jal s10, raise
    done

# The trap has cause s2, in M-mode for MSI and MTI, else in S-mode.
check_either_target:
    li t1, (1 << IRQ_MSI) | (1 << IRQ_MTI)
    and t1, t1, s1
    bnez t1, 1f
    check_cause CAUSE_ECALL_S
    check_epc s_trap
    csrr t0, scause
    check_eq t0, s2
    check_sepc call
    jr s10
1:  trap_field t0, TRAP_CAUSE
    check_eq t0, s2
    check_epc call
    jr s10

# Makes exactly the set in s1 pending, and waits until mip shows it.
raise:
    li t0, S_INTERRUPTS
    csrc mip, t0
    and t0, t0, s1
    csrs mip, t0
    li t0, CLINT_MSIP
    srli t1, s1, IRQ_MSI
    andi t1, t1, 1
    sw t1, 0(t0)
    li t0, CLINT_MTIMECMP
    li t1, 1 << IRQ_MTI
    and t1, t1, s1
    seqz t1, t1
    neg t1, t1                      # 0: reached already; all ones: never
    sd t1, 0(t0)
    li t0, ALL_INTERRUPTS
1:  csrr t1, mip
    and t1, t1, t0
    bne t1, s1, 1b
    jr s10

.balign 4
call:
    ecall

iterations 60
.include "runtime.inc"
