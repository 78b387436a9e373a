# Interrupts from one hart to the other through the CLINT, with both asleep in between.
# Specification: Privileged, "Machine Interrupt (mip and mie) Registers", "Wait for Interrupt"; RISC-V ACLINT, "MSWI
# Device".
# Expected: every interrupt arrives and wakes the hart, none twice; each hart has its own timer, which interrupts that
# hart only. Needs two harts.

.include "bare.inc"
.text
.include "harts.inc"

.equ EXCHANGES, 1000

shared count

# Waits for the own software interrupt, asleep, and takes it back.
.macro await_interrupt hart
9976:
    csrr t0, mip
    andi t0, t0, 1 << IRQ_MSI
    bnez t0, 9975f
    wfi
    j 9976b
9975:
    li t0, CLINT_MSIP + 4 * \hart
    sw zero, 0(t0)
9974:
    csrr t0, mip
    andi t0, t0, 1 << IRQ_MSI
    bnez t0, 9974b
.endm

.macro interrupt hart
    fence rw, rw
    li t0, CLINT_MSIP + 4 * \hart
    li t1, 1
    sw t1, 0(t0)
.endm

test:
    li s7, 0
    la s0, count
    li t0, 1 << IRQ_MSI
    csrw mie, t0
    meet
case 1                              # there and back again, the count growing by one on each way
    li s6, 0
1:  addi s6, s6, 1
    sd s6, 0(s0)
    interrupt 1
    await_interrupt 0
    addi s6, s6, 1
    ld t0, 0(s0)
    check_eq t0, s6
    li t0, 2 * EXCHANGES
    bne s6, t0, 1b
    meet
case 2                              # the timer of hart 1 does not concern hart 0
    li t0, CLINT_MTIMECMP
    li t1, -1
    sd t1, 0(t0)
    meet
    meet                            # hart 1's timer has fired
    csrr t0, mip
    andi t0, t0, 1 << IRQ_MTI
    check_zero t0
    meet
    done

other_hart:
    li s7, 0
    la s0, count
    li t0, 1 << IRQ_MSI
    csrw mie, t0
    meet
case 11
    li s6, 0
1:  await_interrupt 1
    addi s6, s6, 1
    ld t0, 0(s0)
    check_eq t0, s6
    addi s6, s6, 1
    sd s6, 0(s0)
    interrupt 0
    li t0, 2 * EXCHANGES
    bne s6, t0, 1b
    meet
case 12
    meet
    li t0, CLINT_MTIME
    ld t1, 0(t0)
    addi t1, t1, 50
    li t0, CLINT_MTIMECMP + 8
    sd t1, 0(t0)
    li t1, 1 << IRQ_MTI
    csrw mie, t1
1:  wfi
    csrr t0, mip
    and t0, t0, t1
    beqz t0, 1b
    meet
    li t0, CLINT_MTIMECMP + 8
    li t1, -1
    sd t1, 0(t0)
    csrw mie, zero
    other_done

iterations 1
.include "runtime.inc"
