# satp takes only modes that exist.
# Specification: Privileged, "Supervisor Address Translation and Protection (satp) Register".
# Expected: a write with a mode that the machine lacks changes no field at all; Sv39 and Sv48 exist; the implemented
# ASID bits are the least significant ones; and Bare with all fields zero can always be written.

.include "bare.inc"

.macro mode_exists mode
    li t0, \mode << SATP_MODE_SHIFT
    li t1, 0x80123
    or t0, t0, t1
    csrw satp, t0
    csrr a0, satp
    check_eq a0, t0
.endm

test:
case 1
    mode_exists SATP_SV39
    mode_exists SATP_SV48
    csrw satp, zero
    csrr a0, satp
    check_zero a0
case 2                              # reserved modes: the old value stays, every field of it
    li s0, (SATP_SV39 << SATP_MODE_SHIFT) | 0x80777
    csrw satp, s0
    .irp mode, 1, 2, 3, 4, 5, 6, 7, 11, 12, 13
    li t0, \mode << SATP_MODE_SHIFT
    li t1, 0x80123
    or t0, t0, t1
    csrw satp, t0
    csrr a0, satp
    check_eq a0, s0
    .endr
case 3                              # the same from Bare
    csrw satp, zero
    .irp mode, 1, 7, 11, 13
    li t0, \mode << SATP_MODE_SHIFT
    li t1, 0x80123
    or t0, t0, t1
    csrw satp, t0
    csrr a0, satp
    check_zero a0
    .endr
case 4                              # Sv57: there or not, nothing between
    li t0, (SATP_SV57 << SATP_MODE_SHIFT) | 0x80123
    csrw satp, t0
    csrr a0, satp
    beqz a0, 1f
    check_eq a0, t0
1:
case 5                              # ASID: ones from bit 44 up
    li t0, (SATP_SV39 << SATP_MODE_SHIFT) | (0xffff << SATP_ASID_SHIFT) | 0x80123
    csrw satp, t0
    csrr a0, satp
    slli a0, a0, 4
    srli a0, a0, 48
    addi a1, a0, 1
    and a0, a0, a1
    check_zero a0
case 6                              # from S-mode too
    csrw satp, zero
    li a0, 3 << SATP_MODE_SHIFT | 0x80123
    run_in PRV_S, write_satp
    check_ecall_from PRV_S
    check_zero a1
    done

write_satp:
    csrw satp, a0
    csrr a1, satp
    ecall

.include "runtime.inc"
