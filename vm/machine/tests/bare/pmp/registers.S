# The PMP registers themselves.
# Specification: Privileged, "Physical Memory Protection CSRs".
# Expected: sixteen entries at least; each byte of pmpcfg0 and pmpcfg2 keeps R, W, X, A and L (not set here, it would
# last) and has zero in bits 5 and 6; the reserved combination W without R is not kept; pmpaddr has bits 0 to 53.

.include "bare.inc"
.text
.include "pmp.inc"

test:
    pmp_config 0
    csrw pmpcfg2, zero
case 1                              # addresses
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    li t0, 0x0123456789abc | (\n << 49)
    csrw pmpaddr\n, t0
    csrr t1, pmpaddr\n
    check_eq t1, t0
    .endr
case 2                              # they are different registers
    csrr t1, pmpaddr3
    check_value t1, 0x0123456789abc | (3 << 49)
    csrr t1, pmpaddr15
    check_value t1, 0x0123456789abc | (15 << 49)
case 3                              # configurations
    .irp csr, pmpcfg0, pmpcfg2
    .irp config, 0x0f0b090c0d080100, 0x1f1b191c1d181715, 0x1113150c0b09080f
    li t0, \config
    csrw \csr, t0
    csrr t1, \csr
    check_eq t1, t0
    .endr
    csrw \csr, zero
    .endr
case 4                              # the bytes of pmpcfg0 are entries 0 to 7 in order
    li t0, 0x1908
    csrw pmpcfg0, t0
    csrr t1, pmpcfg0
    check_eq t1, t0
    csrsi pmpcfg0, 7
    csrr t1, pmpcfg0
    check_value t1, 0x190f
    csrw pmpcfg0, zero
case 5                              # W without R
    li t0, 0x1a
    csrw pmpcfg0, t0
    csrr t1, pmpcfg0
    andi t1, t1, 3
    li t0, 2
    check_ne t1, t0
    csrw pmpcfg0, zero
case 6                              # bits 54 to 63
    li t0, -1
    csrw pmpaddr0, t0
    csrr t1, pmpaddr0
    check_value t1, (1 << 54) - 1
case 7                              # bits 5 and 6
    li t0, 0x7f7f7f7f7f7f7f7f
    csrw pmpcfg0, t0
    csrr t1, pmpcfg0
    check_value t1, 0x1f1f1f1f1f1f1f1f
    csrw pmpcfg0, zero
    .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    csrw pmpaddr\n, zero
    .endr
    done

.include "runtime.inc"
