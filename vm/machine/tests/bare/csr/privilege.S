# Which mode may touch which CSR.
# Specification: Privileged, "CSR Address Mapping Conventions" (bits 9:8 of the number are the least mode, bits 11:10
# = 3 is read-only), "CSR Listing"; Unprivileged, "Zicsr".
# Expected: illegal instruction for numbers of a higher mode, for numbers without a register, for registers of RV32
# only, and for writes to read-only registers; csrrs and csrrc with x0 and csrrsi and csrrci with 0 do not write, all
# other forms do.

.include "bare.inc"

.macro m_only csr
    illegal_in PRV_S, csrr a0, \csr
    illegal_in PRV_U, csrr a0, \csr
    csrr a0, \csr
.endm

.macro s_only csr
    illegal_in PRV_U, csrr a0, \csr
    legal_in PRV_S, csrr a0, \csr
    csrr a0, \csr
.endm

.macro nowhere csr
    check_illegal csrr a0, \csr
    illegal_in PRV_S, csrr a0, \csr
    illegal_in PRV_U, csrr a0, \csr
    check_illegal csrw \csr, zero
.endm

test:
case 1                              # machine registers
    .irp csr, mstatus, misa, medeleg, mideleg, mie, mtvec, mcounteren, mscratch, mepc, mcause, mtval, mip
    m_only \csr
    .endr
case 2                              # machine counters, identity and memory protection
    .irp csr, mcycle, minstret, mvendorid, marchid, mimpid, mhartid, pmpcfg0, pmpaddr0
    m_only \csr
    .endr
case 3                              # registers of version 1.12
    .irp csr, menvcfg, mconfigptr
    m_only \csr
    .endr
    s_only senvcfg
case 4                              # supervisor registers
    .irp csr, sstatus, sie, stvec, scounteren, sscratch, sepc, scause, stval, sip, satp
    s_only \csr
    .endr
case 5                              # numbers without a register, for reading and for writing
    .irp csr, 0x01f, 0x1ff, 0x3ff, 0xc9f, 0xf2f, 0xd00, 0x9ff
    nowhere \csr
    .endr
case 6                              # registers that only RV32 has
    .irp csr, 0x310, 0x31a, 0x3a1, 0x3a3, 0xb80, 0xb82, 0xc80, 0xc81, 0xc82
    nowhere \csr
    .endr
case 7                              # debug registers, outside debug mode
    .irp csr, 0x7b0, 0x7b1, 0x7b2
    nowhere \csr
    .endr
case 8                              # read-only registers: every form that writes, but see case 12
    li a0, 0
    check_illegal csrrw a1, mhartid, a0
    check_illegal csrrw zero, mhartid, zero
    check_illegal csrrwi a1, mhartid, 0
    check_illegal csrrsi a1, mhartid, 1
    check_illegal csrrci a1, mhartid, 1
    check_illegal csrrw zero, instret, zero
case 9                              # read-only registers: every form that does not
    csrrs a1, mhartid, zero
    csrrc a2, mhartid, zero
    csrrsi a3, mhartid, 0
    csrrci a4, mhartid, 0
    check_zero a1
    check_zero a2
    check_zero a3
    check_zero a4
case 10                             # an illegal access writes no register
    li a1, 77
    check_illegal csrrw a1, mhartid, a1
    check_value a1, 77
    illegal_in PRV_U, csrrw a1, sscratch, a1
    check_value a1, 77
case 11                             # a write without the right to is illegal even if nothing would change
    csrr a0, sscratch
    illegal_in PRV_U, csrw sscratch, a0
    illegal_in PRV_S, csrs mie, zero
    illegal_in PRV_U, csrsi sstatus, 0
case 12                             # csrrs and csrrc from a register that happens to hold zero do write
    li a0, 0
    check_illegal csrrs a1, mhartid, a0
    check_illegal csrrc a1, mhartid, a0
    check_illegal csrrs a1, cycle, a0
    done

iterations 60
.include "runtime.inc"
