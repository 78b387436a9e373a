# memory: a sum over 256 KiB with a store for every load, so 64 pages for the TLB
# and two accesses in seven instructions.

    .include "start.inc"

    .equ BYTES, 256 << 10

    .globl  main
main:
    la      a0, data
    li      a1, BYTES
    add     a1, a0, a1
1:  mv      t0, a0
2:  ld      t1, 0(t0)
    add     t2, t2, t1
    xori    t1, t1, 1
    addi    t3, t3, 1
    sd      t1, 0(t0)
    addi    t0, t0, 8
    bltu    t0, a1, 2b
    j       1b

    .bss
    .balign 4096
data:
    .zero   BYTES
