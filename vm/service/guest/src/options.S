# options.S: reads the options of the demo from the kernel command line.
#
#   demo.phases=integer,float,memory,churn   which phases, in which order
#   demo.seconds=N                           length of a phase
#   demo.steps=N                             steps of a phase instead; 0: by time
#   demo.cycles=N                            power off after N rounds; 0: never
#
# Words that are no options of the demo are none of its business, as on Linux.

    .include "demo.inc"

    .equ DEFAULT_SECONDS, 20

variable option_seconds
variable option_cycles
variable option_steps
variable phase_count

    .section .bss
    .globl  phase_order
phase_order:                        # numbers of rows of `phase_table`
    .zero   PHASE_ORDER_MAX

    .text

# a0 = command line (NUL-terminated), or 0 if there is none.
    .globl  options_read
options_read:
    enter   1
    mv      s0, a0
    li      t0, DEFAULT_SECONDS
    sd      t0, option_seconds, t1
    jal     order_all_phases
    beqz    s0, 4f

1:  lbu     t0, 0(s0)               # at a word, a blank or the end
    beqz    t0, 4f
    li      t1, ' '
    bne     t0, t1, 2f
    addi    s0, s0, 1
    j       1b
2:  mv      a0, s0
    jal     read_option
3:  lbu     t0, 0(s0)               # go to the end of the word
    beqz    t0, 4f
    addi    s0, s0, 1
    li      t1, ' '
    bne     t0, t1, 3b
    j       1b
4:  leave   1

# Puts every phase in the order of the table.
order_all_phases:
    la      t0, phase_order
    li      t1, 0
    li      t2, PHASES
1:  sb      t1, 0(t0)
    addi    t0, t0, 1
    addi    t1, t1, 1
    bltu    t1, t2, 1b
    sd      t2, phase_count, t0
    ret

# a0 = a word of the command line.
read_option:
    enter   1
    mv      s0, a0
    text    a1, "demo.seconds="
    jal     after_prefix
    bnez    a0, 1f
    mv      a0, s0
    text    a1, "demo.steps="
    jal     after_prefix
    bnez    a0, 5f
    mv      a0, s0
    text    a1, "demo.cycles="
    jal     after_prefix
    bnez    a0, 2f
    mv      a0, s0
    text    a1, "demo.phases="
    jal     after_prefix
    bnez    a0, 3f
    leave   1

1:  jal     read_number
    sd      a0, option_seconds, t0
    bnez    a0, 4f
    text    a0, "demo.seconds must be at least 1"
    j       fail
2:  jal     read_number
    sd      a0, option_cycles, t0
    j       4f
3:  jal     read_phases
4:  leave   1
5:  jal     read_number
    sd      a0, option_steps, t0
    j       4b

# Returns the decimal number at a0, which must end the word.
read_number:
    li      t0, 0
    li      t2, 10                  # base; also one more than the digits allowed
    li      t3, 10
1:  lbu     t1, 0(a0)
    addi    t1, t1, -'0'
    bgeu    t1, t2, 2f
    mul     t0, t0, t2
    add     t0, t0, t1
    addi    a0, a0, 1
    addi    t3, t3, -1
    beqz    t3, 3f
    j       1b
2:  beq     t3, t2, 3f              # no digit at all
    lbu     t1, 0(a0)
    beqz    t1, 4f
    li      t2, ' '
    bne     t1, t2, 3f
4:  mv      a0, t0
    ret
3:  text    a0, "an option of the demo is no number of 1 to 9 digits"
    j       fail

# Reads the names of phases at a0, separated by commas, into `phase_order`.
read_phases:
    enter   4
    mv      s0, a0
    la      s2, phase_order
    li      s3, 0                   # phases so far
1:  la      s1, phase_table
2:  mv      a0, s0
    ld      a1, PHASE_NAME(s1)
    jal     after_prefix
    beqz    a0, 3f
    lbu     t0, 0(a0)               # must end here, or it is another name
    beqz    t0, 4f
    li      t1, ' '
    beq     t0, t1, 4f
    li      t1, ','
    beq     t0, t1, 4f
3:  addi    s1, s1, PHASE_ROW_BYTES
    la      t0, phase_table + PHASES * PHASE_ROW_BYTES
    bltu    s1, t0, 2b
    text    a0, "demo.phases names no phase (known: integer, float, memory, churn)"
    j       fail

4:  li      t2, PHASE_ORDER_MAX
    bgeu    s3, t2, 5f
    la      t2, phase_table
    sub     t2, s1, t2
    srli    t2, t2, 5               # by PHASE_ROW_BYTES
    add     t3, s2, s3
    sb      t2, 0(t3)
    addi    s3, s3, 1
    addi    s0, a0, 1
    li      t1, ','
    beq     t0, t1, 1b
    sd      s3, phase_count, t0
    leave   4
5:  text    a0, "demo.phases names more than 16 phases"
    j       fail

# If the text a0 begins with the text a1, returns where it goes on, else 0.
    .globl  after_prefix
after_prefix:
    lbu     t1, 0(a1)
    beqz    t1, 1f
    lbu     t0, 0(a0)
    addi    a0, a0, 1
    addi    a1, a1, 1
    beq     t0, t1, after_prefix
    li      a0, 0
1:  ret

# Returns 1 if the texts a0 and a1 are the same, else 0.
    .globl  same_text
same_text:
    lbu     t0, 0(a0)
    lbu     t1, 0(a1)
    addi    a0, a0, 1
    addi    a1, a1, 1
    bne     t0, t1, 1f
    bnez    t0, same_text
    li      a0, 1
    ret
1:  li      a0, 0
    ret
