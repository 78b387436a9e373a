# An instruction of 32 bits whose second half is fetched from an address where nothing is.
# Specification: Privileged, "Machine Trap Value (mtval) Register" ("the portion of the instruction that caused the
# fault", mepc points to its beginning), "Physical Memory Attributes".
# Expected: cause 1, epc is the instruction, tval the start of the second page; the same code works once the page
# leads to memory.

.include "bare.inc"
.include "code.inc"
.text
.include "paging.inc"

.equ SECOND_VA, 0x40001000
.equ STRADDLE_VA, SECOND_VA - 2
.equ CODE, PTE_V | PTE_R | PTE_X | PTE_A

test:
    space_on
    la s0, second_pte
    ld s0, 0(s0)
    li s1, STRADDLE_VA
    li s2, SECOND_VA
case 1
    pte_of t0, second, CODE
    sd t0, 0(s0)
    sfence.vma
    calls_sum_to PRV_S, 10, 20
case 2
    li t0, (VACANT_ADDRESS >> 2) | CODE
    sd t0, 0(s0)
    sfence.vma
    run_at PRV_S, s1
    check_cause CAUSE_FETCH_ACCESS
    check_epc_is s1
    check_tval_is s2
    check_from PRV_S
    done

define_call_many

setup:
    mv s8, ra
    li a0, SATP_SV39
    li a1, 0
    jal ra, space_create
    map SECOND_VA - PAGE_SIZE, first, CODE, 0
    map SECOND_VA, second, CODE, 0, second_pte
    jr s8

.section .data
second_pte:
    .dword 0
.balign 4096
second:                             # the second half of `li a0, 2`, then a return
    .2byte 2 << 4
    .2byte INSN_C_RET
.balign 4096
first:
    .org first + 4094
    .2byte INSN_LI_A0 & 0xffff
.text

.include "runtime.inc"
