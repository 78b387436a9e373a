# medeleg, mideleg, mie: which bits can be set.
# Specification: Privileged, "Machine Trap Delegation (medeleg and mideleg) Registers", "Machine Interrupt (mip and
# mie) Registers".
# Expected: the bits of what an operating system handles can be set and cleared; medeleg[11] (ecall from M) and the
# bits of the reserved causes are zero; no bit is fixed to one; interrupts of M-mode cannot be delegated.

.include "bare.inc"

# Bits that OpenSBI and Linux rely on.
.equ PAGE_FAULTS, (1 << CAUSE_FETCH_PAGE) | (1 << CAUSE_LOAD_PAGE) | (1 << CAUSE_STORE_PAGE)
.equ EXCEPTIONS, (1 << CAUSE_BREAKPOINT) | (1 << CAUSE_ECALL_U) | PAGE_FAULTS
.equ S_INTERRUPTS, (1 << IRQ_SSI) | (1 << IRQ_STI) | (1 << IRQ_SEI)
.equ M_INTERRUPTS, (1 << IRQ_MSI) | (1 << IRQ_MTI) | (1 << IRQ_MEI)

test:
    li s0, -1
case 1                              # no bit is fixed to one
    csrw medeleg, zero
    csrr a0, medeleg
    check_zero a0
    csrw mideleg, zero
    csrr a0, mideleg
    check_zero a0
    csrw mie, zero
    csrr a0, mie
    check_zero a0
case 2                              # what must be delegable
    csrw medeleg, s0
    csrr a0, medeleg
    check_bits a0, EXCEPTIONS, EXCEPTIONS
    csrw mideleg, s0
    csrr a0, mideleg
    check_bits a0, S_INTERRUPTS, S_INTERRUPTS
case 3                              # what must not
    check_bits a0, M_INTERRUPTS, 0
    csrw mideleg, zero
case 4                              # mie
    csrw mie, s0
    csrr a0, mie
    check_bits a0, S_INTERRUPTS | M_INTERRUPTS, S_INTERRUPTS | M_INTERRUPTS
    check_bits a0, 0x111, 0         # the user-mode interrupts of old drafts
    csrw mie, zero
case 5                              # each exception by itself
    .irp cause, CAUSE_BREAKPOINT, CAUSE_ECALL_U, CAUSE_FETCH_PAGE, CAUSE_LOAD_PAGE, CAUSE_STORE_PAGE
    li t0, 1 << \cause
    csrw medeleg, t0
    csrr a0, medeleg
    check_eq a0, t0
    .endr
case 6                              # ecall from M; reserved causes
    csrw medeleg, s0
    csrr a0, medeleg
    csrw medeleg, zero
    check_bits a0, (1 << CAUSE_ECALL_M) | (1 << 14), 0
    done

.include "runtime.inc"
