# The mstatus bits by which M-mode intercepts what S-mode does: TVM, TW and TSR.
# Specification: Privileged, "Virtualization Support in mstatus Register", "Wait for Interrupt".
# Expected: TVM = 1 makes access to satp and SFENCE.VMA in S-mode illegal, TSR = 1 makes SRET in S-mode illegal, TW =
# 1 makes a WFI that does not complete illegal below M-mode (at once on the machines at hand); M-mode is never
# concerned. In U-mode WFI is illegal anyway unless it completes.

.include "bare.inc"

.macro expect_illegal mode, label
    run_in \mode, \label
    check_cause CAUSE_ILLEGAL
    check_epc \label
    check_from \mode
.endm

.macro expect_legal mode, label
    run_in \mode, \label
    check_ecall_from \mode
.endm

test:
    la s0, call
case 1                              # all clear: S may do everything
    csrw sepc, s0
    expect_legal PRV_S, read_satp
    expect_legal PRV_S, write_satp
    expect_legal PRV_S, fence
    expect_legal PRV_S, fence_address
    li t0, STATUS_SPP
    csrs mstatus, t0
    expect_legal PRV_S, return_s
case 2                              # TVM
    li t0, STATUS_TVM
    csrs mstatus, t0
    expect_illegal PRV_S, read_satp
    expect_illegal PRV_S, write_satp
    expect_illegal PRV_S, set_satp
    expect_illegal PRV_S, fence
    expect_illegal PRV_S, fence_address
    csrw sepc, s0
    li t0, STATUS_SPP
    csrs mstatus, t0
    expect_legal PRV_S, return_s
    csrr t0, satp                   # M is not concerned
    csrw satp, t0
    sfence.vma
    li t0, STATUS_TVM
    csrc mstatus, t0
    expect_legal PRV_S, read_satp
case 3                              # TSR
    li t0, STATUS_TSR
    csrs mstatus, t0
    csrw sepc, s0
    expect_illegal PRV_S, return_s
    expect_legal PRV_S, read_satp
    on_trap 1f
    sret                            # M is not concerned
1:  check_cause CAUSE_ECALL_U
    li t0, STATUS_TSR
    csrc mstatus, t0
case 4                              # TW, with nothing pending
    li t0, STATUS_TW
    csrs mstatus, t0
    expect_illegal PRV_S, wait
    expect_illegal PRV_U, wait
    expect_legal PRV_S, read_satp
    li t0, 1 << IRQ_SSI             # M is not concerned
    csrw mie, t0
    csrs mip, t0
    wfi
    csrc mip, t0
    csrw mie, zero
    li t0, STATUS_TW
    csrc mstatus, t0
case 5                              # these are illegal in U in any case
    expect_illegal PRV_U, read_satp
    expect_illegal PRV_U, fence
    expect_illegal PRV_U, return_s
    expect_illegal PRV_U, wait
case 6                              # the bits are not visible or writable through sstatus
    li t0, STATUS_TVM | STATUS_TW | STATUS_TSR
    csrs sstatus, t0
    csrr a0, mstatus
    and a0, a0, t0
    check_zero a0
    csrs mstatus, t0
    csrr a0, sstatus
    and a0, a0, t0
    check_zero a0
    csrr a0, mstatus
    and a0, a0, t0
    check_eq a0, t0
case 7                              # the illegal instruction can be delegated back to S
    li t0, 1 << CAUSE_ILLEGAL
    csrw medeleg, t0
    run_in PRV_S, read_satp
    check_delegated CAUSE_ILLEGAL
    check_sepc read_satp
    done

call:
    ecall
read_satp:
    csrr a0, satp
    ecall
write_satp:
    csrw satp, zero
    ecall
set_satp:
    csrs satp, zero
    ecall
fence:
    sfence.vma
    ecall
fence_address:
    sfence.vma s0, zero
    ecall
return_s:
    sret
wait:
    wfi
    ecall

.include "runtime.inc"
