# The two sources of SEIP: the interrupt controller's signal and the bit that M-mode software writes.
# Specification: Privileged, "Machine Interrupt (mip and mie) Registers" (SEIP reads as the OR of both; what CSR
# instructions read, modify and write is the software's bit alone).
# Expected: clearing the bit does not hide the signal; a read-modify-write of another bit while the signal is up
# leaves no bit behind; the bit survives the signal's coming and going. riscope has the devices; without them the
# portable build passes. (Spike keeps one bit for both.)

.include "bare.inc"
.include "plic.inc"

test:
    devices_or absent
    li s3, 1 << IRQ_SEI
    enable PLIC_ENABLE_M, 0
    enable PLIC_ENABLE_S, 0
    uart_interrupt 1
    wait_for IRQ_SEI, 0
case 1                              # software cannot clear the controller's signal, nor catch it with another bit
    enable PLIC_ENABLE_S, -2
    wait_for IRQ_SEI, 1
    csrc mip, s3
    csrr a0, mip
    and a0, a0, s3
    check_nonzero a0
    csrsi mip, 1 << IRQ_SSI
    csrci mip, 1 << IRQ_SSI
    enable PLIC_ENABLE_S, 0
    wait_for IRQ_SEI, 0
case 2                              # the controller's signal does not clear the bit of software
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

iterations 50
.include "runtime.inc"
