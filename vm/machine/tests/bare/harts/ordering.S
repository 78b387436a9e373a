# What one hart sees of the other's stores, with fences and with acquire and release.
# Specification: Unprivileged, "RVWMO Memory Consistency Model", "Memory Ordering Instructions".
# Expected: message passing: whoever sees the flag sees the data; store buffering with full fences: at least one hart
# sees the other's store; loads of one address never go back in time. Needs two harts.

.include "bare.inc"
.text
.include "harts.inc"

shared data
shared flag
shared first
shared second
shared seen
shared growing

test:
    li s7, 0
    la s0, data
    la s1, flag
    meet
case 1                              # message passing with fences: hart 0 writes
    li s6, 1
1:  sd s6, 0(s0)
    fence w, w
    sd s6, 0(s1)
2:  ld t0, 8(s1)                    # until it is taken
    bne t0, s6, 2b
    addi s6, s6, 1
    li t0, ROUNDS
    bne s6, t0, 1b
    meet
case 2                              # with release and acquire
    sd zero, 8(s1)
    sd zero, 0(s1)
    meet
    li s6, 1
1:  sd s6, 0(s0)
    amoswap.d.rl zero, s6, (s1)
2:  ld t0, 8(s1)
    bne t0, s6, 2b
    addi s6, s6, 1
    li t0, ROUNDS
    bne s6, t0, 1b
    meet
case 3                              # store buffering: after both fences not both may still see zero
    la s0, first
    la s1, second
    la s2, seen
    li s6, 2000
1:  sd zero, 0(s0)
    sd zero, 0(s1)
    meet
    li t0, 1
    sd t0, 0(s0)
    fence rw, rw
    ld s3, 0(s1)
    meet
    ld s4, 0(s2)
    or s4, s4, s3
    check_nonzero s4
    meet
    addi s6, s6, -1
    bnez s6, 1b
case 4                              # one writer, growing numbers
    la s0, growing
    li s6, ROUNDS
    li t0, 1
1:  sd t0, 0(s0)
    addi t0, t0, 1
    addi s6, s6, -1
    bnez s6, 1b
    meet
    meet
    done

other_hart:
    li s7, 0
    la s0, data
    la s1, flag
    meet
case 11
    li s6, 1
1:  ld t0, 0(s1)
    bne t0, s6, 1b
    fence r, r
    ld t1, 0(s0)
    check_eq t1, s6
    sd s6, 8(s1)
    addi s6, s6, 1
    li t0, ROUNDS
    bne s6, t0, 1b
    meet
case 12
    meet
    li s6, 1
1:  lr.d.aq t0, (s1)
    bne t0, s6, 1b
    ld t1, 0(s0)
    check_eq t1, s6
    sd s6, 8(s1)
    addi s6, s6, 1
    li t0, ROUNDS
    bne s6, t0, 1b
    meet
case 13
    la s0, first
    la s1, second
    la s2, seen
    li s6, 2000
1:  meet
    li t0, 1
    sd t0, 0(s1)
    fence rw, rw
    ld s3, 0(s0)
    sd s3, 0(s2)
    meet
    meet
    addi s6, s6, -1
    bnez s6, 1b
case 14
    la s0, growing
    li s1, 0
1:  ld t0, 0(s0)
    bltu t0, s1, fail
    mv s1, t0
    ld t0, 0(s0)
    bltu t0, s1, fail
    mv s1, t0
    li t0, ROUNDS
    bne s1, t0, 1b
    meet
    other_done

iterations 1
.include "runtime.inc"
