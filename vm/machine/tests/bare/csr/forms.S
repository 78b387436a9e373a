# What the six CSR instructions read and write.
# Specification: Unprivileged, "Zicsr" (table of conditions for reads and writes).
# Expected: rd gets the old value, zero-extended; csrrs and csrrc change the named bits only; the immediate is five
# bits, zero-extended; source and destination may be the same register; sscratch holds 64 bits.

.include "bare.inc"

.macro check_scratch value
    csrr a7, sscratch
    check_value a7, \value
.endm

test:
    li s0, 0x123456789abcdef0
    li s1, 0x0f0f0f0f0f0f0f0f
case 1                              # csrrw
    csrw sscratch, s0
    li a0, -1
    csrrw a1, sscratch, a0
    check_eq a1, s0
    check_scratch -1
    csrrw a0, sscratch, zero
    check_value a0, -1
    check_scratch 0
case 2                              # csrrw, rd = rs1
    csrw sscratch, s0
    mv a0, s1
    csrrw a0, sscratch, a0
    check_eq a0, s0
    csrr a0, sscratch
    check_eq a0, s1
case 3                              # csrrs
    csrw sscratch, s0
    csrrs a1, sscratch, s1
    check_eq a1, s0
    check_scratch 0x123456789abcdef0 | 0x0f0f0f0f0f0f0f0f
    csrrs a1, sscratch, zero
    check_scratch 0x123456789abcdef0 | 0x0f0f0f0f0f0f0f0f
case 4                              # csrrs, rd = rs1
    csrw sscratch, s0
    mv a0, s1
    csrrs a0, sscratch, a0
    check_eq a0, s0
    check_scratch 0x123456789abcdef0 | 0x0f0f0f0f0f0f0f0f
case 5                              # csrrc
    csrw sscratch, s0
    csrrc a1, sscratch, s1
    check_eq a1, s0
    check_scratch 0x123456789abcdef0 & ~0x0f0f0f0f0f0f0f0f
    mv a0, s0
    csrw sscratch, s0
    csrrc a0, sscratch, a0
    check_eq a0, s0
    check_scratch 0
case 6                              # immediates
    csrw sscratch, s0
    csrrwi a1, sscratch, 31
    check_eq a1, s0
    check_scratch 31
    csrrwi a1, sscratch, 0
    check_scratch 0
    csrw sscratch, s0
    csrrsi a1, sscratch, 15
    check_eq a1, s0
    check_scratch 0x123456789abcdeff
    csrrci a1, sscratch, 16
    check_value a1, 0x123456789abcdeff
    check_scratch 0x123456789abcdeef
    csrrci a1, sscratch, 0
    check_scratch 0x123456789abcdeef
case 7                              # rd = x0
    csrw sscratch, s0
    csrrw zero, sscratch, s1
    csrr a0, sscratch
    check_eq a0, s1
    csrrs zero, sscratch, s0
    check_scratch 0x123456789abcdef0 | 0x0f0f0f0f0f0f0f0f
    csrrc zero, sscratch, s1
    check_scratch 0x123456789abcdef0 & ~0x0f0f0f0f0f0f0f0f
case 8                              # registers that hold any value
    .irp csr, stval, mtval, scause, mscratch
    csrr s2, \csr
    csrw \csr, s1
    csrr a0, \csr
    csrw \csr, s2
    .ifnc \csr, scause
    check_eq a0, s1
    .endif
    .endr
case 9                              # cause registers hold every cause
    .irp cause, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15
    li t0, \cause
    csrw mcause, t0
    csrr t1, mcause
    check_eq t1, t0
    csrw scause, t0
    csrr t1, scause
    check_eq t1, t0
    .endr
    .irp irq, IRQ_SSI, IRQ_STI, IRQ_SEI
    li t0, INTERRUPT | \irq
    csrw mcause, t0
    csrr t1, mcause
    check_eq t1, t0
    csrw scause, t0
    csrr t1, scause
    check_eq t1, t0
    .endr
case 10                             # the same from S-mode
    csrw sscratch, s0
    run_in PRV_S, swap
    check_ecall_from PRV_S
    check_eq a0, s0
    check_eq a1, s1
    csrr a2, sscratch
    check_value a2, 5
    done

swap:
    csrrw a0, sscratch, s1
    csrrwi a1, sscratch, 5
    ecall

.include "runtime.inc"
