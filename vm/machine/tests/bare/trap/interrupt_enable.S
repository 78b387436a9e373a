# When an interrupt is taken, and by whom: every combination of delegation, current mode, MIE, SIE and the bit in mie.
# Specification: Privileged, "Machine Interrupt (mip and mie) Registers", "Machine Trap Delegation (medeleg and
# mideleg) Registers", "Privilege and Global Interrupt-Enable Stack in mstatus Register".
# Expected: not delegated: taken into M if the mode is below M or MIE is set. Delegated: taken into S from U always,
# from S if SIE is set, from M never. Taken before the first instruction behind the mret or the CSR write that allows
# it.

.include "bare.inc"

.macro each_interrupt irq, number
case \number
    li s0, 1 << \irq
    li s2, INTERRUPT | \irq
    jal s10, all_combinations
.endm

test:
    each_interrupt IRQ_SSI, 1
    each_interrupt IRQ_STI, 2
    each_interrupt IRQ_SEI, 3
case 4                              # taken right behind the write of mstatus
    li s0, 1 << IRQ_SSI
    csrw mideleg, zero
    csrw mie, s0
    csrs mip, s0
    on_trap 1f
    csrsi mstatus, STATUS_MIE
2:  j fail
1:  la a0, 2b
    check_epc_is a0
case 5                              # taken right behind the write of mie
    csrw mie, zero
    on_trap 1f
    csrsi mstatus, STATUS_MIE
    nop
    csrw mie, s0
2:  j fail
1:  la a0, 2b
    check_epc_is a0
case 6                              # taken right behind the write of mip
    csrc mip, s0
    on_trap 1f
    csrsi mstatus, STATUS_MIE
    nop
    csrs mip, s0
2:  j fail
1:  la a0, 2b
    check_epc_is a0
case 7                              # and from S right behind the write of sstatus, sie or sip
    csrw mideleg, s0
    csrci mstatus, STATUS_SIE
    run_in PRV_S, enable_status
    check_delegated INTERRUPT | IRQ_SSI
    check_sepc enable_status_end
    csrw mie, zero
    csrsi mstatus, STATUS_SIE
    run_in PRV_S, enable_sie
    check_delegated INTERRUPT | IRQ_SSI
    check_sepc enable_sie_end
    csrc mip, s0
    csrsi mstatus, STATUS_SIE
    run_in PRV_S, enable_sip
    check_delegated INTERRUPT | IRQ_SSI
    check_sepc enable_sip_end
    csrc mip, s0
case 8                              # an interrupt that became pending and was withdrawn is not taken
    csrw mideleg, zero
    csrw mie, s0
    csrs mip, s0
    csrc mip, s0
    on_trap 1f
    csrsi mstatus, STATUS_MIE
    nop
    nop
    csrci mstatus, STATUS_MIE
    check_no_trap
    j 2f
1:  j fail
2:  done

# s0: bit of the interrupt, s2: its cause. s1 runs over 96 combinations:
# bit 0 delegated, bit 1 MIE, bit 2 SIE, bit 3 enabled in mie, bits 5:4 mode (2 is no mode).
all_combinations:
    li s1, 63
combination:
    srli s3, s1, 4
    li t0, 2
    beq s3, t0, next_combination
    # The registers.
    csrw mideleg, zero
    andi s4, s1, 1
    beqz s4, 1f
    csrw mideleg, s0
1:  csrw mie, zero
    andi s5, s1, 8
    beqz s5, 1f
    csrw mie, s0
1:  csrci mstatus, STATUS_MIE | STATUS_SIE
    li t0, STATUS_MPIE
    csrc mstatus, t0
    andi s6, s1, 2
    beqz s6, 1f
    csrs mstatus, t0
1:  andi s7, s1, 4
    beqz s7, 1f
    csrsi mstatus, STATUS_SIE
1:  csrs mip, s0
    la t5, call
    slli t6, s3, STATUS_MPP_SHIFT
    jal ra, enter
    csrc mip, s0
    csrw mideleg, zero
    # What should have happened.
    beqz s5, expect_none
    bnez s4, delegated
    li t0, PRV_M
    bne s3, t0, expect_m
    bnez s6, expect_m
    j expect_none
delegated:
    li t0, PRV_M
    beq s3, t0, expect_none
    beqz s3, expect_s
    bnez s7, expect_s
expect_none:
    trap_field t0, TRAP_CAUSE
    addi t1, s3, CAUSE_ECALL_U
    check_eq t0, t1
    j next_combination
expect_m:
    trap_field t0, TRAP_CAUSE
    check_eq t0, s2
    check_epc call
    check_tval 0
    trap_field t0, TRAP_STATUS
    srli t0, t0, STATUS_MPP_SHIFT
    andi t0, t0, 3
    check_eq t0, s3
    j next_combination
expect_s:
    check_cause CAUSE_ECALL_S
    check_epc s_trap
    csrr t0, scause
    check_eq t0, s2
    check_sepc call
    check_stval 0
next_combination:
    addi s1, s1, -1
    bgez s1, combination
    jr s10

.balign 4
call:
    ecall
enable_status:
    csrsi sstatus, STATUS_SIE
enable_status_end:
    j .
enable_sie:
    csrw sie, s0
enable_sie_end:
    j .
enable_sip:
    csrs sip, s0
enable_sip_end:
    j .

iterations 60
.include "runtime.inc"
