# Code that changes itself while it runs: the instruction right behind the FENCE.I, and the loop around it.
# Specification: Unprivileged, "Zifencei".
# Expected: the changed instruction executes as it is in memory, though it belongs to the same straight line of code
# as the store.

.include "bare.inc"
.include "code.inc"
.text

test:
case 1                              # the next instruction, alternating
    li s0, CHANGES
    li s2, INSN_LI_A0 | (1 << 20)
    li s3, INSN_LI_A0 | (2 << 20)
    la s1, 2f
    li a3, 0
1:  sw s2, 0(s1)
    fence.i
    .balign 4
    .option norvc
2:  li a0, 0
    .option rvc
    add a3, a3, a0
    mv t0, s2                       # swap the two
    mv s2, s3
    mv s3, t0
    addi s0, s0, -1
    bnez s0, 1b
    li t0, CHANGES / 2 * 3
    check_eq a3, t0
case 2                              # in the middle of a hot loop, once
    li s0, 2 * HOT_CALLS
    li s2, HOT_CALLS
    li s3, INSN_ADDI_A0 | (1 << 20)
    la s1, 3f
    sw s3, 0(s1)
    fence.i
    li s3, INSN_ADDI_A0 | (5 << 20)
    li a0, 0
1:  bne s0, s2, 2f
    sw s3, 0(s1)
    fence.i
2:  nop
    .balign 4
    .option norvc
3:  addi a0, a0, 1
    .option rvc
    addi s0, s0, -1
    bnez s0, 1b
    li t0, 6 * HOT_CALLS
    check_eq a0, t0
case 3                              # the loop's own end: the branch becomes a nop
    la s1, 2f
    li s2, 0x00000013               # nop
    lw s3, 0(s1)
    li s0, HOT_CALLS
    li a0, 0
    li t1, 5
1:  addi a0, a0, 1
    bne s0, t1, 3f
    sw s2, 0(s1)
    fence.i
3:  addi s0, s0, -1
    .balign 4
    .option norvc
2:  bnez s0, 1b
    .option rvc
    sw s3, 0(s1)
    fence.i
    check_value a0, HOT_CALLS - 4
case 4                              # code behind the running instruction on the same page, written before it is reached
    la s1, 2f
    li s0, 1000
    li a3, 0
1:  andi t0, s0, 15
    slli t0, t0, 20
    li t1, INSN_LI_A0
    or t0, t0, t1
    sw t0, 0(s1)
    fence.i
    beqz zero, 2f
    nop
    .balign 4
    .option norvc
2:  li a0, 0
    .option rvc
    andi t0, s0, 15
    check_eq a0, t0
    addi s0, s0, -1
    bnez s0, 1b
    done

iterations 1
.include "runtime.inc"
