# What returns from traps do to mstatus.MPRV.
# Specification: Privileged, "Memory Privilege in mstatus Register", "Privilege and Global Interrupt-Enable Stack in
# mstatus Register".
# Expected: mret and sret clear MPRV if they go to a mode below M; mret to M leaves it.

.include "bare.inc"

# Writes the fields of \mask in mstatus. Clobbers t5.
.macro set_status mask, value
    li t5, \mask
    csrc mstatus, t5
    li t5, \value
    csrs mstatus, t5
.endm

.macro check_trap_status mask, value
    trap_field a0, TRAP_STATUS
    check_bits a0, \mask, \value
.endm

# mret or sret to \label.
.macro return_to instruction, csr, label
    la t5, \label
    csrw \csr, t5
    \instruction
.endm

test:
case 1                              # mret to S or U clears MPRV, mret to M does not
    set_status STATUS_MPRV | STATUS_MPP, STATUS_MPRV | STATUS_MPP
    on_trap 1f
    set_status STATUS_MPP, PRV_S << STATUS_MPP_SHIFT
    return_to mret, mepc, call
1:  check_trap_status STATUS_MPRV, 0
    on_trap 1f
    set_status STATUS_MPRV | STATUS_MPP, STATUS_MPRV
    return_to mret, mepc, call
1:  check_trap_status STATUS_MPRV, 0
    set_status STATUS_MPRV | STATUS_MPP, STATUS_MPRV | STATUS_MPP
    return_to mret, mepc, 1f
1:  csrr a0, mstatus
    set_status STATUS_MPRV, 0
    check_bits a0, STATUS_MPRV, STATUS_MPRV
case 2                              # sret from M clears MPRV
    on_trap 1f
    set_status STATUS_MPRV | STATUS_MPP | STATUS_SPP, STATUS_MPRV | STATUS_MPP | STATUS_SPP
    return_to sret, sepc, call
1:  check_ecall_from PRV_S
    check_trap_status STATUS_MPRV, 0
    done

call:
    ecall

.include "runtime.inc"
