# The machine timer: mtime, mtimecmp and MTIP.
# Specification: Privileged, "Machine Timer (mtime and mtimecmp) Registers"; registers where the CLINT of QEMU's virt
# machine has them.
# Expected: MTIP is set while mtime >= mtimecmp and follows writes of mtimecmp in either direction, soon if not at
# once; mtime goes forward; the interrupt has cause 7 and comes in every mode; both registers can be read, and
# mtimecmp written, by halves.

.include "bare.inc"

# Waits until MTIP is \state (0 or 1): the specification allows a delay.
.macro wait_for_mtip state
9988:
    csrr t0, mip
    srli t0, t0, IRQ_MTI
    andi t0, t0, 1
    .if \state
    beqz t0, 9988b
    .else
    bnez t0, 9988b
    .endif
.endm

test:
    li s0, CLINT_MTIMECMP
    li s1, CLINT_MTIME
    li s2, -1
    li s3, 1 << IRQ_MTI
    sd s2, 0(s0)
    wait_for_mtip 0
case 1                              # mtime goes forward
    ld a0, 0(s1)
1:  ld a1, 0(s1)
    bltu a1, a0, fail
    beq a1, a0, 1b
case 2                              # mtimecmp reads as written
    li a0, 0x7123456789abcdef
    sd a0, 0(s0)
    ld a1, 0(s0)
    check_eq a1, a0
    lwu a1, 0(s0)
    check_value a1, 0x89abcdef
    lwu a1, 4(s0)
    check_value a1, 0x71234567
case 3                              # and can be written by halves
    sw s2, 4(s0)
    li a0, 0x12345678
    sw a0, 0(s0)
    ld a1, 0(s0)
    check_value a1, 0xffffffff12345678
    csrr t0, mip
    and t0, t0, s3
    check_zero t0
case 4                              # MTIP follows mtimecmp
    sd zero, 0(s0)
    wait_for_mtip 1
    sd s2, 0(s0)
    wait_for_mtip 0
    ld a0, 0(s1)
    sd a0, 0(s0)
    wait_for_mtip 1
    sd s2, 0(s0)
    wait_for_mtip 0
case 5                              # and time
    ld a0, 0(s1)
    addi a0, a0, 30
    sd a0, 0(s0)
    wait_for_mtip 1
    ld a1, 0(s1)
    bltu a1, a0, fail
    sd s2, 0(s0)
    wait_for_mtip 0
case 6                              # the interrupt, in each mode
    csrw mie, s3
    .irp mode, PRV_U, PRV_S
    ld a0, 0(s1)
    addi a0, a0, 30
    sd a0, 0(s0)
    run_in \mode, spin
    check_cause INTERRUPT | IRQ_MTI
    check_epc spin
    check_from \mode
    check_tval 0
    ld a1, 0(s1)
    bltu a1, a0, fail
    sd s2, 0(s0)
    wait_for_mtip 0
    .endr
    ld a0, 0(s1)
    addi a0, a0, 30
    sd a0, 0(s0)
    on_trap 1f
    csrsi mstatus, STATUS_MIE
2:  j 2b
1:  check_cause INTERRUPT | IRQ_MTI
    check_from PRV_M
    la a1, 2b
    trap_field a0, TRAP_EPC
    check_eq a0, a1
    sd s2, 0(s0)
    wait_for_mtip 0
case 7                              # far in the future, for numbers that look negative: unsigned comparison
    li a0, 1 << 63
    sd a0, 0(s0)
    wait_for_mtip 0
    sd s2, 0(s0)
    done

.balign 4
spin:
    j spin

iterations 50
.include "runtime.inc"
