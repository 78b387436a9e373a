# translation: thousands of small functions as compilers make them, each a few times: what a
# hart spends on code before it is worth anything.

    .include "start.inc"

    .equ COPIES, 400

    .globl  main
main:
    la      sp, stack_top
    la      s2, list
    sd      s2, 0(s2)               # a list of one element, its own successor
    j       all
    .balign 4096
all:

    .rept COPIES
    j       3f
    .balign 32
    # unsigned hash(const char *text, long length): a loop
1:  li      a5, 5381
    beqz    a1, 12f
    add     a4, a0, a1
11: lbu     a3, 0(a0)
    slliw   a2, a5, 5
    addw    a5, a5, a2
    xor     a5, a5, a3
    addi    a0, a0, 1
    bne     a0, a4, 11b
12: sext.w  a0, a5
    ret
    .balign 32
    # long find(struct element *, long key): a frame, branches, a call
2:  addi    sp, sp, -48
    sd      s0, 32(sp)
    sd      s1, 24(sp)
    sd      s3, 8(sp)
    sd      ra, 40(sp)
    mv      s0, a0
    mv      s1, a1
    li      s3, 2
21: ld      a5, 8(s0)
    lw      a4, 16(s0)
    beq     a5, s1, 22f
    addi    a0, sp, 16
    li      a1, 2
    sh      a4, 16(sp)
    jal     1b
    andi    a0, a0, 255
    lui     a4, 0x12345
    addi    a4, a4, 0x678
    and     a5, a0, a4
    sltiu   a3, a5, 9
    sw      a3, 20(s0)
    srliw   a5, a5, 3
    sh3add  a4, a5, s0
    sub     a4, a4, s0
    sd      a4, 24(s0)
    ld      s0, 0(s0)
    addiw   s3, s3, -1
    bgtz    s3, 21b
    li      a0, -1
    j       23f
22: mv      a0, s0
23: ld      ra, 40(sp)
    ld      s0, 32(sp)
    ld      s1, 24(sp)
    ld      s3, 8(sp)
    addi    sp, sp, 48
    ret
3:  mv      a0, s2
    addi    a1, s3, 77
    jal     2b
    .endr
    la      t0, all
    jr      t0

    .data
    .balign 64
list:
    .dword  0, 1, 2, 3, 4, 5, 6, 7
