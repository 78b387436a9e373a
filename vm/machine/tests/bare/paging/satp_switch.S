# Switching translation on and off, and between address spaces, from running S-mode code.
# Specification: Privileged, "Supervisor Address Translation and Protection (satp) Register" (a change from or to Bare
# takes effect at once, without a fence).
# Expected: the access behind the write of satp already uses the new mode, and the code goes on across the switch;
# U-mode and M-mode see what they should.

.include "bare.inc"
.text
.include "paging.inc"

.equ TEST_VA, VACANT_ADDRESS        # so that it is nothing under Bare
# The program again in a third place, so that code can move.
.equ HIGH_OFFSET, 0x100000000

test:
    la t0, space
    ld s0, 0(t0)
    csrw satp, zero
    la s1, page
    li a0, TEST_VA
case 1                              # Bare, Sv39, Bare in one block
    li t0, 0x39
    sd t0, 0(s1)
    run_in PRV_S, on_off
    check_ecall_from PRV_S
    check_value a1, 0x39
    check_value a2, 0x39
    check_value a3, 0x39
case 2                              # the virtual address is nothing any more once Bare is on
    run_in PRV_S, on_off_read
    check_cause CAUSE_LOAD_ACCESS
    check_epc read_under_bare
    check_tval_is a0
case 3                              # U-mode under Bare and Sv39
    csrw satp, zero
    mv a0, s1
    run_in PRV_U, access_load
    check_ecall_from PRV_U
    check_value a1, 0x39
    csrw satp, s0
    run_in PRV_U, access_load
    check_cause CAUSE_FETCH_PAGE
    li a0, TEST_VA
    run_user access_load
    check_cause CAUSE_LOAD_PAGE
    run_in PRV_S, access_load
    check_ecall_from PRV_S
    check_value a1, 0x39
case 4                              # code that switches on and jumps to its other address
    csrw satp, zero
    li a2, HIGH_OFFSET
    run_in PRV_S, on_and_up
    check_ecall_from PRV_S
    la t0, high
    add t0, t0, a2
    check_epc_is t0
    check_eq a3, t0
case 5                              # M-mode never translates
    csrw satp, s0
    ld t1, 0(s1)
    check_value t1, 0x39
    on_trap 1f
    li a0, VACANT_ADDRESS
    ld t1, 0(a0)
    j fail
1:  check_cause CAUSE_LOAD_ACCESS
case 6                              # an address space that does not map the running code: the next fetch faults
    csrw satp, zero
    la s2, empty_root
    srli s2, s2, 12
    li t0, SATP_SV39 << SATP_MODE_SHIFT
    or s2, s2, t0
    .option norvc
    run_in PRV_S, cut_off
    check_cause CAUSE_FETCH_PAGE
    la t0, cut_off + 4
    check_epc_is t0
    check_tval_is t0
    .option rvc
    csrw satp, zero
    done

.balign 4
on_off:
    csrw satp, zero
    ld a1, 0(s1)
    csrw satp, s0
    ld a2, 0(a0)
    csrw satp, zero
    ld a3, 0(s1)
    ecall
on_off_read:
    csrw satp, s0
    ld a2, 0(a0)
    csrw satp, zero
read_under_bare:
    ld a3, 0(a0)
    ecall
on_and_up:
    la a3, high
    add a3, a3, a2
    csrw satp, s0
    jr a3
high:
    ecall
.balign 16
cut_off:
    csrw satp, s2
    ecall

setup:
    mv s8, ra
    li a0, SATP_SV39
    li a1, 0
    jal ra, space_create
    map TEST_VA, page, PTE_VRWXAD, 0
    map 0x80000000 + HIGH_OFFSET, _start, PTE_VRWXAD, 2
    jr s8

.section .data
.balign 4096
page:
    .zero 4096

.section .bss
.balign 4096
empty_root:
    .zero 4096

.text
iterations 200
.include "runtime.inc"
