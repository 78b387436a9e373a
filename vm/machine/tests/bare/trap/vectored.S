# Direct and vectored trap vectors of M-mode and S-mode.
# Specification: Privileged, "Machine Trap-Vector Base-Address (mtvec) Register", "Supervisor Trap Vector Base Address
# (stvec) Register".
# Expected: with MODE = 1 an interrupt goes to BASE + 4 x cause and an exception to BASE; with MODE = 0 everything
# goes to BASE.

.include "bare.inc"

# Makes interrupt \irq pending, takes it in M-mode and expects vector slot \slot.
.macro take_in_m irq, slot
    li a0, -1
    la s0, 9996f
    li t0, 1 << \irq
    csrw mie, t0
    csrs mip, t0
    csrsi mstatus, STATUS_MIE
    j fail
9996:
    check_value a0, \slot
    li t0, INTERRUPT | \irq
    check_eq a1, t0
    li t0, 1 << \irq
    csrc mip, t0
.endm

# The same in S-mode.
.macro take_in_s irq, slot
    li a0, -1
    li t0, 1 << \irq
    csrw mideleg, t0
    csrw mie, t0
    csrs mip, t0
    csrsi mstatus, STATUS_SIE
    run_in PRV_S, call
    check_cause CAUSE_ECALL_S
    check_epc s_common
    check_value a0, \slot
    csrr t0, scause
    li t1, INTERRUPT | \irq
    check_eq t0, t1
    li t0, 1 << \irq
    csrc mip, t0
.endm

test:
    la s1, m_table
case 1                              # vectored M: exceptions to BASE
    ori t0, s1, 1
    csrw mtvec, t0
    csrr t1, mtvec
    check_eq t0, t1
    la s0, 1f
    li a0, -1
    ecall
    j fail
1:  check_value a0, 0
    check_value a1, CAUSE_ECALL_M
    la s0, 1f
    li a0, -1
    .4byte 0xffffffff
    j fail
1:  check_value a0, 0
    check_value a1, CAUSE_ILLEGAL
case 2                              # vectored M: interrupts to their own slot
    take_in_m IRQ_SSI, IRQ_SSI
    take_in_m IRQ_STI, IRQ_STI
    take_in_m IRQ_SEI, IRQ_SEI
case 3                              # vectored M: interrupts of the CLINT
    la s0, 1f
    li a0, -1
    li t0, CLINT_MSIP
    li t1, 1
    li t2, 1 << IRQ_MSI
    csrw mie, t2
    sw t1, 0(t0)
2:  csrr t1, mip
    and t1, t1, t2
    beqz t1, 2b
    csrsi mstatus, STATUS_MIE
    j fail
1:  sw zero, 0(t0)
    check_value a0, IRQ_MSI
case 4                              # direct M
    csrw mtvec, s1
    take_in_m IRQ_SSI, 0
    take_in_m IRQ_SEI, 0
    la s0, 1f
    ecall
    j fail
1:  check_value a0, 0
case 5                              # vectored S: exceptions to BASE
    la t0, m_trap
    csrw mtvec, t0
    la s2, s_table
    ori t0, s2, 1
    csrw stvec, t0
    csrr t1, stvec
    check_eq t0, t1
    li t0, 1 << CAUSE_ECALL_U
    csrw medeleg, t0
    li a0, -1
    run_in PRV_U, call
    check_cause CAUSE_ECALL_S
    check_value a0, 0
    csrr t0, scause
    check_value t0, CAUSE_ECALL_U
case 6                              # vectored S: interrupts to their own slot
    take_in_s IRQ_SSI, IRQ_SSI
    take_in_s IRQ_STI, IRQ_STI
    take_in_s IRQ_SEI, IRQ_SEI
case 7                              # direct S
    csrw stvec, s2
    take_in_s IRQ_SSI, 0
    take_in_s IRQ_STI, 0
    done

call:
    ecall

# Slot n loads n and goes to the common part.
.option norvc
.macro slots common
    .set slot, 0
    .rept 16
    j \common\()_entries + 8 * slot
    .set slot, slot + 1
    .endr
.endm
.macro entries common
\common\()_entries:
    .set slot, 0
    .rept 16
    li a0, slot
    j \common
    .set slot, slot + 1
    .endr
.endm
.balign 256
m_table:
    slots m_common
.balign 256
s_table:
    slots s_common
    entries m_common
    entries s_common
.option rvc

# Reports mcause in a1 and goes on at s0 in M-mode with interrupts off.
m_common:
    csrr a1, mcause
    csrw mepc, s0
    li t5, STATUS_MPP
    csrs mstatus, t5
    li t5, STATUS_MPIE
    csrc mstatus, t5
    mret

s_common:
    ecall

.include "runtime.inc"
