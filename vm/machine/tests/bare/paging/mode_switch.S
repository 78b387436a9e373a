# The same pages seen from changing modes, with no fence between: rights belong to the access, not to what was
# translated last.
# Specification: Privileged, "Memory Privilege in sstatus Register" (SUM, MXR), "Memory Privilege in mstatus Register"
# (MPRV).
# Expected: a page that U-mode has just used faults in S-mode, and works once SUM is set, at once; one that S-mode has
# just used faults in U-mode; an X page is readable only while MXR is set; the same through MPRV, which never concerns
# fetches.

.include "bare.inc"
.text
.include "paging.inc"

.equ USER_VA, 0x40000000
.equ SUPERVISOR_VA, 0x40001000
.equ CODE_VA, 0x40002000

test:
    space_on
case 1                              # U, then S without and with SUM
    li a0, USER_VA
    u_access_works access_load
    s_access_faults access_load, CAUSE_LOAD_PAGE
    s_access_faults access_store, CAUSE_STORE_PAGE
    li s0, STATUS_SUM
    csrs mstatus, s0
    s_access_works access_load
    s_access_works access_store
    csrc mstatus, s0
    s_access_faults access_load, CAUSE_LOAD_PAGE
    u_access_works access_load
case 2                              # S, then U
    li a0, SUPERVISOR_VA
    s_access_works access_load
    u_access_faults access_load, CAUSE_LOAD_PAGE
    u_access_faults access_store, CAUSE_STORE_PAGE
    s_access_works access_store
case 3                              # fetch: U code is not for S, even with SUM
    li a0, USER_VA
    fetch_works PRV_U
    fetch_faults PRV_S, CAUSE_FETCH_PAGE
    csrs mstatus, s0
    fetch_faults PRV_S, CAUSE_FETCH_PAGE
    csrc mstatus, s0
    li a0, SUPERVISOR_VA
    fetch_works PRV_S
    fetch_faults PRV_U, CAUSE_FETCH_PAGE
case 4                              # MXR
    li a0, CODE_VA
    li s1, STATUS_MXR
    s_access_faults access_load, CAUSE_LOAD_PAGE
    csrs mstatus, s1
    s_access_works access_load
    s_access_faults access_store, CAUSE_STORE_PAGE
    csrc mstatus, s1
    s_access_faults access_load, CAUSE_LOAD_PAGE
    fetch_works PRV_S
case 5                              # S-mode switches SUM itself, in one block of code
    li a0, USER_VA
    run_in PRV_S, sum_around
    check_ecall_from PRV_S
    csrc mstatus, s0
    run_in PRV_S, sum_then_not
    check_cause CAUSE_LOAD_PAGE
    check_epc sum_is_off
    check_tval_is a0
case 6                              # S-mode switches MXR itself
    li a0, CODE_VA
    run_in PRV_S, mxr_then_not
    check_cause CAUSE_LOAD_PAGE
    check_epc mxr_is_off
case 7                              # MPRV on and off in one block: physical, translated, physical
    la a0, number                   # not mapped for U at this address
    li a2, USER_VA
    li t0, STATUS_MPP
    csrc mstatus, t0
    li s2, STATUS_MPRV
    on_trap 1f
    ld a3, 0(a0)
    csrs mstatus, s2
    ld a4, 0(a2)
    csrc mstatus, s2
    ld a5, 0(a0)
    check_no_trap
    check_value a3, 0x1234
    check_value a5, 0x1234
    la t0, user_page
    ld t0, 0(t0)
    check_eq a4, t0
    on_trap 1f
    csrs mstatus, s2
2:  ld a4, 0(a0)                    # S page, U rights
    j fail
1:  check_cause CAUSE_LOAD_PAGE
    la a1, 2b
    check_epc_is a1
    check_tval_is a0
    check_from PRV_M
case 8                              # MPRV with MPP = M and MPRV under Bare translate nothing
    la a0, number
    li t0, STATUS_MPP | STATUS_MPRV
    csrs mstatus, t0
    ld a3, 0(a0)
    csrc mstatus, s2
    check_value a3, 0x1234
    csrw satp, zero
    li t0, STATUS_MPP
    csrc mstatus, t0
    csrs mstatus, s2
    ld a3, 0(a0)
    csrc mstatus, s2
    check_value a3, 0x1234
case 9                              # MPRV under Bare, then Sv39, then Bare
    la t0, space
    ld t0, 0(t0)
    li a0, USER_VA
    csrs mstatus, s2
    csrw satp, t0
    ld a3, 0(a0)
    csrw satp, zero
    csrc mstatus, s2
    la t0, user_page
    ld t0, 0(t0)
    check_eq a3, t0
    done

.balign 4
sum_around:
    csrs sstatus, s0
    ld a1, 0(a0)
    csrc sstatus, s0
    ecall
sum_then_not:
    csrs sstatus, s0
    ld a1, 0(a0)
    csrc sstatus, s0
sum_is_off:
    ld a1, 0(a0)
    ecall
mxr_then_not:
    csrs sstatus, s1
    ld a1, 0(a0)
    csrc sstatus, s1
mxr_is_off:
    ld a1, 0(a0)
    ecall

setup:
    mv s8, ra
    li a0, SATP_SV39
    li a1, 0
    jal ra, space_create
    map USER_VA, user_page, PTE_VRWXAD | PTE_U, 0
    map SUPERVISOR_VA, user_page, PTE_VRWXAD, 0
    map CODE_VA, user_page, PTE_V | PTE_X | PTE_A | PTE_D, 0
    jr s8

.section .data
number:
    .dword 0x1234
.balign 4096
user_page:
    .4byte 0x00000073               # ecall
    .4byte 0
.balign 4096

.text
.include "runtime.inc"
