# memory.S: the phase `memory`.
#
# Walks a linked list in an order that no prefetcher guesses, fills and copies
# megabytes, and scatters accesses over a window whose pages do not exist until
# the page fault handler maps them.

    .include "demo.inc"

    .equ NODES,          65536          # of 64 bytes: 4 MiB
    .equ NODE_SHIFT,     6
    .equ NODE_NEXT,      0              # fields of a node
    .equ NODE_NUMBER,    8
    .equ BLOCK_BYTES,    1 << 20
    .equ SHIFTED_BYTES,  4093           # copied between odd addresses
    .equ SCATTER_COUNT,  16384

variable block_seed
variable bytes_moved                    # filled, copied and compared

bulk nodes,        NODES << NODE_SHIFT
bulk source_block, BLOCK_BYTES
bulk target_block, BLOCK_BYTES

    .text

# Links the nodes into one ring. The successor of node i is (25173 i + 13849)
# mod NODES: by the theorem of Hull and Dobell such a sequence visits all
# numbers before the first comes again.
    .globl  memory_setup
memory_setup:
    sd      zero, bytes_moved, t0
    li      t0, 0x9E3779B97F4A7C15
    sd      t0, block_seed, t1
    la      a0, nodes
    mv      t3, a0
    li      t0, 0                   # number of the node
    li      t4, 25173
    li      t5, 13849
    li      t6, NODES
    addi    a1, t6, -1
1:  mul     t1, t0, t4
    add     t1, t1, t5
    and     t1, t1, a1
    slli    t1, t1, NODE_SHIFT
    add     t1, t1, a0
    sd      t1, NODE_NEXT(t3)
    sd      t0, NODE_NUMBER(t3)
    addi    t3, t3, 1 << NODE_SHIFT
    addi    t0, t0, 1
    bltu    t0, t6, 1b
    ret

    .globl  memory_step
memory_step:
    enter
    jal     walk_list
    jal     move_blocks
    jal     copy_shifted
    jal     scatter
    leave

    .globl  memory_report
memory_report:
    enter
    print   ", "
    ld      a0, bytes_moved
    srli    a0, a0, 20
    jal     put_decimal
    print   " MiB moved"
    leave

# Goes once round the ring and adds up the numbers it meets.
walk_list:
    enter
    la      a0, nodes
    mv      t0, a0
    li      t1, NODES
    li      t2, 0
1:  ld      t3, NODE_NUMBER(t0)
    add     t2, t2, t3
    ld      t0, NODE_NEXT(t0)
    addi    t1, t1, -1
    bnez    t1, 1b
    require_equal t0, a0, "the list does not end where it began"
    li      t1, NODES * (NODES - 1) / 2
    require_equal t2, t1, "the walk missed a node of the list"
    leave

# Fills a block with words that depend on their place, copies it, and compares
# the copy with what it must hold.
move_blocks:
    enter
    ld      a0, block_seed
    xorshift a0, t0
    sd      a0, block_seed, t0
    li      a3, BLOCK_BYTES

    la      t0, source_block
    add     t1, t0, a3
    mv      t2, a0
1:  sd      t2, 0(t0)
    addi    t2, t2, 1
    addi    t0, t0, 8
    bltu    t0, t1, 1b

    la      t0, source_block
    la      t2, target_block
2:  ld      t3, 0(t0)
    ld      t4, 8(t0)
    ld      t5, 16(t0)
    ld      t6, 24(t0)
    sd      t3, 0(t2)
    sd      t4, 8(t2)
    sd      t5, 16(t2)
    sd      t6, 24(t2)
    addi    t0, t0, 32
    addi    t2, t2, 32
    bltu    t0, t1, 2b

    la      t0, target_block
    add     t1, t0, a3
3:  ld      t2, 0(t0)
    bne     t2, a0, 4f
    addi    a0, a0, 1
    addi    t0, t0, 8
    bltu    t0, t1, 3b
    ld      t0, bytes_moved
    slli    t1, a3, 1
    add     t1, t1, a3
    add     t0, t0, t1
    sd      t0, bytes_moved, t1
    leave
4:  text    a0, "a block differs from what was copied"
    j       fail

# Copies bytes between addresses that no wider access suits, and compares.
copy_shifted:
    enter
    la      t0, source_block + 1
    la      t1, target_block + 3
    li      t2, SHIFTED_BYTES
    add     t2, t0, t2
1:  lbu     t3, 0(t0)
    sb      t3, 0(t1)
    addi    t0, t0, 1
    addi    t1, t1, 1
    bltu    t0, t2, 1b
2:  addi    t0, t0, -1
    addi    t1, t1, -1
    lb      t3, 0(t0)
    lb      t4, 0(t1)
    require_equal t3, t4, "a byte differs from what was copied"
    la      t3, source_block + 1
    bltu    t3, t0, 2b
    leave

# Changes words all over the empty window, undoes the changes in a second pass
# with the same sequence of places, and finds every word as it was: zero. Each
# page must have faulted in exactly once, by a load or by an atomic addition.
scatter:
    enter   2
    jal     window_clear
    ld      s0, page_faults
    ld      a0, block_seed
    li      a2, WINDOW_BASE
    li      a3, WINDOW_BYTES / 8 - 1
    li      s1, 2                   # passes
    li      a4, 1                   # what is added: 1, then -1

1:  mv      t0, a0                  # the same seed in both passes
    li      t1, SCATTER_COUNT
2:  xorshift t0, t2
    srli    t2, t0, 16
    and     t2, t2, a3
    slli    t2, t2, 3
    add     t2, t2, a2
    andi    t3, t0, 1
    beqz    t3, 3f
    amoadd.d zero, a4, (t2)
    j       4f
3:  ld      t3, 0(t2)
    add     t3, t3, a4
    sd      t3, 0(t2)
4:  addi    t1, t1, -1
    bnez    t1, 2b
    neg     a4, a4
    addi    s1, s1, -1
    bnez    s1, 1b

    # The window must still be all zero; pages left out so far come in now.
    li      t1, WINDOW_BYTES
    add     t1, a2, t1
    li      t2, 0
5:  ld      t3, 0(a2)
    ld      t4, 8(a2)
    or      t2, t2, t3
    or      t2, t2, t4
    addi    a2, a2, 16
    bltu    a2, t1, 5b
    require_equal t2, zero, "the window is not as it was"
    ld      t0, page_faults
    sub     t0, t0, s0
    li      t1, WINDOW_PAGES
    require_equal t0, t1, "pages faulted in more or less than once"
    leave   2
