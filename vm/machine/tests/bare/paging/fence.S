# Changes of page tables made visible by SFENCE.VMA.
# Specification: Privileged, "Supervisor Memory-Management Fence Instruction" (SFENCE.VMA), "Virtual Address
# Translation Process".
# Expected: after a fence that covers the address (everything; the page's address; ASID 0; both) loads, stores and
# fetches follow the new entry, whether the old one had been used or not; rights that were withdrawn are gone; a fence
# for any address in a superpage covers it; a fence in a block of code separates the accesses before it from those
# behind it.

.include "bare.inc"
.text
.include "paging.inc"

.equ TEST_VA, 0x40000000
.equ MEGA_VA, 0x40200000
.equ GIGA_VA, 0xc0000000

# Sets the entry of the test page, then the given fence.
.macro remap page_label, flags, fence:vararg
    pte_of t0, \page_label, \flags
    sd t0, 0(s0)
    \fence
.endm

# The page at a0 holds \number, for a load, and executes as \number (its code loads a2).
.macro shows number
    s_access_works access_load
    check_value a1, 0x00000073 << 32 | 0x00000613 | (\number << 20)
    li a2, 0
    run_at PRV_S, a0
    check_ecall_from PRV_S
    check_value a2, \number
.endm

# The page at a0 can be executed.
.macro fetch_works_at_code
    run_at PRV_S, a0
    check_ecall_from PRV_S
.endm

.macro follows fence:vararg
    remap page_1, PTE_VRWXAD, \fence
    shows 1
    remap page_2, PTE_VRWXAD, \fence
    shows 2
    remap page_3, PTE_VRWXAD, \fence
    shows 3
.endm

test:
    space_on
    la s0, page_pte
    ld s0, 0(s0)
    la s1, mega_pte
    ld s1, 0(s1)
    li a0, TEST_VA
    li s2, TEST_VA + 0x123          # any address of the page will do
case 1
    follows sfence.vma
case 2
    follows sfence.vma s2, zero
case 3
    follows sfence.vma zero, zero
case 4                              # by ASID, held in a register
    li s3, 0
    follows sfence.vma zero, s3
case 5
    follows sfence.vma s2, s3
case 6                              # rights withdrawn and given
    remap page_1, PTE_VRWXAD, sfence.vma
    ld a1, page_1
    s_access_works access_store
    remap page_1, PTE_V | PTE_R | PTE_X | PTE_A | PTE_D, sfence.vma s2
    s_access_works access_load
    s_access_faults access_store, CAUSE_STORE_PAGE
    fetch_works_at_code
    remap page_1, PTE_V | PTE_X | PTE_A | PTE_D, sfence.vma s2
    s_access_faults access_load, CAUSE_LOAD_PAGE
    fetch_works_at_code
    remap page_1, PTE_VRWAD, sfence.vma s2
    s_access_works access_load
    fetch_faults PRV_S, CAUSE_FETCH_PAGE
    remap page_1, PTE_VRWXAD | PTE_U, sfence.vma s2
    s_access_faults access_load, CAUSE_LOAD_PAGE
    fetch_faults PRV_S, CAUSE_FETCH_PAGE
    u_access_works access_load
case 7                              # away and back
    remap page_1, 0, sfence.vma s2
    s_access_faults access_load, CAUSE_LOAD_PAGE
    s_access_faults access_store, CAUSE_STORE_PAGE
    fetch_faults PRV_S, CAUSE_FETCH_PAGE
    remap page_2, PTE_VRWXAD, sfence.vma s2
    shows 2
case 8                              # stores go to the new page
    remap page_3, PTE_VRWXAD, sfence.vma
    li a0, TEST_VA + 64
    li a1, 0x333
    s_access_works access_store
    remap page_2, PTE_VRWXAD, sfence.vma s2
    li a1, 0x222
    s_access_works access_store
    la t0, page_2
    ld t1, 64(t0)
    check_value t1, 0x222
    la t0, page_3
    ld t1, 64(t0)
    check_value t1, 0x333
    li a0, TEST_VA
case 9                              # superpage, fenced by an address far from the one used
    li t0, (0x80000000 >> 2) | PTE_VRWXAD
    sd t0, 0(s1)
    sfence.vma
    la a0, page_1
    li t0, MEGA_VA - 0x80000000
    add a0, a0, t0
    s_access_works access_load
    sd zero, 0(s1)
    li t0, MEGA_VA + 0x1ff000
    sfence.vma t0, zero
    s_access_faults access_load, CAUSE_LOAD_PAGE
    s_access_faults access_store, CAUSE_STORE_PAGE
case 10                             # superpage becomes a table, and a superpage again
    la t0, page_table
    srli t0, t0, 2
    ori t0, t0, PTE_V
    sd t0, 0(s1)
    pte_of t1, page_3, PTE_VRWXAD
    la t2, page_table
    sd t1, 8(t2)
    sfence.vma
    li a0, MEGA_VA + 0x1000
    shows 3
    pte_of t1, page_2, PTE_VRWXAD
    sd t1, 8(t2)
    sfence.vma a0, zero
    shows 2
    li t0, (0x80000000 >> 2) | PTE_VRWXAD
    sd t0, 0(s1)
    sfence.vma
    s_access_works access_load
    ld t1, _start + 0x1000
    check_eq a1, t1
    li a0, TEST_VA
case 11                             # all of it in S-mode, in one block of code
    remap page_1, PTE_VRWXAD, sfence.vma
    pte_of s4, page_2, PTE_VRWXAD
    pte_of s5, page_3, PTE_VRWXAD
    run_in PRV_S, block
    check_ecall_from PRV_S
    srli a1, a1, 20
    andi a1, a1, 0xff
    check_value a1, 1
    srli a2, a2, 20
    andi a2, a2, 0xff
    check_value a2, 2
    srli a3, a3, 20
    andi a3, a3, 0xff
    check_value a3, 3
case 12                             # a loop that remaps and reads
    pte_of s4, page_1, PTE_VRWXAD
    pte_of s5, page_2, PTE_VRWXAD
    run_in PRV_S, flip
    check_ecall_from PRV_S
    check_value a3, 32 * 0x00000613 * 2 + 32 * 0x00300000
case 13                             # superpage that was stored to, and the same
    li t0, (0x80000000 >> 2) | PTE_VRWXAD
    sd t0, 0(s1)
    sfence.vma
    la a0, stored_to
    li t0, MEGA_VA - 0x80000000
    add a0, a0, t0
    li a1, 1
    s_access_works access_store
    li t0, (0x80000000 >> 2) | PTE_V | PTE_R | PTE_X | PTE_A | PTE_D
    sd t0, 0(s1)
    li t0, MEGA_VA + 0x1ff000
    sfence.vma t0, zero
    s_access_faults access_store, CAUSE_STORE_PAGE
    s_access_works access_load
    check_value a1, 1
case 14                             # gigapage, used in every way
    la s3, giga_pte
    ld s3, 0(s3)
    li t0, (0x80000000 >> 2) | PTE_VRWXAD
    sd t0, 0(s3)
    sfence.vma
    la a0, page_1
    li t0, GIGA_VA - 0x80000000
    add a0, a0, t0
    fetch_works_at_code
    s_access_works access_load
    s_access_works access_store
    sd zero, 0(s3)
    li t0, GIGA_VA + 0x3ffff000
    sfence.vma t0, zero
    fetch_faults PRV_S, CAUSE_FETCH_PAGE
    s_access_faults access_load, CAUSE_LOAD_PAGE
    s_access_faults access_store, CAUSE_STORE_PAGE
case 15                             # SFENCE.VMA is illegal in U-mode
    csrw satp, zero
    illegal_in PRV_U, sfence.vma
    done

.balign 4
block:
    ld a1, 0(a0)
    sd s4, 0(s0)
    sfence.vma
    ld a2, 0(a0)
    sd s5, 0(s0)
    sfence.vma a0, zero
    ld a3, 0(a0)
    ecall
flip:
    li a2, 32
    li a3, 0
1:  sd s4, 0(s0)
    sfence.vma a0, zero
    lwu t0, 0(a0)
    add a3, a3, t0
    sd s5, 0(s0)
    sfence.vma a0, zero
    lwu t0, 0(a0)
    add a3, a3, t0
    addi a2, a2, -1
    bnez a2, 1b
    ecall

setup:
    mv s8, ra
    li a0, SATP_SV39
    li a1, 0
    jal ra, space_create
    map TEST_VA, page_1, PTE_VRWXAD, 0, page_pte
    map MEGA_VA, page_1, PTE_VRWXAD, 1, mega_pte
    map GIGA_VA, page_1, PTE_VRWXAD, 2, giga_pte
    jr s8

.section .data
page_pte:
    .dword 0
mega_pte:
    .dword 0
giga_pte:
    .dword 0
stored_to:
    .dword 0
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

.section .bss
.balign 4096
page_table:
    .zero 4096

.text
iterations 100
.include "runtime.inc"
