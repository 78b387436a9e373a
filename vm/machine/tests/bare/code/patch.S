# Functions that are changed after having run often.
# Specification: Unprivileged, "Zifencei" (FENCE.I makes stores to instruction memory visible to the fetches of the
# same hart).
# Expected: after the store and FENCE.I the next call executes the new instruction, whatever was changed: an
# immediate, an operation, the target or the direction of a branch, 32 bits into two compressed instructions or back,
# the second half of an instruction only.

.include "bare.inc"
.include "code.inc"
.text

# Stores the word \value at \offset of the function at s1.
.macro patch_word offset, value
    li t1, \value
    sw t1, \offset(s1)
    fence.i
.endm

.macro patch_half offset, value
    li t1, \value
    sh t1, \offset(s1)
    fence.i
.endm

test:
    la s1, function
case 1                              # an immediate, five times
    patch_word 0, INSN_LI_A0 | (1 << 20)
    calls_return s1, HOT_CALLS, 1
    patch_word 0, INSN_LI_A0 | (2 << 20)
    calls_return s1, HOT_CALLS, 2
    patch_word 0, INSN_LI_A0 | (3 << 20)
    calls_return s1, HOT_CALLS, 3
    patch_word 0, INSN_LI_A0 | (4 << 20)
    calls_return s1, 1, 4
    patch_word 0, INSN_LI_A0 | (5 << 20)
    calls_return s1, HOT_CALLS, 5
case 2                              # an operation
    patch_word 0, 0x06300513        # li a0, 99
    patch_word 4, 0x00950513        # addi a0, a0, 9
    patch_word 8, INSN_RET
    calls_return s1, HOT_CALLS, 108
    patch_word 4, 0x40a00533        # sub a0, zero, a0
    calls_return s1, HOT_CALLS, -99
    patch_word 4, 0x02a50533        # mul a0, a0, a0
    calls_return s1, HOT_CALLS, 9801
case 3                              # 32 bits become two compressed instructions, and one again
    patch_word 0, INSN_LI_A0 | (7 << 20)
    patch_word 4, INSN_ADDI_A0 | (1 << 20)
    calls_return s1, HOT_CALLS, 8
    patch_word 0, INSN_C_LI_A0 | (3 << 2) | (INSN_C_NOP << 16)
    calls_return s1, HOT_CALLS, 4
    patch_half 2, INSN_C_RET
    calls_return s1, HOT_CALLS, 3
    patch_word 0, INSN_LI_A0 | (9 << 20)
    calls_return s1, HOT_CALLS, 10
case 4                              # the second half of an instruction
    patch_half 2, 20 << 4
    calls_return s1, HOT_CALLS, 21
    patch_half 2, 30 << 4
    calls_return s1, HOT_CALLS, 31
case 5                              # a branch: condition, target, gone
    la s1, branching
    patch_word 4, 0x00000463        # beq zero, zero, 8
    calls_return s1, HOT_CALLS, 2
    patch_word 4, 0x00001463        # bne zero, zero, 8
    calls_return s1, HOT_CALLS, 1
    patch_word 4, 0x00000863        # beq zero, zero, 16
    calls_return s1, HOT_CALLS, 3
    patch_word 4, 0x00000013        # nop
    calls_return s1, HOT_CALLS, 1
case 6                              # a direct jump
    la s1, jumping
    patch_word 0, 0x0040006f        # j 4
    calls_return s1, HOT_CALLS, 1
    patch_word 0, 0x00c0006f        # j 12
    calls_return s1, HOT_CALLS, 2
case 7                              # a function becomes an illegal instruction, and a function again
    la s1, function
    patch_word 0, 0
    on_trap 1f
    jalr ra, 0(s1)
    j fail
1:  check_cause CAUSE_ILLEGAL
    check_epc function
    patch_word 0, INSN_LI_A0 | (6 << 20)
    patch_word 4, INSN_RET
    calls_return s1, 1, 6
    done

.option norvc
.balign 64
function:
    li a0, 0
    ret
    ret
.balign 64
branching:
    li a0, 1
    nop                             # 4: the branch
    ret                             # 8
    li a0, 2                        # 12: branch by 8
    ret
    li a0, 3                        # 20: branch by 16
    ret
.balign 64
jumping:
    j .
    li a0, 1
    ret
    li a0, 2
    ret
.option rvc

iterations 1
.include "runtime.inc"
