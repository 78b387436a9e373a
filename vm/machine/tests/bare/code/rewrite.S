# A page of code that is written anew again and again, as a compiler inside the guest does.
# Specification: Unprivileged, "Zifencei".
# Expected: each generation of the code runs as written, at once and after many calls; functions of the page that were
# not rewritten still work.

.include "bare.inc"
.include "code.inc"
.text

.equ GENERATIONS, 400
.equ FUNCTIONS, 32

test:
    la s1, page
    la s4, kept
case 1                              # every function of the page, every generation
    li s0, GENERATIONS
generation:
    # Function n (8 bytes each) returns (generation + n) mod 1024.
    li s2, 0
1:  add t0, s0, s2
    andi t0, t0, 1023
    slli t0, t0, 20
    li t1, INSN_LI_A0
    or t0, t0, t1
    slli t1, s2, 3
    add t1, t1, s1
    sw t0, 0(t1)
    li t2, INSN_RET
    sw t2, 4(t1)
    addi s2, s2, 1
    li t0, FUNCTIONS
    bne s2, t0, 1b
    fence.i
    li s3, 3
2:  li s2, 0
1:  slli t1, s2, 3
    add t1, t1, s1
    jalr ra, 0(t1)
    add t0, s0, s2
    andi t0, t0, 1023
    check_eq a0, t0
    addi s2, s2, 1
    li t0, FUNCTIONS
    bne s2, t0, 1b
    jalr ra, 0(s4)
    check_value a0, 55
    addi s3, s3, -1
    bnez s3, 2b
    addi s0, s0, -1
    bnez s0, generation
case 2                              # hot between two generations
    li s0, 5
1:  slli t0, s0, 20
    li t1, INSN_LI_A0
    or t0, t0, t1
    sw t0, 0(s1)
    fence.i
    li s2, HOT_CALLS
2:  jalr ra, 0(s1)
    check_eq a0, s0
    addi s2, s2, -1
    bnez s2, 2b
    addi s0, s0, -1
    bnez s0, 1b
case 3                              # the page is filled with a straight line of code, longer each time
    li s0, 1
1:  li t0, INSN_LI_A0
    mv t1, s1
    sw t0, 0(t1)
    mv t2, s0
2:  addi t1, t1, 4
    li t0, INSN_ADDI_A0 | (1 << 20)
    sw t0, 0(t1)
    addi t2, t2, -1
    bnez t2, 2b
    li t0, INSN_RET
    sw t0, 4(t1)
    fence.i
    .rept 3
    jalr ra, 0(s1)
    check_eq a0, s0
    .endr
    addi s0, s0, 13
    li t0, 900
    bltu s0, t0, 1b
    done

.section .data
.balign 4096
page:
    .zero 4096 - 8
kept:
    .4byte INSN_LI_A0 | (55 << 20)
    .4byte INSN_RET
.text

iterations 1
.include "runtime.inc"
