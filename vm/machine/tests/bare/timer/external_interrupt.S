# External interrupts: PLIC and UART, and the priority of MEI.
# Specification: Privileged, "Machine Interrupt (mip and mie) Registers"; RISC-V Platform-Level Interrupt Controller
# Specification, "Interrupt Claim Process" and "Interrupt Completion"; the devices where QEMU's virt machine has them.
# The source is the UART's transmitter, which is always empty.
# Expected: MEI is taken before MSI and MTI with cause 11; a claim returns the source and withdraws the interrupt,
# completion lets it come again; enables, priorities and thresholds take effect at once; the context of S-mode makes
# SEI. riscope has both devices; without them the portable build passes.

.include "bare.inc"

.include "plic.inc"

test:
case 1                              # are the devices there?
    devices_or absent
    uart_interrupt 1
case 2                              # nothing enabled: no interrupt
    enable PLIC_ENABLE_M, 0
    enable PLIC_ENABLE_S, 0
    wait_for IRQ_MEI, 0
    lw a0, PLIC_CLAIM(s0)
    check_zero a0
case 3                              # MEIP
    enable PLIC_ENABLE_M, -2
    wait_for IRQ_MEI, 1
    csrr a0, mip
    andi a0, a0, 1 << IRQ_SEI
    check_zero a0
case 4                              # claim and complete
    lw s2, PLIC_CLAIM(s0)
    check_nonzero s2
    wait_for IRQ_MEI, 0
    lw a0, PLIC_CLAIM(s0)           # nothing more to claim
    check_zero a0
    sw s2, PLIC_CLAIM(s0)           # the UART still asks: pending again
    ask_again
    wait_for IRQ_MEI, 1
    lw a0, PLIC_CLAIM(s0)
    check_eq a0, s2
    uart_interrupt 0
    sw s2, PLIC_CLAIM(s0)
    lw a0, PLIC_CLAIM(s0)           # what was pending before the UART fell silent may come once more
    beqz a0, 1f
    sw a0, PLIC_CLAIM(s0)
1:  wait_for IRQ_MEI, 0
case 5                              # threshold and priority
    uart_interrupt 1
    wait_for IRQ_MEI, 1
    li t0, 1
    sw t0, 0(s0)                    # a priority of 1 is not above it
    wait_for IRQ_MEI, 0
    slli t1, s2, 2
    li t2, PLIC
    add t1, t1, t2
    priority 2
    wait_for IRQ_MEI, 1
    sw zero, 0(s0)
    priority 0                      # never interrupts
    wait_for IRQ_MEI, 0
    priority 1
    wait_for IRQ_MEI, 1
case 6                              # the context of S-mode
    enable PLIC_ENABLE_M, 0
    wait_for IRQ_MEI, 0
    enable PLIC_ENABLE_S, -2
    wait_for IRQ_SEI, 1
    li t0, 1 << IRQ_SEI
    csrw mideleg, t0
    csrw mie, t0
    csrsi mstatus, STATUS_SIE
    run_in PRV_S, spin
    check_delegated INTERRUPT | IRQ_SEI
    check_sepc spin
case 7                              # MEI comes before MSI and MTI
    uart_interrupt 1
    enable PLIC_ENABLE_M, -2
    wait_for IRQ_MEI, 1
    li t0, CLINT_MSIP
    li t1, 1
    sw t1, 0(t0)
    li t0, CLINT_MTIMECMP
    sd zero, 0(t0)
    wait_for IRQ_MSI, 1
    wait_for IRQ_MTI, 1
    csrwi mip, 1 << IRQ_SSI
    li t0, (1 << IRQ_MEI) | (1 << IRQ_MSI) | (1 << IRQ_MTI) | (1 << IRQ_SSI)
    csrw mie, t0
    run_in PRV_U, spin
    check_cause INTERRUPT | IRQ_MEI
    check_epc spin
    on_trap 1f
    csrsi mstatus, STATUS_MIE
    j fail
1:  check_cause INTERRUPT | IRQ_MEI
    li t0, CLINT_MSIP
    sw zero, 0(t0)
    li t0, CLINT_MTIMECMP
    li t1, -1
    sd t1, 0(t0)
    wait_for IRQ_MSI, 0
    wait_for IRQ_MTI, 0
    csrw mip, zero
    csrw mie, zero
    uart_interrupt 0
    done

absent:
    feature_absent

.balign 4
spin:
    j spin

iterations 50
.include "runtime.inc"
