# Load-reserved and store-conditional of two harts on the same words.
# Specification: Unprivileged, "A" ("Load-Reserved/Store-Conditional Instructions").
# Expected: an SC succeeds only if nobody has written the word since its LR: no increment is lost, whether the other
# hart writes with LR and SC, AMOs or plain stores. Needs two harts.

.include "bare.inc"
.text
.include "harts.inc"

shared word
shared double
shared mixed
shared lock
shared guarded
shared turn
shared back

.macro body hart
    li s7, 0
    la s0, word
    la s1, double
    la s2, mixed
    la s4, lock
    la s5, guarded
    meet
case 1\hart                         # words
    li s6, ROUNDS
1:  lr.w t0, (s0)
    addi t0, t0, 1
    sc.w t1, t0, (s0)
    bnez t1, 1b
    addi s6, s6, -1
    bnez s6, 1b
    meet
    lw t0, 0(s0)
    check_value t0, 2 * ROUNDS
case 2\hart                         # double words
    li s6, ROUNDS
1:  lr.d t0, (s1)
    addi t0, t0, 5
    sc.d t1, t0, (s1)
    bnez t1, 1b
    addi s6, s6, -1
    bnez s6, 1b
    meet
    ld t0, 0(s1)
    check_value t0, 10 * ROUNDS
case 3\hart                         # LR and SC against AMOs
    li s6, ROUNDS
    .if \hart
1:  li t0, 1
    amoadd.w zero, t0, (s2)
    addi s6, s6, -1
    bnez s6, 1b
    .else
1:  lr.w t0, (s2)
    addi t0, t0, 1
    sc.w t1, t0, (s2)
    bnez t1, 1b
    addi s6, s6, -1
    bnez s6, 1b
    .endif
    meet
    lw t0, 0(s2)
    check_value t0, 2 * ROUNDS
case 4\hart                         # a lock around a plain counter
    li s6, ROUNDS
1:  lr.w.aq t0, (s4)
    bnez t0, 1b
    li t0, 1
    sc.w t1, t0, (s4)
    bnez t1, 1b
    fence rw, rw
    ld t1, 0(s5)
    addi t1, t1, 1
    sd t1, 0(s5)
    fence rw, w
    sw zero, 0(s4)
    addi s6, s6, -1
    bnez s6, 1b
    meet
    ld t0, 0(s5)
    check_value t0, 2 * ROUNDS
.endm

# Gives the turn to the other hart and waits until it comes back as \mine.
.macro pass_turn mine, theirs
    fence rw, rw
    li t5, \theirs
    sw t5, turn, t6
    li t6, \mine
9977:
    lw t5, turn
    bne t5, t6, 9977b
    fence rw, rw
.endm

.equ EXCHANGES, 300

test:
    body 0
case 5                              # the other hart writes another value between LR and SC: the SC fails
    la s0, back
    li s6, EXCHANGES
1:  lr.w s1, (s0)
    pass_turn 0, 1
    sc.w s2, s6, (s0)
    check_nonzero s2
    addi s6, s6, -1
    bnez s6, 1b
    lw t0, 0(s0)
    check_value t0, EXCHANGES
    meet
    done

other_hart:
    body 1
    la s0, back
    li s6, EXCHANGES
    li s1, 0
1:  lw t5, turn
    beqz t5, 1b
    fence rw, rw
    addi s1, s1, 1
    sw s1, 0(s0)
    fence rw, rw
    sw zero, turn, t6
    addi s6, s6, -1
    bnez s6, 1b
    other_done

iterations 1
.include "runtime.inc"
