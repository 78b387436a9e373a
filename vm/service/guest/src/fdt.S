# fdt.S: reads what the guest needs from the flattened device tree.
#
# The tree is a stream of big-endian 32-bit tokens (Devicetree Specification
# 0.4, chapter 5). One pass over it finds, by node and property:
#
#   /chosen         bootargs               the options
#   /cpus           timebase-frequency     ticks of `time` a second
#   /cpus/cpu@*     riscv,isa[-extensions] whether every hart has Sstc
#   /memory@*       reg                    the RAM that holds this program
#
# It runs before paging is on, because the tree may lie anywhere.

    .include "demo.inc"

    .equ FDT_MAGIC,        0xd00dfeed
    .equ FDT_OFF_STRUCT,   8            # offsets in the header
    .equ FDT_OFF_STRINGS,  12
    .equ FDT_BEGIN_NODE,   1
    .equ FDT_END_NODE,     2
    .equ FDT_PROP,         3
    .equ FDT_NOP,          4
    .equ FDT_END,          9

    # Kinds of node, as far as they matter.
    .equ NODE_OTHER,       0
    .equ NODE_CHOSEN,      1
    .equ NODE_CPUS,        2
    .equ NODE_MEMORY,      3

variable bootargs               # NUL-terminated, or 0
variable time_base              # Hz
variable have_sstc
variable ram_base
variable ram_size               # bytes

    .text

# a0 = device tree. Fills the variables above.
#
# s0 = cursor, s1 = strings block, s2 = depth (the root is 1), s3 = kind of the
# node at depth 2, s4 = in a cpu node: 1, with Sstc seen: 2, else 0,
# s5 = whether all cpu nodes so far have Sstc, s6 = how many they are.
    .globl  fdt_read
fdt_read:
    enter   7
    mv      s0, a0
    jal     load_be32
    li      t0, FDT_MAGIC
    require_equal a0, t0, "a1 does not point to a device tree"
    addi    a0, s0, FDT_OFF_STRINGS
    jal     load_be32
    add     s1, s0, a0
    addi    a0, s0, FDT_OFF_STRUCT
    jal     load_be32
    add     s0, s0, a0
    li      s2, 0
    li      s3, NODE_OTHER
    li      s4, 0
    li      s5, 1
    li      s6, 0

next_token:
    mv      a0, s0
    jal     load_be32
    addi    s0, s0, 4
    li      t0, FDT_BEGIN_NODE
    beq     a0, t0, begin_node
    li      t0, FDT_END_NODE
    beq     a0, t0, end_node
    li      t0, FDT_PROP
    beq     a0, t0, property
    li      t0, FDT_NOP
    beq     a0, t0, next_token
    li      t0, FDT_END
    require_equal a0, t0, "the device tree is malformed"

    snez    t0, s6
    and     t0, t0, s5
    sd      t0, have_sstc, t1
    ld      t0, time_base
    bnez    t0, 1f
    text    a0, "the device tree has no timebase-frequency"
    j       fail
1:  ld      t0, ram_size
    bnez    t0, 2f
    text    a0, "the device tree does not name the memory in use"
    j       fail
2:  leave   7

# The name follows, NUL-terminated and padded to 4 bytes.
begin_node:
    addi    s2, s2, 1
    li      t0, 2
    beq     s2, t0, 1f
    li      t0, 3
    bne     s2, t0, skip_name
    li      t0, NODE_CPUS
    bne     s3, t0, skip_name
    mv      a0, s0
    text    a1, "cpu@"              # not "cpu-map"
    jal     after_prefix
    beqz    a0, skip_name
    li      s4, 1
    addi    s6, s6, 1
    j       skip_name
1:  mv      a0, s0
    jal     classify_node
    mv      s3, a0
skip_name:
    lbu     t0, 0(s0)
    addi    s0, s0, 1
    bnez    t0, skip_name
align_cursor:
    addi    s0, s0, 3
    andi    s0, s0, -4
    j       next_token

end_node:
    li      t0, 3
    bne     s2, t0, 1f
    li      t0, 1
    bne     s4, t0, 2f
    li      s5, 0                   # a cpu node ends that did not name Sstc
2:  li      s4, 0
1:  li      t0, 2
    bne     s2, t0, 3f
    li      s3, NODE_OTHER
3:  addi    s2, s2, -1
    j       next_token

# Length, offset of the name in the strings block, value padded to 4 bytes.
property:
    mv      a0, s0
    jal     load_be32
    mv      a2, a0                  # kept by `load_be32`
    addi    a0, s0, 4
    jal     load_be32
    add     a1, s1, a0              # name
    addi    a0, s0, 8               # value
    add     s0, a0, a2
    li      t0, 3
    beq     s2, t0, 1f
    li      t0, 2
    bne     s2, t0, align_cursor
    li      t0, NODE_CHOSEN
    beq     s3, t0, 2f
    li      t0, NODE_CPUS
    beq     s3, t0, 3f
    li      t0, NODE_MEMORY
    bne     s3, t0, align_cursor
    jal     property_of_memory
    j       align_cursor
1:  beqz    s4, align_cursor
    jal     property_of_cpu
    beqz    a0, align_cursor
    li      s4, 2
    j       align_cursor
2:  jal     property_of_chosen
    j       align_cursor
3:  jal     property_of_cpus
    j       align_cursor

# Returns the kind (NODE_*) of the child of the root with the name a0.
classify_node:
    enter   1
    mv      s0, a0
    text    a1, "chosen"
    jal     same_text
    li      t0, NODE_CHOSEN
    bnez    a0, 1f
    mv      a0, s0
    text    a1, "cpus"
    jal     same_text
    li      t0, NODE_CPUS
    bnez    a0, 1f
    mv      a0, s0
    text    a1, "memory@"
    jal     after_prefix
    li      t0, NODE_MEMORY
    bnez    a0, 1f
    li      t0, NODE_OTHER
1:  mv      a0, t0
    leave   1

# The four functions below take a0 = value, a1 = name, a2 = length in bytes.

property_of_chosen:
    enter   1
    mv      s0, a0
    mv      a0, a1
    text    a1, "bootargs"
    jal     same_text
    beqz    a0, 1f
    sd      s0, bootargs, t0
1:  leave   1

property_of_cpus:
    enter   1
    mv      s0, a0
    mv      a0, a1
    text    a1, "timebase-frequency"
    jal     same_text
    beqz    a0, 1f
    mv      a0, s0
    jal     load_be32
    sd      a0, time_base, t0
1:  leave   1

# Addresses and sizes under the root have two cells each on `virt` machines.
property_of_memory:
    enter   2
    mv      s0, a0
    mv      a0, a1
    text    a1, "reg"
    jal     same_text
    beqz    a0, 1f
    mv      a0, s0
    jal     load_be64
    mv      s1, a0                  # base
    addi    a0, s0, 8
    jal     load_be64               # size
    la      t0, _start
    bltu    t0, s1, 1f
    sub     t0, t0, s1
    bgeu    t0, a0, 1f
    sd      s1, ram_base, t0
    sd      a0, ram_size, t0
1:  leave   2

# Returns 1 if this property lists the extension Sstc, in either spelling: in
# `riscv,isa`, where '_' separates names ("rv64imafdc_zicsr_sstc"), or in
# `riscv,isa-extensions`, where NUL does.
property_of_cpu:
    enter   2
    mv      s0, a0
    add     s1, a0, a2              # end of the value
    mv      a0, a1
    text    a1, "riscv,isa"
    jal     after_prefix
    beqz    a0, 3f
1:  bgeu    s0, s1, 2f              # at the start of a name
    mv      a0, s0
    text    a1, "sstc"
    jal     after_prefix
    beqz    a0, 4f
    lbu     t0, 0(a0)
    beqz    t0, 5f
    li      t1, '_'
    beq     t0, t1, 5f
4:  lbu     t0, 0(s0)               # go behind the next separator
    addi    s0, s0, 1
    beqz    t0, 1b
    li      t1, '_'
    beq     t0, t1, 1b
    bltu    s0, s1, 4b
2:  li      a0, 0
3:  leave   2
5:  li      a0, 1
    j       3b

# Returns the big-endian 64-bit number at a0.
load_be64:
    enter   2
    mv      s0, a0
    jal     load_be32
    slli    s1, a0, 32
    addi    a0, s0, 4
    jal     load_be32
    or      a0, a0, s1
    leave   2

# Returns the big-endian 32-bit number at a0. Changes t0 and t1 only.
load_be32:
    lbu     t0, 0(a0)
    lbu     t1, 1(a0)
    slli    t0, t0, 8
    or      t0, t0, t1
    lbu     t1, 2(a0)
    slli    t0, t0, 8
    or      t0, t0, t1
    lbu     t1, 3(a0)
    slli    t0, t0, 8
    or      a0, t0, t1
    ret
