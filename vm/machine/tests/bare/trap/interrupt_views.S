# sip and sie as masked views of mip and mie.
# Specification: Privileged, "Supervisor Interrupt (sip and sie) Registers", "Machine Interrupt (mip and mie)
# Registers".
# Expected: bits that mideleg does not delegate read as zero through sip and sie and are not changed through them;
# sip.SSIP can be written by S, STIP and SEIP not; the M bits of mip follow the interrupt controllers and cannot be
# written.

.include "bare.inc"

.equ S_INTERRUPTS, (1 << IRQ_SSI) | (1 << IRQ_STI) | (1 << IRQ_SEI)
.equ M_INTERRUPTS, (1 << IRQ_MSI) | (1 << IRQ_MTI) | (1 << IRQ_MEI)

test:
    li s0, S_INTERRUPTS
    # The machine may start with the timer interrupt pending.
    li t0, CLINT_MTIMECMP
    li t1, -1
    sd t1, 0(t0)
1:  csrr t0, mip
    andi t0, t0, 1 << IRQ_MTI
    bnez t0, 1b
case 1                              # not delegated: views are empty and writes are lost
    csrw mie, s0
    csrw mip, s0
    csrr a0, sie
    check_zero a0
    csrr a0, sip
    check_zero a0
    csrw sie, zero
    csrw sip, zero
    csrr a0, mie
    check_eq a0, s0
    csrr a0, mip
    check_bits a0, S_INTERRUPTS, S_INTERRUPTS
case 2                              # delegated one by one
    .irp irq, IRQ_SSI, IRQ_STI, IRQ_SEI
    li t0, 1 << \irq
    csrw mideleg, t0
    csrr a0, sie
    check_eq a0, t0
    csrr a0, sip
    check_eq a0, t0
    .endr
case 3                              # a write of sie changes the delegated bits only
    li t0, 1 << IRQ_STI
    csrw mideleg, t0
    csrw sie, zero
    csrr a0, mie
    check_value a0, S_INTERRUPTS & ~(1 << IRQ_STI)
    csrw mie, zero
    li t0, -1
    csrw sie, t0
    csrr a0, mie
    check_value a0, 1 << IRQ_STI
case 4                              # sie never shows or changes the M bits
    csrw mideleg, s0
    li t0, M_INTERRUPTS
    csrw mie, t0
    csrr a0, sie
    check_zero a0
    csrw sie, zero
    csrr a0, mie
    check_bits a0, M_INTERRUPTS, M_INTERRUPTS
    csrw mie, zero
case 5                              # sip: SSIP is writable, STIP and SEIP are not
    csrw mip, s0
    csrw sip, zero
    csrr a0, mip
    check_bits a0, S_INTERRUPTS, S_INTERRUPTS & ~(1 << IRQ_SSI)
    csrw mip, zero
    csrw sip, s0
    csrr a0, mip
    check_bits a0, S_INTERRUPTS, 1 << IRQ_SSI
case 6                              # mip: the M bits are not writable
    li t0, M_INTERRUPTS
    csrw mip, t0
    csrr a0, mip
    check_bits a0, M_INTERRUPTS, 0
    li t0, CLINT_MSIP
    li t1, 1
    sw t1, 0(t0)
1:  csrr a0, mip
    andi a0, a0, 1 << IRQ_MSI
    beqz a0, 1b
    csrw mip, zero
    csrr a0, mip
    check_bits a0, 1 << IRQ_MSI, 1 << IRQ_MSI
    sw zero, 0(t0)
1:  csrr a0, mip
    andi a0, a0, 1 << IRQ_MSI
    bnez a0, 1b
case 7                              # the immediate and register forms agree
    csrw mip, zero
    csrsi mip, 1 << IRQ_SSI
    csrr a0, mip
    check_bits a0, S_INTERRUPTS, 1 << IRQ_SSI
    csrci mip, 1 << IRQ_SSI
    csrr a0, mip
    check_bits a0, S_INTERRUPTS, 0
    done

.include "runtime.inc"
