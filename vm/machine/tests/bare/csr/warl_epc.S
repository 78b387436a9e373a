# mepc and sepc hold only addresses that an instruction can have.
# Specification: Privileged, "Machine Exception Program Counter (mepc) Register", "Supervisor Exception Program
# Counter (sepc) Register".
# Expected: bit 0 reads as zero; all addresses of Sv48 are kept.

.include "bare.inc"

.macro address csr, value
    li t0, \value
    csrw \csr, t0
    csrr a0, \csr
    check_eq a0, t0
.endm

test:
case 1
    .irp csr, mepc, sepc
    address \csr, 0
    address \csr, 0x80000002
    address \csr, 0x00007ffffffffffe
    address \csr, 0xffff800000000000
    address \csr, 0xfffffffffffffffe
    .endr
case 2                              # bit 0
    .irp csr, mepc, sepc
    li t0, 0x80000003
    csrw \csr, t0
    csrr a0, \csr
    check_value a0, 0x80000002
    .endr
case 3                              # mret and sret go to the even address
    la t0, 1f
    ori t0, t0, 1
    csrw mepc, t0
    li t1, STATUS_MPP
    csrs mstatus, t1
    mret
    .balign 4
    j fail
1:  on_trap 1f
    la t0, call
    ori t0, t0, 1
    csrw sepc, t0
    sret
1:  check_cause CAUSE_ECALL_U
    check_epc call
    done

call:
    ecall

.include "runtime.inc"
