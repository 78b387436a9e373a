# Loops of several shapes, interrupted again and again by the timer.
# Specification: Privileged, "Machine Interrupt (mip and mie) Registers" (an interrupt is taken within a bounded
# amount of time), "Trap-Return Instructions".
# Expected: the interrupt comes although the loop never leaves compiled code; at each interrupt and at the end the
# registers and memory fit together as if the loop had run undisturbed; epc lies inside the loop.

.include "bare.inc"
.include "code.inc"
.text

.equ INTERRUPTS, 60

# Ticks until the next interrupt are in s8. They are doubled as long as a program's loop never gets to its first turn
# in them.
.macro until_progress counter
    bnez \counter, 9982f
    slli s8, s8, 1
    j 9981b
9982:
.endm

# Runs the endless loop at \label in \mode for INTERRUPTS interrupts of the timer. After each one \invariant is
# checked, with the loop's registers in place, and the loop goes on where it was.
.macro interrupted mode, label, invariant
    li s10, INTERRUPTS
    la s9, \label
9985:
    jal ra, arm_timer
    run_at \mode, s9
    check_cause INTERRUPT | IRQ_MTI
    check_from \mode
    trap_field s9, TRAP_EPC
    la t5, \label
    bltu s9, t5, fail
    la t5, \label\()_end
    bgeu s9, t5, fail
    \invariant
    addi s10, s10, -1
    bnez s10, 9985b
    jal ra, stop_timer
.endm

# a0 is 3 x a1, or the interrupt came between the two additions of a turn.
.macro triple
    slli t5, a1, 1
    add t5, t5, a1
    sub t5, a0, t5
    beqz t5, 9984f
    addi t5, t5, -3
    check_zero t5
9984:
.endm

# The memory cell holds a1 or the number before.
.macro in_memory
    ld t5, 0(s0)
    sub t5, a1, t5
    li t6, 1
    bgtu t5, t6, fail
.endm

# a0 is a sum of calls: between 5 x a1 and 5 x (a1 + 1).
.macro five_times
    slli t5, a1, 2
    add t5, t5, a1
    bltu a0, t5, fail
    addi t5, t5, 5
    bgtu a0, t5, fail
.endm

.macro nothing
.endm

test:
    li s8, 40
    li t0, 1 << IRQ_MTI
    csrw mie, t0
    la s0, cell
case 1                              # the tightest loop there is
    .irp mode, PRV_U, PRV_S
    interrupted \mode, tight, nothing
    .endr
case 2                              # registers
9981:
    li a0, 0
    li a1, 0
    interrupted PRV_U, counting, triple
    li a0, 0                        # the last interrupt may have come in the middle of a turn
    li a1, 0
    interrupted PRV_S, counting, triple
    until_progress a1
case 3                              # memory
9981:
    li a1, 0
    sd zero, 0(s0)
    interrupted PRV_U, storing, in_memory
    until_progress a1
case 4                              # calls and returns
9981:
    li a0, 0
    li a1, 0
    interrupted PRV_U, calling, five_times
    until_progress a1
case 5                              # indirect jumps
    la a2, jumping
    interrupted PRV_S, jumping, nothing
case 6                              # M-mode, with MIE set
    li s10, INTERRUPTS
    li a0, 0
    li a1, 0
    la s9, counting
1:  jal ra, arm_timer
    la t5, trap_record
    la t6, 2f
    sd t6, TRAP_RESUME(t5)
    csrw mepc, s9
    li t5, STATUS_MPP | STATUS_MPIE
    csrs mstatus, t5
    mret
2:  check_cause INTERRUPT | IRQ_MTI
    check_from PRV_M
    trap_field s9, TRAP_EPC
    triple
    addi s10, s10, -1
    bnez s10, 1b
    jal ra, stop_timer
    done

arm_timer:
    li t5, CLINT_MTIME
    ld t6, 0(t5)
    add t6, t6, s8
    li t5, CLINT_MTIMECMP
    sd t6, 0(t5)
1:  csrr t5, mip                    # an earlier interrupt may still show
    andi t5, t5, 1 << IRQ_MTI
    beqz t5, 2f
    li t5, CLINT_MTIME
    ld t5, 0(t5)
    bltu t5, t6, 1b
2:  ret

stop_timer:
    li t5, CLINT_MTIMECMP
    li t6, -1
    sd t6, 0(t5)
1:  csrr t5, mip
    andi t5, t5, 1 << IRQ_MTI
    bnez t5, 1b
    ret

.balign 4
tight:
    j tight
tight_end:
counting:
    addi a0, a0, 3
    addi a1, a1, 1
    j counting
counting_end:
storing:
    addi a1, a1, 1
    sd a1, 0(s0)
    beqz zero, storing
storing_end:
calling:
    jal a3, add_two
    jal a3, add_three
    addi a1, a1, 1
    j calling
add_two:
    addi a0, a0, 2
    jr a3
add_three:
    addi a0, a0, 3
    jr a3
calling_end:
jumping:
    jr a2
jumping_end:

.section .data
.balign 8
cell:
    .dword 0
.text

iterations 3
.include "runtime.inc"
