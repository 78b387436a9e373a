# Instructions of 32 bits whose halves lie on two pages, and code that ends with its page.
# Specification: Unprivileged, "C" (16-bit alignment); Privileged, "Machine Trap Value (mtval) Register" ("the portion
# of the instruction that caused the fault", mepc points to its beginning).
# Expected: the instruction is put together from both physical pages; if the second page is exchanged it changes; if
# the second page faults, epc is the instruction and tval the start of the second page; if the first one faults both
# are the instruction. A compressed instruction at the end of a page needs nothing of the next page.

.include "bare.inc"
.include "code.inc"
.text
.include "paging.inc"

.equ FIRST_VA, 0x40000000
.equ SECOND_VA, 0x40001000
.equ STRADDLE_VA, SECOND_VA - 2
.equ CODE, PTE_V | PTE_R | PTE_X | PTE_A

.macro second page_label, flags
    pte_of t0, \page_label, \flags
    sd t0, 0(s0)
    sfence.vma
.endm

# A jump to \va faults with \epc and \tval.
.macro fetch_fails va, cause, epc, tval
    li s1, \va
    li s2, \epc
    li s3, \tval
    run_at PRV_S, s1
    check_cause \cause
    check_epc_is s2
    check_tval_is s3
    check_from PRV_S
.endm

test:
    space_on
    la s0, second_pte
    ld s0, 0(s0)
    la s5, first_pte
    ld s5, 0(s5)
    pte_of t0, first, CODE
    sd t0, 0(s5)
case 1                              # halves from pages that are no neighbours, hot
    second page_2, CODE
    returns STRADDLE_VA, HOT_CALLS, 2
    returns STRADDLE_VA - 4, HOT_CALLS, 2
case 2                              # the second page exchanged
    second page_3, CODE
    returns STRADDLE_VA, HOT_CALLS, 3
    second page_2, CODE
    returns STRADDLE_VA, 100, 2
case 3                              # the second half changed by a store
    la s6, page_2
    li t1, 44 << 4
    sh t1, 0(s6)
    fence.i
    returns STRADDLE_VA, HOT_CALLS, 44
    li t1, 2 << 4
    sh t1, 0(s6)
    fence.i
    returns STRADDLE_VA, HOT_CALLS, 2
case 4                              # the first half changed by a store
    la s6, first
    li t1, (INSN_LI_A0 & 0xffff) | 0x80   # li a0 becomes li a1 (rd is 11)
    li t2, 4094
    add t2, t2, s6
    sh t1, 0(t2)
    fence.i
    li a2, 1
    li a1, 0
    li a0, 5
    li s1, STRADDLE_VA
    run_in PRV_S, call_once
    check_ecall_from PRV_S
    check_value a0, 5
    check_value a1, 2
    li t1, INSN_LI_A0 & 0xffff
    sh t1, 0(t2)
    fence.i
    returns STRADDLE_VA, 100, 2
case 5                              # second page missing
    sd zero, 0(s0)
    sfence.vma
    fetch_fails STRADDLE_VA, CAUSE_FETCH_PAGE, STRADDLE_VA, SECOND_VA
    fetch_fails STRADDLE_VA - 4, CAUSE_FETCH_PAGE, STRADDLE_VA, SECOND_VA
case 6                              # second page not executable, or for U
    second page_2, PTE_VRWAD
    fetch_fails STRADDLE_VA, CAUSE_FETCH_PAGE, STRADDLE_VA, SECOND_VA
    second page_2, CODE | PTE_U
    fetch_fails STRADDLE_VA, CAUSE_FETCH_PAGE, STRADDLE_VA, SECOND_VA
case 7                              # first page missing
    second page_2, CODE
    sd zero, 0(s5)
    sfence.vma
    fetch_fails STRADDLE_VA, CAUSE_FETCH_PAGE, STRADDLE_VA, STRADDLE_VA
    pte_of t0, first, CODE
    sd t0, 0(s5)
    sfence.vma
case 8                              # compressed at the end of the page: runs, and the next fetch faults
    pte_of t0, compressed, CODE
    sd t0, 0(s5)
    sd zero, 0(s0)
    sfence.vma
    li a0, 0
    fetch_fails STRADDLE_VA, CAUSE_FETCH_PAGE, SECOND_VA, SECOND_VA
    check_value a0, 13
case 9                              # a compressed return at the end of the page needs no next page
    pte_of t0, returning, CODE
    sd t0, 0(s5)
    sfence.vma
    returns STRADDLE_VA - 2, 100, 14
    done

.balign 4
call_once:
    jalr ra, 0(s1)
    ecall

define_call_many

setup:
    mv s8, ra
    li a0, SATP_SV39
    li a1, 0
    jal ra, space_create
    map FIRST_VA, first, CODE, 0, first_pte
    map SECOND_VA, page_2, CODE, 0, second_pte
    jr s8

.section .data
first_pte:
    .dword 0
second_pte:
    .dword 0

# The second half of `li a0, number`, then a return.
.macro second_half number
.balign 4096
page_\number:
    .2byte \number << 4
    .2byte INSN_C_RET
.endm
    second_half 2
.balign 4096
first:
    .org first + 4090
    .4byte INSN_LI_A0 | (99 << 20)
    .2byte INSN_LI_A0 & 0xffff
    second_half 3
.balign 4096
compressed:
    .org compressed + 4094
    .2byte INSN_C_LI_A0 | (13 << 2)
.balign 4096
returning:
    .org returning + 4092
    .2byte INSN_C_LI_A0 | (14 << 2)
    .2byte INSN_C_RET
.balign 4096
.text

iterations 1
.include "runtime.inc"
