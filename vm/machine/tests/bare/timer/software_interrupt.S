# The software interrupt register of the CLINT.
# Specification: Privileged, "Machine Interrupt (mip and mie) Registers" (MSIP); RISC-V ACLINT, "MSWI Device" (bit 0
# is the pending bit, the others are zero).
# Expected: MSIP follows bit 0 of the register; the register reads back that bit alone; the interrupt has cause 3 in
# every mode.

.include "bare.inc"

.macro wait_for_msip state
9987:
    csrr t0, mip
    srli t0, t0, IRQ_MSI
    andi t0, t0, 1
    .if \state
    beqz t0, 9987b
    .else
    bnez t0, 9987b
    .endif
.endm

test:
    li s0, CLINT_MSIP
    li s1, 1
    sw zero, 0(s0)
    wait_for_msip 0
case 1                              # set, read, cleared
    sw s1, 0(s0)
    lw a0, 0(s0)
    check_value a0, 1
    wait_for_msip 1
    sw zero, 0(s0)
    lw a0, 0(s0)
    check_zero a0
    wait_for_msip 0
case 2                              # bit 0 alone
    li a0, -1
    sw a0, 0(s0)
    lw a1, 0(s0)
    check_value a1, 1
    li a0, -2
    sw a0, 0(s0)
    lw a1, 0(s0)
    check_zero a1
    wait_for_msip 0
case 3                              # the interrupt, in each mode
    li t0, 1 << IRQ_MSI
    csrw mie, t0
    .irp mode, PRV_U, PRV_S
    sw s1, 0(s0)
    wait_for_msip 1
    run_in \mode, spin
    check_cause INTERRUPT | IRQ_MSI
    check_epc spin
    check_from \mode
    sw zero, 0(s0)
    wait_for_msip 0
    .endr
case 4                              # M-mode interrupts itself
    on_trap 1f
    csrsi mstatus, STATUS_MIE
    sw s1, 0(s0)
2:  j 2b
1:  check_cause INTERRUPT | IRQ_MSI
    check_from PRV_M
    sw zero, 0(s0)
    wait_for_msip 0
case 5                              # masked: pending and not taken
    csrw mie, zero
    sw s1, 0(s0)
    wait_for_msip 1
    csrsi mstatus, STATUS_MIE
    nop
    nop
    csrci mstatus, STATUS_MIE
    run_in PRV_U, call
    check_ecall_from PRV_U
    sw zero, 0(s0)
    wait_for_msip 0
    done

.balign 4
spin:
    j spin
call:
    ecall

iterations 200
.include "runtime.inc"
