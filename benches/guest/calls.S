# calls: Fibonacci numbers by recursion: calls, returns and a stack.

    .include "start.inc"

    .globl  main
main:
    la      sp, stack_top
1:  li      a0, 20
    jal     fibonacci
    j       1b

fibonacci:
    li      t0, 2
    bltu    a0, t0, 1f
    addi    sp, sp, -32
    sd      ra, 0(sp)
    sd      s0, 8(sp)
    sd      s1, 16(sp)
    mv      s0, a0
    addi    a0, a0, -1
    jal     fibonacci
    mv      s1, a0
    addi    a0, s0, -2
    jal     fibonacci
    add     a0, a0, s1
    ld      ra, 0(sp)
    ld      s0, 8(sp)
    ld      s1, 16(sp)
    addi    sp, sp, 32
1:  ret
