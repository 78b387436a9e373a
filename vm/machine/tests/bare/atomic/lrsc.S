# Load-reserved and store-conditional on one hart.
# Specification: Unprivileged, "A" ("Load-Reserved/Store-Conditional Instructions", "Eventual Success of
# Store-Conditional Instructions").
# Expected: an SC right behind its LR succeeds in the end (rd = 0, memory written); without a reservation, after
# another SC, or far away from the reservation it fails (rd not zero, nothing written); LR.W sign-extends; SC.W stores
# 32 bits. An SC may fail for no reason at any single try, so successes are tried until they come.

.include "bare.inc"

test:
    la s0, cell
    la s1, far_cell
case 1                              # success, words
    li t0, 0x1111111180000001
    sd t0, 0(s0)
    li a1, 0x22222222
1:  lr.w a2, (s0)
    sc.w a3, a1, (s0)
    bnez a3, 1b
    check_value a2, -0x7fffffff
    ld t0, 0(s0)
    check_value t0, 0x1111111122222222
case 2                              # success, double words
    li t1, 0x3333333344444444
1:  lr.d a2, (s0)
    sc.d a3, t1, (s0)
    bnez a3, 1b
    check_eq a2, t0
    ld t2, 0(s0)
    check_eq t2, t1
case 3                              # a second SC fails: the first one has ended the reservation
    li t0, 1
1:  lr.d a2, (s0)
    sc.d a3, t0, (s0)
    li t1, 2
    sc.d a4, t1, (s0)
    bnez a3, 1b
    check_nonzero a4
    ld t2, 0(s0)
    check_value t2, 1
case 4                              # so does one behind an SC that failed
    lr.d a2, (s0)
    li t1, 3
    sc.d a3, t1, (s1)               # another page
    sc.d a4, t1, (s0)
    check_nonzero a3
    check_nonzero a4
    ld t2, 0(s0)
    check_value t2, 1
    ld t2, 0(s1)
    check_zero t2
case 5                              # no reservation at all, words and double words
    li t1, 4
    sc.w a3, t1, (s0)
    check_nonzero a3
    sc.d a4, t1, (s0)
    check_nonzero a4
    ld t2, 0(s0)
    check_value t2, 1
case 6                              # the last LR counts
    lr.d a2, (s1)
    lr.d a2, (s0)
    li t1, 5
    sc.d a3, t1, (s1)
    check_nonzero a3
    ld t2, 0(s1)
    check_zero t2
1:  lr.d a2, (s1)
    lr.d a2, (s0)
    sc.d a3, t1, (s0)
    bnez a3, 1b
    ld t2, 0(s0)
    check_value t2, 5
case 7                              # loads, arithmetic and branches between do no harm
    li t1, 6
1:  lr.d a2, (s0)
    addi a4, a2, 1
    beqz a4, 1b
    sc.d a3, a4, (s0)
    bnez a3, 1b
    ld t2, 0(s0)
    check_value t2, 6
case 8                              # a loop of increments
    sd zero, 0(s0)
    li t1, 200
1:  lr.w a2, (s0)
    addi a2, a2, 1
    sc.w a3, a2, (s0)
    bnez a3, 1b
    addi t1, t1, -1
    bnez t1, 1b
    lw t2, 0(s0)
    check_value t2, 200
case 9                              # compare and swap: equal, then not
    li a4, 200
    li a5, 300
    jal ra, compare_and_swap
    check_zero a0
    ld t2, 0(s0)
    check_value t2, 300
    jal ra, compare_and_swap
    check_nonzero a0
    ld t2, 0(s0)
    check_value t2, 300
case 10                             # aq and rl; rd = x0; rd = rs2
1:  lr.d.aq a2, (s0)
    sc.d.rl a3, zero, (s0)
    bnez a3, 1b
    ld t2, 0(s0)
    check_zero t2
1:  lr.w.aqrl zero, (s0)
    li a3, 8
    sc.w.aqrl a3, a3, (s0)
    bnez a3, 1b
    ld t2, 0(s0)
    check_value t2, 8
    lr.d a2, (s0)
    sc.d zero, zero, (s1)
    ld t2, 0(s1)
    check_zero t2
    done

# (s0) == a4 ? store a5, a0 = 0 : a0 = 1
compare_and_swap:
    lr.d a2, (s0)
    bne a2, a4, 1f
    sc.d a0, a5, (s0)
    bnez a0, compare_and_swap
    ret
1:  li a0, 1
    ret

.section .data
.balign 4096
cell:
    .zero 4096
    .zero 4096
far_cell:
    .zero 64
.text

.include "runtime.inc"
