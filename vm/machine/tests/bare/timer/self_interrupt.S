# Interrupts that a hart raises itself by writing to a device.
# Specification: Privileged, "Machine Interrupt (mip and mie) Registers" (an interrupt is taken in a bounded amount of
# time).
# Expected: the interrupt comes at most some ten instructions behind the store, not when it suits the machine: programs
# count on it that yield by MSIP, or give an interrupt a short loop to come in.

.include "bare.inc"

.equ TURNS, 64

# Counts in s2, in mode M, until the interrupt \number comes; \store makes it pending.
.macro comes_soon number, store:vararg
    li t0, 1 << \number
    csrw mie, t0
    li s2, 0
    li s3, TURNS
    on_trap 9996f
    csrsi mstatus, STATUS_MIE
    \store
9995:
    addi s2, s2, 1
    bne s2, s3, 9995b
    csrci mstatus, STATUS_MIE
    j fail
9996:
    check_cause INTERRUPT | \number
    check_from PRV_M
    csrw mie, zero
.endm

test:
    li s0, CLINT_MSIP
    li s1, 1
    sw zero, 0(s0)
    li s4, CLINT_MTIMECMP
    li t0, -1
    sd t0, 0(s4)
case 1                              # the software interrupt
    comes_soon IRQ_MSI, sw s1, 0(s0)
    sw zero, 0(s0)
case 2                              # the timer, set to the past
    comes_soon IRQ_MTI, sd zero, 0(s4)
    li t0, -1
    sd t0, 0(s4)
    done

iterations 200
.include "runtime.inc"
