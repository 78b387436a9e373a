# Code that is replaced by a program that knows no FENCE.I.
# Specification: Unprivileged, "Zifencei", leaves open what happens; machines with coherent caches execute the new
# code, and there are kernels that rely on it: they load programs with stores, and on the way to user mode drop all
# translations, by SFENCE.VMA or a new satp.
# Expected: the new code is executed after all translations were dropped, in the mode and space that run it next; and
# code that was never executed before needs nothing at all.

.include "bare.inc"
.include "code.inc"
.text
.include "paging.inc"

.equ CODE_VA, 0x40000000
.equ DATA_VA, 0x40001000
.equ USER_CODE_VA, 0x40003000

test:
    space_on
    la s0, page
case 1                              # written through another page
    write_through DATA_VA, 1, write_and_flush
    returns CODE_VA, HOT_CALLS, 1
    write_through DATA_VA, 2, write_and_flush
    returns CODE_VA, HOT_CALLS, 2
case 2                              # a user program after another
    user_returns USER_CODE_VA, HOT_CALLS, 2
    write_through DATA_VA, 3, write_and_flush
    user_returns USER_CODE_VA, HOT_CALLS, 3
    write_through DATA_VA, 4, write_and_flush
    user_returns USER_CODE_VA, 100, 4
case 3                              # by M-mode, and a new satp
    li a1, INSN_LI_A0 | (5 << 20)
    sw a1, 0(s0)
    csrw satp, zero
    space_on
    returns CODE_VA, HOT_CALLS, 5
case 4                              # more code behind code that is hot, nothing dropped
    li a1, INSN_LI_A0 | (6 << 20)
    li a2, INSN_RET
    sw a1, 512(s0)
    sw a2, 516(s0)
    fence
    returns CODE_VA + 512, HOT_CALLS, 6
    returns CODE_VA, 100, 5
    li a1, INSN_LI_A0 | (7 << 20)
    li a2, INSN_RET
    sw a1, 1024(s0)
    sw a2, 1028(s0)
    fence
    returns CODE_VA + 1024, HOT_CALLS, 7
    returns CODE_VA + 512, 100, 6
    done

.balign 4
write_and_flush:
    sw a1, 0(a0)
    sfence.vma
    ecall

define_call_many

setup:
    mv s8, ra
    li a0, SATP_SV39
    li a1, 0
    jal ra, space_create
    map CODE_VA, page, PTE_V | PTE_R | PTE_X | PTE_A, 0
    map USER_CODE_VA, page, PTE_V | PTE_X | PTE_U | PTE_A, 0
    map DATA_VA, page, PTE_VRWAD, 0
    jr s8

.section .data
code_page page, 1
.text

iterations 1
.include "runtime.inc"
