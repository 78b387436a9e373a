# Fields of mstatus and sstatus that take only legal values.
# Specification: Privileged, "Machine Status (mstatus and mstatush) Registers" and "Supervisor Status (sstatus)
# Register".
# Expected: MPP never reads 2, UXL and SXL stay legal (2 on a machine that has 64 bits only), XS is zero and SD
# follows FS without being writable, bits without a meaning read zero, and sstatus shows and changes its own fields
# only.

.include "bare.inc"

# Bits that no ratified extension uses: 0, 2, 4, 25 to 31, 40, 43 to 62.
.equ NO_MEANING, 0x15 | (0x7f << 25) | (1 << 40) | (0xfffff << 43)
.equ S_FIELDS, STATUS_SIE | STATUS_SPIE | STATUS_SPP | STATUS_FS | STATUS_SUM | STATUS_MXR
.equ M_FIELDS, STATUS_MIE | STATUS_MPIE | STATUS_MPP | STATUS_MPRV | STATUS_TVM | STATUS_TW | STATUS_TSR

test:
    csrr s0, mstatus
case 1                              # MPP
    .irp mode, 0, 1, 3
    li t0, STATUS_MPP
    csrc mstatus, t0
    li t0, \mode << STATUS_MPP_SHIFT
    csrs mstatus, t0
    csrr a0, mstatus
    check_bits a0, STATUS_MPP, \mode << STATUS_MPP_SHIFT
    .endr
case 2                              # FS, XS and SD
    .irp state, 0, 1, 2, 3
    li t0, STATUS_FS | STATUS_XS | STATUS_SD
    csrc mstatus, t0
    li t0, \state << 13
    csrs mstatus, t0
    csrr a0, mstatus
    check_bits a0, STATUS_FS | STATUS_XS, \state << 13
    srli a0, a0, 63
    check_value a0, \state / 3
    csrr a0, sstatus
    check_bits a0, STATUS_FS | STATUS_XS, \state << 13
    srli a0, a0, 63
    check_value a0, \state / 3
    .endr
    li t0, STATUS_FS
    csrc mstatus, t0
    li t0, STATUS_SD | STATUS_XS
    csrs mstatus, t0
    csrr a0, mstatus
    and a0, a0, t0
    check_zero a0
case 3                              # bits without a meaning
    li t0, NO_MEANING
    csrs mstatus, t0
    csrr a0, mstatus
    and a0, a0, t0
    check_zero a0
    csrs sstatus, t0
    csrr a0, sstatus
    and a0, a0, t0
    check_zero a0
case 4                              # sstatus does not show the M fields, and does not change them
    li t0, M_FIELDS & ~STATUS_MIE
    csrs mstatus, t0
    csrr a0, sstatus
    and a0, a0, t0
    check_zero a0
    csrc sstatus, t0
    csrr a0, mstatus
    and a0, a0, t0
    check_eq a0, t0
    csrc mstatus, t0
    csrs sstatus, t0
    csrr a0, mstatus
    and a0, a0, t0
    check_zero a0
case 5                              # the S fields are the same bits in both
    li t0, S_FIELDS
    csrc mstatus, t0
    csrs sstatus, t0
    csrr a0, mstatus
    and a0, a0, t0
    check_eq a0, t0
    csrc mstatus, t0
    csrr a0, sstatus
    and a0, a0, t0
    check_zero a0
    csrs mstatus, t0
    csrr a0, sstatus
    and a0, a0, t0
    check_eq a0, t0
    csrc sstatus, t0
    csrr a0, mstatus
    and a0, a0, t0
    check_zero a0
case 6                              # each S field by itself
    .irp field, STATUS_SIE, STATUS_SPIE, STATUS_SPP, STATUS_SUM, STATUS_MXR
    li t0, S_FIELDS
    csrc sstatus, t0
    li t1, \field
    csrs sstatus, t1
    csrr a0, mstatus
    and a0, a0, t0
    check_eq a0, t1
    .endr
case 7                              # MPP never becomes 2
    li t0, STATUS_MPP
    csrc mstatus, t0
    li t0, 2 << STATUS_MPP_SHIFT
    csrs mstatus, t0
    csrr a0, mstatus
    srli a0, a0, STATUS_MPP_SHIFT
    andi a0, a0, 3
    li t1, 2
    check_ne a0, t1
case 8                              # UXL and SXL
    li t0, STATUS_UXL | STATUS_SXL
    csrs mstatus, t0
    csrr a0, mstatus
    and a1, a0, t0
    li t1, (2 << 32) | (2 << 34)
    check_eq a1, t1
    csrc mstatus, t0
    csrr a0, mstatus
    and a1, a0, t0
    check_eq a1, t1
    csrw mstatus, s0
    done

.include "runtime.inc"
