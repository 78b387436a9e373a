# Code that one hart changes while the other runs it.
# Specification: Unprivileged, "Zifencei" (the writer orders its stores before the signal, the other hart executes
# FENCE.I before it runs the code).
# Expected: after the signal and its own FENCE.I the second hart runs the new code, from the first call on, and so
# does the writer after its FENCE.I. Needs two harts.

.include "bare.inc"
.include "code.inc"
.text
.include "harts.inc"

.equ GENERATIONS, 300
.equ CALLS, 100

shared generation

test:
    li s7, 0
    la s0, function
    la s1, generation
    meet
case 1
    li s6, 1
1:  andi t0, s6, 1023
    slli t0, t0, 20
    li t1, INSN_LI_A0
    or t0, t0, t1
    sw t0, 0(s0)
    fence w, w
    sd s6, 0(s1)
    fence.i
    li s5, CALLS
2:  jalr ra, 0(s0)
    check_eq a0, s6
    addi s5, s5, -1
    bnez s5, 2b
    meet                            # the other hart has called it too
    addi s6, s6, 1
    li t0, GENERATIONS
    bne s6, t0, 1b
    meet
    done

other_hart:
    li s7, 0
    la s0, function
    la s1, generation
    meet
case 11
    li s6, 1
1:  ld t0, 0(s1)
    bne t0, s6, 1b
    fence r, rw
    fence.i
    li s5, CALLS
2:  jalr ra, 0(s0)
    check_eq a0, s6
    addi s5, s5, -1
    bnez s5, 2b
    meet
    addi s6, s6, 1
    li t0, GENERATIONS
    bne s6, t0, 1b
    other_done

.section .data
.balign 4096
function:
    .4byte INSN_LI_A0
    .4byte INSN_RET
.balign 4096
.text

iterations 1
.include "runtime.inc"
