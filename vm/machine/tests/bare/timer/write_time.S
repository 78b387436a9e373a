# Writing mtime.
# Specification: Privileged, "Machine Timer (mtime and mtimecmp) Registers" (mtime is a read-write register).
# Expected: mtime goes on from the value written, MTIP compares with it, and the time CSR shows it. Machines whose
# time CSR is emulated by firmware are tested without it.

.include "bare.inc"

test:
    li s0, CLINT_MTIMECMP
    li s1, CLINT_MTIME
    li s2, -1
    li s3, 1 << IRQ_MTI
    sd s2, 0(s0)
case 1                              # forward
    li a0, 0x0001000000000000
    sd a0, 0(s1)
    ld a1, 0(s1)
    bltu a1, a0, fail
    li a2, 0x0001100000000000       # months later
    bgtu a1, a2, fail
case 2                              # MTIP
    sd a0, 0(s0)
1:  csrr t0, mip
    and t0, t0, s3
    beqz t0, 1b
    sd s2, 0(s0)
case 3                              # backward
    li a0, 0x1000
    sd a0, 0(s1)
    ld a1, 0(s1)
    bltu a1, a0, fail
    srli a1, a1, 40
    check_zero a1
    li a0, 1 << 40
    sd a0, 0(s0)
1:  csrr t0, mip
    and t0, t0, s3
    bnez t0, 1b
    sd s2, 0(s0)
case 4                              # the time CSR
    on_trap no_time
    csrr a0, time
    check_no_trap
    srli a1, a0, 40
    check_zero a1
    li a0, 0x0002000000000000
    sd a0, 0(s1)
1:  csrr a1, time                   # may lag by a moment
    bltu a1, a0, 1b
    li a0, 0x1000
    sd a0, 0(s1)
    done

no_time:
    feature_absent

iterations 50
.include "runtime.inc"
