# float: a recurrence over 32 KiB of doubles that settles at 2, and the sum of what it
# gives: four operations and two accesses in eight instructions.

    .include "start.inc"

    .equ BYTES, 32 << 10
    .equ FS_DIRTY, 3 << 13

    .globl  main
main:
    li      t0, FS_DIRTY
    csrs    sstatus, t0
    li      t0, 1
    fcvt.d.w ft1, t0
    fadd.d  ft2, ft1, ft1
    fdiv.d  ft0, ft1, ft2
    la      a0, data
    li      a1, BYTES
    add     a1, a0, a1
1:  mv      t0, a0
2:  fld     fa0, 0(t0)
    fmadd.d fa0, fa0, ft0, ft1
    fmul.d  fa1, fa0, ft0
    fadd.d  fa2, fa2, fa1
    fsub.d  fa3, fa0, fa3
    fsd     fa0, 0(t0)
    addi    t0, t0, 8
    bltu    t0, a1, 2b
    j       1b

    .bss
    .balign 4096
data:
    .zero   BYTES
