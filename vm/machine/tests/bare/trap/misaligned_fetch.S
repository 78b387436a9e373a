# Jumps to addresses that are no multiple of four, with the C extension and, where misa.C can be cleared, without.
# Specification: Unprivileged, "Control Transfer Instructions"; Privileged, "Machine ISA (misa) Register" (a write
# that would make the next instruction misaligned does not clear C) and "Machine Exception Program Counter (mepc)
# Register".
# Expected: with C bit 0 of a jalr target is ignored and multiples of two are fine. Without C the jump itself takes
# cause 0, tval is the target, rd stays as it was, a branch that is not taken traps not, and mepc[1] reads as zero. A
# machine whose C cannot be cleared (riscope's choice) is only tested with C.

.include "bare.inc"

.equ MISA_C, 1 << 2

test:
case 1                              # jalr drops bit 0
    la t0, odd + 1
    li a0, 0
    jalr ra, 0(t0)
    check_value a0, 9
case 2                              # jumps to a multiple of two
    la t0, half_aligned
    jalr ra, 0(t0)
    check_value a0, 10
    jal ra, half_aligned
case 3                              # can C be cleared?
    .option norvc
    .balign 4
    li t0, MISA_C
    .balign 4
    csrc misa, t0
    csrr t1, misa
    and t1, t1, t0
    bnez t1, with_c_only
case 4                              # jal
    li ra, 5
    la a1, half_aligned
    on_trap 1f
    .balign 4
jump:
    jal ra, half_aligned
    j fail
    .balign 4
1:  check_cause CAUSE_FETCH_MISALIGNED
    check_epc jump
    check_tval_is a1
    check_value ra, 5
case 5                              # jalr
    on_trap 1f
    .balign 4
jump_register:
    jalr ra, 0(a1)
    j fail
    .balign 4
1:  check_cause CAUSE_FETCH_MISALIGNED
    check_epc jump_register
    check_tval_is a1
    check_value ra, 5
case 6                              # a branch traps only if taken
    bnez zero, half_aligned_near
    on_trap 1f
branch:
    beqz zero, half_aligned_near
    j fail
    .4byte 0x00010001
    .2byte 0x0001
half_aligned_near:
    .2byte 0x0001
    .balign 4
1:  check_cause CAUSE_FETCH_MISALIGNED
    check_epc branch
    la t0, half_aligned_near
    check_tval_is t0
case 7                              # mepc[1]
    li t0, 0x80000006
    csrw mepc, t0
    csrr t1, mepc
    check_bits t1, 3, 0
case 8                              # setting C again, always possible here
    li t0, MISA_C
    csrs misa, t0
    csrr t1, misa
    and t1, t1, t0
    check_nonzero t1
with_c_only:
    .option rvc
    done

    .balign 4
odd:
    li a0, 9
    ret
    .balign 4
    .2byte 0x0001
half_aligned:
    .option norvc
    li a0, 10
    ret
    .option rvc

.include "runtime.inc"
