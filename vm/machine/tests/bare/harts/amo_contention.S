# Atomic memory operations of two harts on the same words.
# Specification: Unprivileged, "A" ("Atomic Memory Operations").
# Expected: no update is lost: sums, maxima and bits are those of both harts together; a lock made of amoswap.aq and
# .rl keeps a plain counter exact. Needs two harts.

.include "bare.inc"
.text
.include "harts.inc"

shared sum_word
shared sum_double
shared maximum
shared bits
shared lock
shared guarded

.macro body hart
    li s7, 0
    la s0, sum_word
    la s1, sum_double
    la s2, maximum
    la s3, bits
    la s4, lock
    la s5, guarded
    meet
case 1\hart                         # additions
    li s6, ROUNDS
1:  li t0, 1
    amoadd.w zero, t0, (s0)
    li t0, 3
    amoadd.d zero, t0, (s1)
    addi s6, s6, -1
    bnez s6, 1b
    meet
    lw t0, 0(s0)
    check_value t0, 2 * ROUNDS
    ld t0, 0(s1)
    check_value t0, 6 * ROUNDS
case 2\hart                         # maximum: even numbers from hart 0, odd ones from hart 1
    li s6, ROUNDS
1:  slli t0, s6, 1
    addi t0, t0, \hart
    amomaxu.d zero, t0, (s2)
    addi s6, s6, -1
    bnez s6, 1b
    meet
    ld t0, 0(s2)
    check_value t0, 2 * ROUNDS + 1
case 3\hart                         # each hart flips bits of its own
    li s6, ROUNDS + 1
1:  li t0, 0x5555555555555555 << \hart
    amoxor.d zero, t0, (s3)
    addi s6, s6, -1
    bnez s6, 1b
    meet
    ld t0, 0(s3)
    check_value t0, -1
case 4\hart                         # a lock around a plain counter
    li s6, ROUNDS
1:  li t0, 1
2:  amoswap.w.aq t1, t0, (s4)
    bnez t1, 2b
    ld t1, 0(s5)
    addi t1, t1, 1
    sd t1, 0(s5)
    amoswap.w.rl zero, zero, (s4)
    addi s6, s6, -1
    bnez s6, 1b
    meet
    ld t0, 0(s5)
    check_value t0, 2 * ROUNDS
.endm

test:
    body 0
    meet
    done

other_hart:
    body 1
    other_done

iterations 1
.include "runtime.inc"
