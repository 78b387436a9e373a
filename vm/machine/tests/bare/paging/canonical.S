# Virtual addresses whose upper bits do not repeat the top bit of the mode.
# Specification: Privileged, "Sv39: Page-Based 39-bit Virtual-Memory System", "Sv48: Page-Based 48-bit Virtual-Memory
# System" ("must have bits 63-39 all equal to bit 38, or else a page-fault exception will occur"); "Machine Exception
# Program Counter" (an address that is no valid virtual address may be changed to another such).
# Expected: load, store and fetch fault although the lower bits name a mapped page; tval of a load or store is the
# full address; in S and U, and through MPRV.

.include "bare.inc"
.text
.include "paging.inc"

.equ TEST_VA, 0x40000000

# The address a0 is not canonical in the current mode.
.macro not_canonical
    s_access_faults access_load, CAUSE_LOAD_PAGE
    s_access_faults access_store, CAUSE_STORE_PAGE
    s_access_faults access_reserve, CAUSE_LOAD_PAGE
    u_access_faults access_load_byte, CAUSE_LOAD_PAGE
    u_access_faults access_swap, CAUSE_STORE_PAGE
    on_trap 9994f
    li t0, STATUS_MPP
    csrc mstatus, t0
    li t0, STATUS_MPRV
    csrs mstatus, t0
    ld a1, 0(a0)
    j fail
9994:
    check_cause CAUSE_LOAD_PAGE
    check_tval_is a0
    jal s10, jumps_fault
.endm

test:
case 1                              # Sv39: each of the bits 39 to 63 flipped
    la t0, space_39
    ld s0, 0(t0)
    csrw satp, s0
    sfence.vma
    li a0, TEST_VA
    ld a1, page
    u_access_works access_load
    li s1, 39
1:  li a0, TEST_VA
    li t0, 1
    sll t0, t0, s1
    xor a0, a0, t0
    not_canonical
    addi s1, s1, 1
    li t0, 64
    bne s1, t0, 1b
case 2                              # Sv39: all upper bits set, bit 38 clear; and the reverse
    li a0, TEST_VA - (1 << 39)
    not_canonical
    li a0, TEST_VA | (1 << 38)
    not_canonical
case 3                              # Sv39: the first and last address that is not canonical
    li a0, 1 << 38
    not_canonical
    li a0, -(1 << 38) - 8
    not_canonical
case 4                              # Sv48: each of the bits 48 to 63 flipped
    la t0, space_48
    ld s0, 0(t0)
    csrw satp, s0
    sfence.vma
    li s1, 48
1:  li a0, TEST_VA
    li t0, 1
    sll t0, t0, s1
    xor a0, a0, t0
    not_canonical
    addi s1, s1, 1
    li t0, 64
    bne s1, t0, 1b
case 5                              # Sv48: the bits that Sv39 would have refused are addresses now (not mapped ones)
    li a0, 1 << 47
    not_canonical
    li a0, 1 << 38
    s_access_faults access_load, CAUSE_LOAD_PAGE
    done

# A jump to a0 faults, at a0 or at what the machine makes of it.
jumps_fault:
    run_in PRV_S, jump
    check_cause CAUSE_FETCH_PAGE
    check_from PRV_S
    trap_field t0, TRAP_TVAL
    check_eq t0, a0
    trap_field t0, TRAP_EPC
    check_eq t0, a0
    run_user jump
    check_cause CAUSE_FETCH_PAGE
    check_from PRV_U
    jr s10

jump:
    jr a0

setup:
    mv s8, ra
    li a0, SATP_SV48
    li a1, 0
    jal ra, space_create
    map TEST_VA, page, PTE_VRWXAD | PTE_U, 0
    # The second-level table of this space is the root of the Sv39 one.
    la t0, space
    ld t1, 0(t0)
    la t2, space_48
    sd t1, 0(t2)
    slli t2, t1, 20
    srli t2, t2, 8
    ld t2, 0(t2)
    srli t2, t2, 10
    li t3, SATP_SV39 << SATP_MODE_SHIFT
    or t2, t2, t3
    la t3, space_39
    sd t2, 0(t3)
    csrw satp, zero
    jr s8

.section .data
space_39:
    .dword 0
space_48:
    .dword 0
.balign 4096
page:
    .4byte 0x00000073               # ecall
    .4byte 0
.balign 4096

.text
iterations 25
.include "runtime.inc"
