# Code executed at one virtual address and written through another.
# Specification: Unprivileged, "Zifencei"; Privileged, "Virtual Address Translation Process".
# Expected: after a store through the second mapping and FENCE.I the first one executes the new code: from S-mode,
# with the writable mapping next to the code, far from it, in a superpage, and by physical address from M-mode; and a
# page executed through two mappings changes in both.

.include "bare.inc"
.include "code.inc"
.text
.include "paging.inc"

.equ CODE_VA, 0x40000000
.equ DATA_VA, 0x40001000
.equ FAR_VA, 0x3000000000
.equ SECOND_CODE_VA, 0x40200000
.equ USER_CODE_VA, 0x40003000

test:
    space_on
    la s0, page
case 1                              # hot, then written through the neighbour
    write_through DATA_VA, 1, write_and_fence
    returns CODE_VA, HOT_CALLS, 1
    write_through DATA_VA, 2, write_and_fence
    returns CODE_VA, HOT_CALLS, 2
case 2                              # written through a page far away
    write_through FAR_VA, 3, write_and_fence
    returns CODE_VA, HOT_CALLS, 3
case 3                              # written through the gigapage
    la a0, page
    li a1, INSN_LI_A0 | (4 << 20)
    run_in PRV_S, write_and_fence
    returns CODE_VA, HOT_CALLS, 4
case 4                              # written by M-mode, fenced by M-mode
    li a1, INSN_LI_A0 | (5 << 20)
    sw a1, 0(s0)
    fence.i
    returns CODE_VA, HOT_CALLS, 5
case 5                              # executed through two mappings
    returns SECOND_CODE_VA, HOT_CALLS, 5
    write_through DATA_VA, 6, write_and_fence
    returns CODE_VA, 100, 6
    returns SECOND_CODE_VA, 100, 6
case 6                              # executed by physical address in M-mode too
    calls_return s0, HOT_CALLS, 6
    write_through FAR_VA, 7, write_and_fence
    calls_return s0, 100, 7
    returns CODE_VA, 100, 7
case 7                              # in U-mode, written by S-mode
    user_returns USER_CODE_VA, HOT_CALLS, 7
    write_through DATA_VA, 8, write_and_fence
    user_returns USER_CODE_VA, 100, 8
case 8                              # through MPRV
    li t0, STATUS_MPP
    csrc mstatus, t0
    li t0, STATUS_MPRV | (PRV_S << STATUS_MPP_SHIFT)
    li a0, FAR_VA
    li a1, INSN_LI_A0 | (9 << 20)
    csrs mstatus, t0
    sw a1, 0(a0)
    csrc mstatus, t0
    fence.i
    returns CODE_VA, 100, 9
    done

.balign 4
write_and_fence:
    sw a1, 0(a0)
    fence.i
    ecall

define_call_many

setup:
    mv s8, ra
    li a0, SATP_SV39
    li a1, 0
    jal ra, space_create
    map CODE_VA, page, PTE_V | PTE_R | PTE_X | PTE_A, 0
    map SECOND_CODE_VA, page, PTE_V | PTE_X | PTE_A, 0
    map USER_CODE_VA, page, PTE_V | PTE_X | PTE_U | PTE_A, 0
    map DATA_VA, page, PTE_VRWAD, 0
    map FAR_VA, page, PTE_VRWAD, 0
    jr s8

.section .data
code_page page, 1
.text

iterations 1
.include "runtime.inc"
