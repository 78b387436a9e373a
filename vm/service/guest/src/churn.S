# churn.S: the phase `churn`.
#
# Plays a just-in-time compiler of its own: it keeps writing small functions
# with new constants, runs each until it is hot, and checks what it computed.
# Host translators must notice the new code, translate it again and forget the
# old, at a steady pace of a hundred functions a second.
#
# A generated function computes in a0 and may change t0 and t1:
#
#        li   t1, repeats
#   top: six to thirteen operations on a0, drawn at random
#        addi t1, t1, -1
#        bnez t1, top
#        ret
#
# Every operation is affine, x -> A x + B modulo 2^64, and so is any sequence of
# them. The generator keeps A and B of the loop body, and repeated squaring
# tells what thousands of calls in a row must yield without making them.

    .include "demo.inc"

    .equ BATCH_FUNCTIONS,   5
    .equ BATCHES_PER_SECOND, 20
    .equ CALLS,             3000        # of each function

    # Encodings with zero in place of their immediate. a0 = x10, t0 = x5, t1 = x6.
    .equ ADDI_A0_A0,        0x00050513
    .equ ADDI_T0_T0,        0x00028293
    .equ ADDI_T1_ZERO,      0x00000313
    .equ SLLI_T0_A0,        0x00051293
    .equ LUI_T0,            0x000002b7
    .equ ADD_A0_A0_T0,      0x00550533
    .equ SUB_A0_A0_T0,      0x40550533
    .equ MUL_A0_A0_T0,      0x02550533
    .equ NEG_A0_A0,         0x40a00533
    .equ NOT_A0_A0,         0xfff54513
    .equ ADDI_T1_T1_MINUS1, 0xfff30313
    .equ BNEZ_T1,           0x00031063
    .equ C_ADDI_A0,         0x0501
    .equ C_RET,             0x8082

variable churn_random
variable churn_slot                     # of the next function
variable churn_functions                # written in this phase
variable churn_due                      # when the next batch begins

    # Runs here, is written through the alias at ALIAS_BASE.
    .section .code_buffer, "aw", @nobits
    .balign PAGE_SIZE
    .globl  code_buffer
code_buffer:
    .zero   CODE_BYTES
    .globl  code_buffer_end
code_buffer_end:

    .text

    .globl  churn_setup
churn_setup:
    ld      t0, churn_random
    bnez    t0, 1f                  # go on with new code if here for a second time
    li      t0, 0x853C49E6748FEA9B
    sd      t0, churn_random, t1
1:  sd      zero, churn_functions, t1
    rdtime  t0
    sd      t0, churn_due, t1
    ret

    .globl  churn_step
churn_step:
    enter   1
    li      s0, BATCH_FUNCTIONS
1:  jal     churn_function
    addi    s0, s0, -1
    bnez    s0, 1b

    # Batches start on a grid of time, so the pace holds whatever one takes. A
    # hart that cannot follow starts the next at once and owes nothing.
    ld      a0, churn_due
    ld      t0, time_base
    li      t1, BATCHES_PER_SECOND
    divu    t0, t0, t1
    add     a0, a0, t0
    rdtime  t0
    bgeu    a0, t0, 2f
    mv      a0, t0
2:  sd      a0, churn_due, t0
    jal     sleep_until
    leave   1

    .globl  churn_report
churn_report:
    enter
    print   ", "
    ld      a0, churn_functions
    jal     put_decimal
    print   " functions"
    leave

# Writes one function, runs it and checks it.
churn_function:
    enter   5
    ld      t0, churn_slot
    addi    t1, t0, 1
    andi    t1, t1, CODE_SLOTS - 1
    sd      t1, churn_slot, t2
    li      t1, CODE_SLOT_BYTES
    mul     t0, t0, t1
    la      s0, code_buffer
    add     s0, s0, t0              # where it runs
    li      a0, ALIAS_BASE
    add     a0, a0, t0              # where it is written
    jal     generate_function
    mv      s1, a0                  # A and B of the body
    mv      s2, a1
    li      t0, CALLS
    mul     s3, a2, t0              # passes through the body in all calls

    # The instruction fetch of this hart sees the new code only after this.
    fence.i

    ld      a0, churn_random        # start value
    mv      s4, a0
    li      a1, CALLS
1:  jalr    s0                      # changes a0, t0, t1 and ra
    addi    a1, a1, -1
    bnez    a1, 1b

    mv      a1, a0
    mv      a0, s4
    jal     apply_power
    require_equal a0, a1, "a generated function computed a wrong result"
    ld      t0, churn_functions
    addi    t0, t0, 1
    sd      t0, churn_functions, t1
    leave   5

# Applies x -> s1 x + s2 to a0, s3 times, by squaring the map. Changes s1-s3,
# keeps a1.
apply_power:
1:  andi    t0, s3, 1
    beqz    t0, 2f
    mul     a0, a0, s1
    add     a0, a0, s2
2:  mul     t0, s1, s2              # A (A x + B) + B
    add     s2, s2, t0
    mul     s1, s1, s1
    srli    s3, s3, 1
    bnez    s3, 1b
    ret

# Writes a function to a0. Returns A in a0, B in a1 and the repeats in a2.
#
# s0 = cursor, s1 = random number, s2 = A, s3 = B, s4 = operations left,
# s5 = start of the body, s6 = repeats.
generate_function:
    enter   7
    mv      s0, a0
    li      s2, 1                   # the identity
    li      s3, 0
    jal     draw
    srli    s6, s1, 62
    addi    s6, s6, 1               # 1 to 4
    srli    s4, s1, 32
    andi    s4, s4, 7
    addi    s4, s4, 6               # 6 to 13
    li      a0, ADDI_T1_ZERO
    mv      a1, s6
    jal     emit_immediate
    mv      s5, s0

1:  jal     draw
    andi    t0, s1, 7               # the upper bits make the constants
    slli    t0, t0, 3
    la      t1, operations
    add     t0, t0, t1
    ld      t0, 0(t0)
    jalr    t0
    addi    s4, s4, -1
    bnez    s4, 1b

    li      a0, ADDI_T1_T1_MINUS1
    jal     emit
    sub     a0, s5, s0              # from the branch to the body
    jal     emit_bnez
    li      a0, C_RET
    jal     emit_compressed
    mv      a0, s2
    mv      a1, s3
    mv      a2, s6
    leave   7

# Draws the next random number into s1.
draw:
    ld      s1, churn_random
    xorshift s1, t0
    sd      s1, churn_random, t0
    ret

    .section .rodata
    .balign 8
operations:
    .dword  operation_addi, operation_add_shifted, operation_sub_shifted, operation_mul
    .dword  operation_add_lui, operation_neg, operation_not, operation_c_addi

    .text

# Each operation writes instructions that map a0 to p a0 + q and brings A and B
# up to date: A becomes p A, B becomes p B + q. All keep A odd, so that a chain
# of calls never runs dry to zero.

operation_addi:                     # p = 1, q = -2048 .. 2047
    srai    a1, s1, 52
    add     s3, s3, a1
    li      a0, ADDI_A0_A0
    j       emit_immediate

operation_add_shifted:              # p = 1 + 2^n, n = 1 .. 16
    enter
    jal     emit_shift
    sll     t0, s2, a1
    add     s2, s2, t0
    sll     t0, s3, a1
    add     s3, s3, t0
    li      a0, ADD_A0_A0_T0
    jal     emit
    leave

operation_sub_shifted:              # p = 1 - 2^n
    enter
    jal     emit_shift
    sll     t0, s2, a1
    sub     s2, s2, t0
    sll     t0, s3, a1
    sub     s3, s3, t0
    li      a0, SUB_A0_A0_T0
    jal     emit
    leave

operation_mul:                      # p = an odd number of 32 bits
    enter
    jal     emit_lui
    srai    t0, s1, 52
    ori     t0, t0, 1
    add     a2, a1, t0              # what t0 will hold
    mv      a1, t0
    li      a0, ADDI_T0_T0
    jal     emit_immediate
    mul     s2, s2, a2
    mul     s3, s3, a2
    li      a0, MUL_A0_A0_T0
    jal     emit
    leave

operation_add_lui:                  # q = any multiple of 4096 of 32 bits
    enter
    jal     emit_lui
    add     s3, s3, a1
    li      a0, ADD_A0_A0_T0
    jal     emit
    leave

operation_neg:                      # p = -1
    neg     s2, s2
    neg     s3, s3
    li      a0, NEG_A0_A0
    j       emit

operation_not:                      # p = -1, q = -1
    not     s3, s3
    neg     s2, s2
    li      a0, NOT_A0_A0
    j       emit

operation_c_addi:                   # p = 1, q = an odd number of 6 bits
    srai    a1, s1, 58
    ori     a1, a1, 1
    add     s3, s3, a1
    andi    t0, a1, 31              # bits 4:0 go to 6:2, bit 5 to 12
    slli    t0, t0, 2
    srli    t1, a1, 5
    andi    t1, t1, 1
    slli    t1, t1, 12
    li      a0, C_ADDI_A0
    or      a0, a0, t0
    or      a0, a0, t1
    j       emit_compressed

# The functions below write at the cursor s0 and change a0, t0 and t1, nothing
# else unless it says so. Compressed instructions leave the cursor on any even
# address, hence the halves.

# Writes "slli t0, a0, n" with n from the random number; returns n in a1.
emit_shift:
    srli    a1, s1, 52
    andi    a1, a1, 15
    addi    a1, a1, 1
    li      a0, SLLI_T0_A0
    j       emit_immediate

# Writes "lui t0, ..." with bits of the random number; returns in a1 what t0
# will hold.
emit_lui:
    srli    a1, s1, 8
    sext.w  a1, a1
    srai    a1, a1, 12
    slli    a1, a1, 12
    li      a0, LUI_T0
    or      a0, a0, a1
    j       emit

# Writes "bnez t1, ..." to the distance a0, with the bits of the B format:
# 12 and 10:5 of the distance go to 31:25, 4:1 and 11 go to 11:7.
emit_bnez:
    srli    t0, a0, 5
    andi    t0, t0, 0x3f
    slli    t0, t0, 25
    andi    t1, a0, 0x1e
    slli    t1, t1, 7
    or      t0, t0, t1
    srli    t1, a0, 11
    andi    t1, t1, 1
    slli    t1, t1, 7
    or      t0, t0, t1
    srli    t1, a0, 12
    andi    t1, t1, 1
    slli    t1, t1, 31
    or      t0, t0, t1
    li      a0, BNEZ_T1
    or      a0, a0, t0
    j       emit

# Writes the instruction a0 with the immediate a1 in bits 31:20 (I format).
emit_immediate:
    slli    t0, a1, 20
    or      a0, a0, t0
    # falls through

# Writes the 32-bit instruction a0.
emit:
    sh      a0, 0(s0)
    srli    a0, a0, 16
    sh      a0, 2(s0)
    addi    s0, s0, 4
    ret

# Writes the 16-bit instruction a0.
emit_compressed:
    sh      a0, 0(s0)
    addi    s0, s0, 2
    ret
