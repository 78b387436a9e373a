# integer: arithmetic on registers in a loop of ten instructions, a xorshift
# generator and two sums. Nothing but the engine's cost of an instruction.

    .include "start.inc"

    .globl  main
main:
    li      a0, 0x2545F4914F6CDD1D
1:  slli    t0, a0, 13
    xor     a0, a0, t0
    srli    t0, a0, 7
    xor     a0, a0, t0
    slli    t0, a0, 17
    xor     a0, a0, t0
    add     a1, a1, a0
    addiw   a2, a2, 1
    addi    a3, a3, 1
    bnez    a3, 1b
