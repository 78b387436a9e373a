# External interrupts: PLIC and UART, the priority of MEI, and the two sources of SEIP.
# Specification: Privileged, "Machine Interrupt (mip and mie) Registers"; RISC-V Platform-Level Interrupt Controller Specification, "Interrupt Claim Process"
# and "Interrupt Completion"; the devices where QEMU's virt machine has them. The source is the UART's transmitter, which is always empty.
# Expected: MEI is taken before MSI and MTI with cause 11; a claim returns the source and withdraws the interrupt, completion lets it come again; SEIP shows the controller's
# signal or the bit that software has written, and writing one does not catch the other. riscope has both devices; without them the portable build passes.

.include "bare.inc"

.equ UART, 0x10000000
.equ UART_IER, UART + 1
.equ PLIC, 0xc000000
.equ PLIC_ENABLE_M, PLIC + 0x2000
.equ PLIC_ENABLE_S, PLIC + 0x2080
.equ PLIC_CONTEXT_M, PLIC + 0x200000
.equ PLIC_CONTEXT_S, PLIC + 0x201000
.equ PLIC_CLAIM, 4
.equ SOURCES, 32

.macro wait_for irq, state
9983:
    csrr t0, mip
    srli t0, t0, \irq
    andi t0, t0, 1
    .if \state
    beqz t0, 9983b
    .else
    bnez t0, 9983b
    .endif
.endm

# Some PLICs look at their sources again only when a threshold is written (QEMU not after a change of enables, Spike not after one of
# priorities). riscope's must do so by itself.
.macro look_again
    .ifndef REQUIRE_ALL
    lw t0, 0(s0)
    sw t0, 0(s0)
    lw t0, 0(s1)
    sw t0, 0(s1)
    .endif
.endm

# Source enables for the context with its enable word at \address.
.macro enable address, bits
    li t0, \address
    li t1, \bits
    sw t1, 0(t0)
    look_again
.endm

# Priority of the source whose priority register is at t1.
.macro priority value
    li t0, \value
    sw t0, 0(t1)
    look_again
.endm

.macro uart_interrupt state
    li t0, UART_IER
    li t1, 2 * \state
    sb t1, 0(t0)
.endm

test:
case 1                              # are the devices there?
    on_trap absent
    li t0, PLIC
    lw t1, 4(t0)
    check_no_trap
    li s0, PLIC_CONTEXT_M
    li s1, PLIC_CONTEXT_S
    sw zero, 0(s0)                  # thresholds
    sw zero, 0(s1)
    li t0, PLIC + 4                 # all priorities 1
    li t1, 1
    li t2, PLIC + 4 * SOURCES
1:  sw t1, 0(t0)
    addi t0, t0, 4
    bne t0, t2, 1b
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
case 4                              # MEI comes before MSI and MTI
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
case 5                              # claim and complete
    lw s2, PLIC_CLAIM(s0)
    check_nonzero s2
    wait_for IRQ_MEI, 0
    lw a0, PLIC_CLAIM(s0)           # nothing more to claim
    check_zero a0
    sw s2, PLIC_CLAIM(s0)           # the UART still asks: pending again
    wait_for IRQ_MEI, 1
    lw a0, PLIC_CLAIM(s0)
    check_eq a0, s2
    uart_interrupt 0
    sw s2, PLIC_CLAIM(s0)
    lw a0, PLIC_CLAIM(s0)           # what was pending before the UART fell silent may come once more
    beqz a0, 1f
    sw a0, PLIC_CLAIM(s0)
1:  wait_for IRQ_MEI, 0
case 6                              # threshold and priority
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
case 7                              # the context of S-mode
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
case 8                              # software cannot clear the controller's signal, and a read-modify-write of mip does not catch it
    li s3, 1 << IRQ_SEI
    csrc mip, s3
    csrr a0, mip
    and a0, a0, s3
    check_nonzero a0
    csrsi mip, 1 << IRQ_SSI
    csrci mip, 1 << IRQ_SSI
    enable PLIC_ENABLE_S, 0
    wait_for IRQ_SEI, 0
case 9                              # the controller's signal does not clear the bit of software
    csrs mip, s3
    csrr a0, mip
    and a0, a0, s3
    check_nonzero a0
    enable PLIC_ENABLE_S, -2
    enable PLIC_ENABLE_S, 0
    csrr a0, mip
    and a0, a0, s3
    check_nonzero a0
    csrc mip, s3
    csrr a0, mip
    and a0, a0, s3
    check_zero a0
    uart_interrupt 0
    done

absent:
    feature_absent

.balign 4
spin:
    j spin

iterations 50
.include "runtime.inc"
