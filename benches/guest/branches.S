# branches: Euclid's algorithm over a row of pairs, half of it branches that
# depend on the data.

    .include "start.inc"

    .globl  main
main:
    li      a0, 1
1:  addi    a0, a0, 1
    andi    a0, a0, 1023
    ori     t0, a0, 1
    li      t1, 720
2:  beq     t0, t1, 1b
    bltu    t0, t1, 3f
    sub     t0, t0, t1
    j       2b
3:  sub     t1, t1, t0
    j       2b
