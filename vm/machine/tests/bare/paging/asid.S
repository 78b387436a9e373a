# Two address spaces with different ASIDs, switched by satp alone.
# Specification: Privileged, "Supervisor Address Translation and Protection (satp) Register", "Supervisor
# Memory-Management Fence Instruction".
# Expected: the same virtual address shows the page of the space that is on, for load, store and fetch, without a
# fence between; a global page shows in both; a fence for one ASID makes changes of that space visible. Without ASIDs
# (all bits read zero) a fence follows each switch.

.include "bare.inc"
.text
.include "paging.inc"

.equ TEST_VA, 0x40000000
.equ GLOBAL_VA, 0x40001000

# Switches to the satp in the register; s5 tells whether the machine needs a fence.
.macro switch_to register
    csrw satp, \register
    beqz s5, 9993f
    sfence.vma
9993:
.endm

.macro shows number
    s_access_works access_load
    check_value a1, 0x00000073 << 32 | 0x00000613 | (\number << 20)
    li a2, 0
    run_at PRV_S, a0
    check_ecall_from PRV_S
    check_value a2, \number
.endm

test:
    la t0, spaces
    ld s0, 0(t0)
    ld s1, 8(t0)
    ld s2, 16(t0)                   # PTE of TEST_VA in the first space
    ld s3, 24(t0)                   # and in the second
    li t0, 1 << SATP_ASID_SHIFT
    or s0, s0, t0
    li t0, 2 << SATP_ASID_SHIFT
    or s1, s1, t0
    csrw satp, s1
    csrr t1, satp
    sub s5, t1, s1
    snez s5, s5                     # 1: no ASIDs (or a single bit of them)
    beqz s5, 1f
    li t0, 3 << SATP_ASID_SHIFT
    not t0, t0
    and s0, s0, t0
    and s1, s1, t0
1:  pte_of t0, page_1, PTE_VRWXAD
    sd t0, 0(s2)
    pte_of t0, page_2, PTE_VRWXAD
    sd t0, 0(s3)
    sfence.vma
case 1                              # switching
    li a0, TEST_VA
    li s4, 8
1:  switch_to s0
    shows 1
    switch_to s1
    shows 2
    addi s4, s4, -1
    bnez s4, 1b
case 2                              # stores
    li a0, TEST_VA + 64
    switch_to s0
    li a1, 0x111
    s_access_works access_store
    switch_to s1
    li a1, 0x222
    s_access_works access_store
    la t0, page_1
    ld t1, 64(t0)
    check_value t1, 0x111
    la t0, page_2
    ld t1, 64(t0)
    check_value t1, 0x222
case 3                              # a global page
    li a0, GLOBAL_VA
    switch_to s0
    shows 3
    switch_to s1
    shows 3
case 4                              # a change of one space, fenced by its ASID
    li a0, TEST_VA
    li s6, 1
    pte_of t0, page_3, PTE_VRWXAD
    sd t0, 0(s2)
    beqz s5, 1f
    li s6, 0
1:  sfence.vma zero, s6
    switch_to s1
    shows 2
    switch_to s0
    shows 3
case 5                              # fenced by address and ASID, from the other space
    switch_to s1
    pte_of t0, page_1, PTE_VRWXAD
    sd t0, 0(s2)
    sfence.vma a0, s6
    shows 2
    switch_to s0
    shows 1
case 6                              # a page that only one of the spaces has
    sd zero, 0(s3)
    sfence.vma
    shows 1
    switch_to s1
    s_access_faults access_load, CAUSE_LOAD_PAGE
    s_access_faults access_store, CAUSE_STORE_PAGE
    fetch_faults PRV_S, CAUSE_FETCH_PAGE
    switch_to s0
    shows 1
case 7                              # S-mode switches in one block of code
    pte_of t0, page_2, PTE_VRWXAD
    sd t0, 0(s3)
    sfence.vma
    bnez s5, 1f
    run_in PRV_S, block
    check_ecall_from PRV_S
    srli a1, a1, 20
    check_value a1, 1
    srli a2, a2, 20
    check_value a2, 2
    srli a3, a3, 20
    check_value a3, 1
1:  done

.balign 4
block:
    csrw satp, s0
    lw a1, 0(a0)
    csrw satp, s1
    lw a2, 0(a0)
    csrw satp, s0
    lw a3, 0(a0)
    ecall

setup:
    mv s8, ra
    .irp n, 0, 1
    li a0, SATP_SV39
    li a1, 0
    jal ra, space_create
    la t0, space
    ld t1, 0(t0)
    la t0, spaces
    sd t1, 8 * \n(t0)
    map TEST_VA, page_1, PTE_VRWXAD, 0
    la t0, spaces
    sd a0, 16 + 8 * \n(t0)
    map GLOBAL_VA, page_3, PTE_VRWXAD | PTE_G, 0
    .endr
    jr s8

.section .data
spaces:
    .zero 32
.macro numbered number
.balign 4096
page_\number:
    .4byte 0x00000613 | (\number << 20)     # li a2, number
    .4byte 0x00000073                       # ecall
.endm
    numbered 1
    numbered 2
    numbered 3
.balign 4096

.text
iterations 100
.include "runtime.inc"
