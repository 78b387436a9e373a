# A page taken away from the other hart: page-table change, interrupt, fence there, acknowledgement.
# Specification: Privileged, "Supervisor Memory-Management Fence Instruction" (other harts must be asked to fence),
# "Machine Interrupt (mip and mie) Registers".
# Expected: the second hart, which reads and executes the page in a loop in S-mode without looking at anything else,
# is interrupted, fences, and from then on sees the new page only: the old one is poisoned after its acknowledgement,
# and nobody ever finds the poison. Needs two harts.

.include "bare.inc"
.text
.include "paging.inc"
.include "harts.inc"

.equ TEST_VA, 0x40000000
.equ EXCHANGES, 300
.equ INSN_RET, 0x00008067
.equ INSN_LI_A0, 0x00000513
.equ GOOD, 7

shared acknowledged
shared finished

test:
    li s7, 0
    la t0, page_pte
    ld s0, 0(t0)
    la s1, page_1                   # mapped
    la s2, page_2                   # not mapped
    meet
case 1
    li s6, 1
1:  # A good page takes the place of the one that is mapped.
    li t0, INSN_LI_A0 | (GOOD << 20)
    sw t0, 0(s2)
    li t0, INSN_RET
    sw t0, 4(s2)
    fence rw, rw
    fence.i
    srli t0, s2, 2
    ori t0, t0, PTE_VRWXAD
    sd t0, 0(s0)
    fence rw, rw
    li t0, CLINT_MSIP + 4
    li t1, 1
    sw t1, 0(t0)
2:  ld t0, acknowledged
    bne t0, s6, 2b
    fence rw, rw
    sd zero, 0(s1)                  # poison: an illegal instruction, and not the number
    mv t0, s1
    mv s1, s2
    mv s2, t0
    addi s6, s6, 1
    li t0, EXCHANGES
    bne s6, t0, 1b
    li t0, 1
    sd t0, finished, t1
    fence rw, rw
    li t0, CLINT_MSIP + 4
    li t1, 1
    sw t1, 0(t0)
    meet
    done

# Hart 1: S-mode reads and executes the page for ever; M-mode handles the interrupts.
other_hart:
    li s7, 0
    la t0, other_trap
    csrw mtvec, t0
    meet
case 11
    ld t0, page_satp
    csrw satp, t0
    sfence.vma
    li t0, 1 << IRQ_MSI
    csrw mie, t0
    li t0, STATUS_MPP
    csrc mstatus, t0
    li t0, PRV_S << STATUS_MPP_SHIFT
    csrs mstatus, t0
    la t0, use_page
    csrw mepc, t0
    li s1, TEST_VA
    li s2, INSN_LI_A0 | (GOOD << 20)
    li s3, GOOD
    mret

.balign 4
use_page:
    lw t0, 0(s1)
    bne t0, s2, 1f
    jalr ra, 0(s1)
    beq a0, s3, use_page
1:  ecall                           # found something else: not an interrupt, so other_trap fails

.balign 4
other_trap:
    csrr t6, mcause
    bgez t6, fail
    li t6, CLINT_MSIP + 4
    sw zero, 0(t6)
1:  csrr t6, mip                    # the withdrawn interrupt may take a moment; asked before hart 0 may raise the next
    andi t6, t6, 1 << IRQ_MSI
    bnez t6, 1b
    fence.i
    sfence.vma
    fence rw, rw
    ld t6, finished
    bnez t6, 2f
    ld t6, acknowledged
    addi t6, t6, 1
    sd t6, acknowledged, t5
    mret
2:  other_done

setup:
    mv s8, ra
    la t0, page_1
    li t1, INSN_LI_A0 | (GOOD << 20)
    sw t1, 0(t0)
    li t1, INSN_RET
    sw t1, 4(t0)
    fence.i
    li a0, SATP_SV39
    li a1, 0
    jal ra, space_create
    map TEST_VA, page_1, PTE_VRWXAD, 0, page_pte
    la t0, space
    ld t0, 0(t0)
    sd t0, page_satp, t1
    jr s8

.section .data
page_pte:
    .dword 0
page_satp:
    .dword 0
.balign 4096
page_1:
    .zero 4096
page_2:
    .zero 4096
.text

iterations 1
.include "runtime.inc"
