# mtvec and stvec take only modes that exist.
# Specification: Privileged, "Machine Trap-Vector Base-Address (mtvec) Register", "Supervisor Trap Vector Base Address
# (stvec) Register".
# Expected: modes 0 and 1 are kept, 2 and 3 never read back; a base that is a multiple of four (of 256 in vectored
# mode) is kept.

.include "bare.inc"

.macro vector_register csr
    li s0, 0x80012344
    csrw \csr, s0
    csrr a0, \csr
    check_eq a0, s0
    li s0, 0x80012300 | 1
    csrw \csr, s0
    csrr a0, \csr
    check_eq a0, s0
    .irp mode, 2, 3
    li t0, 0x80045600 | \mode
    csrw \csr, t0
    csrr a0, \csr
    andi a0, a0, 2
    check_zero a0
    .endr
.endm

test:
case 1
    vector_register stvec
case 2
    vector_register mtvec
    la t0, m_trap
    csrw mtvec, t0
    done

.include "runtime.inc"
