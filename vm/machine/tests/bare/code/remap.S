# Code pages exchanged by the page table: the memory is not modified, so no FENCE.I is executed.
# Specification: Privileged, "Supervisor Memory-Management Fence Instruction" (SFENCE.VMA orders page-table changes
# before instruction fetches too).
# Expected: after the new entry and SFENCE.VMA the address executes the code of the page that it now means, although
# the old code had run often; also for a jump from another page that had been linked to it, and for code that simply
# runs on from one page into the next.

.include "bare.inc"
.include "code.inc"
.text
.include "paging.inc"

.equ CALLER_VA, 0x40000000          # caller, and the page behind it
.equ TARGET_VA, 0x40001000

# Gives the target page's entry the page \label and fences in M-mode.
.macro target page_label
    pte_of t0, \page_label, PTE_V | PTE_R | PTE_X | PTE_A
    sd t0, 0(s0)
    li t0, TARGET_VA
    sfence.vma t0, zero
.endm

test:
    space_on
    la s0, target_pte
    ld s0, 0(s0)
case 1                              # called through a register
    target page_1
    returns TARGET_VA, HOT_CALLS, 1
    target page_2
    returns TARGET_VA, HOT_CALLS, 2
    target page_1
    returns TARGET_VA, HOT_CALLS, 1
case 2                              # called by a direct jump from the page before
    returns CALLER_VA, HOT_CALLS, 101
    target page_2
    returns CALLER_VA, HOT_CALLS, 102
    target page_1
    returns CALLER_VA, 100, 101
case 3                              # reached by running on over the page's end
    returns TARGET_VA - 4, HOT_CALLS, 1
    target page_2
    returns TARGET_VA - 4, HOT_CALLS, 2
case 4                              # exchanged often
    li s2, 200
1:  target page_1
    returns CALLER_VA, 3, 101
    target page_2
    returns CALLER_VA, 3, 102
    addi s2, s2, -1
    bnez s2, 1b
case 5                              # right to execute withdrawn: the linked jump faults
    pte_of t0, page_2, PTE_VRWAD
    sd t0, 0(s0)
    sfence.vma
    li s1, CALLER_VA
    li a0, TARGET_VA
    run_in PRV_S, call_many
    check_cause CAUSE_FETCH_PAGE
    check_epc_is s3
    check_tval_is s3
case 6                              # and the page gone
    sd zero, 0(s0)
    sfence.vma
    run_in PRV_S, call_many
    check_cause CAUSE_FETCH_PAGE
    check_epc_is s3
    target page_1
    returns CALLER_VA, 100, 101
case 7                              # S-mode exchanges the pages itself, and the caller is hot
    pte_of s4, page_1, PTE_V | PTE_R | PTE_X | PTE_A
    pte_of s5, page_2, PTE_V | PTE_R | PTE_X | PTE_A
    li s1, CALLER_VA
    li s2, TARGET_VA
    li a2, CHANGES
    li a3, 0
    run_in PRV_S, exchange_and_call
    check_ecall_from PRV_S
    check_value a3, CHANGES / 2 * 203
case 8                              # the code of the target changed by a store, the jump to it linked
    la s6, page_1
    target page_1
    returns CALLER_VA, HOT_CALLS, 101
    li t1, INSN_LI_A0 | (33 << 20)
    sw t1, 0(s6)
    fence.i
    returns CALLER_VA, HOT_CALLS, 133
    li t1, INSN_LI_A0 | (1 << 20)
    sw t1, 0(s6)
    fence.i
    returns CALLER_VA, 100, 101
    done

.balign 4
exchange_and_call:
    sd s4, 0(s0)
    sfence.vma s2, zero
    jalr ra, 0(s1)
    add a3, a3, a0
    mv t0, s4                       # swap the entries
    mv s4, s5
    mv s5, t0
    addi a2, a2, -1
    bnez a2, exchange_and_call
    ecall

define_call_many

setup:
    mv s8, ra
    li a0, SATP_SV39
    li a1, 0
    jal ra, space_create
    map CALLER_VA, caller, PTE_V | PTE_R | PTE_X | PTE_A, 0
    map TARGET_VA, page_1, PTE_V | PTE_R | PTE_X | PTE_A, 0, target_pte
    li s3, TARGET_VA
    jr s8

.section .data
target_pte:
    .dword 0
.balign 4096
.option norvc
caller:                             # calls what is at the start of the next page, and adds 100
    mv t5, ra
    jal ra, caller + 4096
    addi a0, a0, 100
    jr t5
    .org caller + 4092
    nop
.option rvc
code_page page_1, 1
code_page page_2, 2
.text

iterations 1
.include "runtime.inc"
