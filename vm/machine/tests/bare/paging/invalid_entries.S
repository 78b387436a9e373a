# Page-table entries that do not translate.
# Specification: Privileged, "Virtual Address Translation Process" (steps 3 to 6), "Sv39: Page-Based 39-bit
# Virtual-Memory System" (bits 60 to 54, N and PBMT are reserved without their extensions; A, D and U are reserved in
# pointers).
# Expected: a page fault of the cause of the access, tval is the address accessed, for: V clear, W without R, a
# misaligned superpage, a pointer on the last level, and each reserved bit in a leaf and in a pointer. The G and RSW
# bits change nothing.

.include "bare.inc"
.text
.include "paging.inc"

.equ TEST_VA, 0x40000000            # 4 KiB page
.equ MEGA_VA, 0x40200000            # leaf of level 1
.equ GIGA_VA, 0x0600000000          # leaf of level 2

# All three accesses fault.
.macro all_fault
    sfence.vma
    s_access_faults access_load, CAUSE_LOAD_PAGE
    s_access_faults access_store, CAUSE_STORE_PAGE
    s_access_faults access_swap, CAUSE_STORE_PAGE
    fetch_faults PRV_S, CAUSE_FETCH_PAGE
.endm

.macro all_work
    sfence.vma
    ld a1, page
    s_access_works access_load
    s_access_works access_store
    fetch_works PRV_S
.endm

test:
    space_on
    la s0, leaf_pte
    ld s0, 0(s0)
    la s1, pointer_pte
    ld s1, 0(s1)
    la s2, mega_pte
    ld s2, 0(s2)
    la s3, giga_pte
    ld s3, 0(s3)
    pte_of s4, page, PTE_VRWXAD     # the good leaf
    ld s5, 0(s1)                    # the good pointer
    li a0, TEST_VA
case 1                              # good, with G and RSW
    sd s4, 0(s0)
    all_work
    ori t0, s4, PTE_G
    sd t0, 0(s0)
    all_work
    ori t0, s4, PTE_RSW
    sd t0, 0(s0)
    all_work
case 2                              # V = 0, whatever else
    sd zero, 0(s0)
    all_fault
    xori t0, s4, PTE_V
    sd t0, 0(s0)
    all_fault
case 3                              # W without R
    xori t0, s4, PTE_R
    sd t0, 0(s0)
    all_fault
    xori t0, s4, PTE_R | PTE_X
    sd t0, 0(s0)
    all_fault
case 4                              # a pointer on the last level
    xori t0, s4, PTE_R | PTE_W | PTE_X
    sd t0, 0(s0)
    all_fault
    xori t0, s4, PTE_R | PTE_W | PTE_X | PTE_A | PTE_D
    sd t0, 0(s0)
    all_fault
case 5                              # reserved bits of a leaf: 54 to 60
    li s6, 54
1:  li t0, 1
    sll t0, t0, s6
    or t0, t0, s4
    sd t0, 0(s0)
    all_fault
    addi s6, s6, 1
    li t0, 61
    bne s6, t0, 1b
case 6                              # reserved encoding of PBMT, and N with an unused size
    li t0, 3 << 61
    or t0, t0, s4
    sd t0, 0(s0)
    all_fault
    li t0, 1 << 63
    or t0, t0, s4
    sd t0, 0(s0)
    all_fault
case 7                              # V = 0 and reserved bits in a pointer
    sd s4, 0(s0)
    xori t0, s5, PTE_V
    sd t0, 0(s1)
    all_fault
    li s6, 54
1:  li t0, 1
    sll t0, t0, s6
    or t0, t0, s5
    sd t0, 0(s1)
    all_fault
    addi s6, s6, 1
    li t0, 64
    bne s6, t0, 1b
case 8                              # A, D and U in a pointer
    .irp bit, PTE_A, PTE_D, PTE_U
    ori t0, s5, \bit
    sd t0, 0(s1)
    all_fault
    .endr
case 9                              # W without R in a pointer's place
    ori t0, s5, PTE_W
    sd t0, 0(s1)
    all_fault
case 10                             # G and RSW in a pointer change nothing
    ori t0, s5, PTE_G | PTE_RSW
    sd t0, 0(s1)
    all_work
    sd s5, 0(s1)
    all_work
case 11                             # misaligned superpages, each low bit of the page number
    li a0, MEGA_VA
    li s6, 10
1:  li t0, 1
    sll t0, t0, s6
    li t1, (0x80000000 >> 2) | PTE_VRWXAD
    or t0, t0, t1
    sd t0, 0(s2)
    all_fault
    addi s6, s6, 1
    li t0, 19
    bne s6, t0, 1b
    li t1, (0x80000000 >> 2) | PTE_VRWXAD
    sd t1, 0(s2)
    sfence.vma
    s_access_works access_load
    li a0, GIGA_VA
    li s6, 10
1:  li t0, 1
    sll t0, t0, s6
    li t1, (0x80000000 >> 2) | PTE_VRWXAD
    or t0, t0, t1
    sd t0, 0(s3)
    all_fault
    addi s6, s6, 1
    li t0, 28
    bne s6, t0, 1b
    li t1, (0x80000000 >> 2) | PTE_VRWXAD
    sd t1, 0(s3)
    sfence.vma
    s_access_works access_load
    done

setup:
    mv s8, ra
    li a0, SATP_SV39
    li a1, 0
    jal ra, space_create
    map TEST_VA, page, PTE_VRWXAD, 0, leaf_pte
    map MEGA_VA, page, PTE_VRWXAD, 1, mega_pte
    map GIGA_VA, page, PTE_VRWXAD, 2, giga_pte
    # The pointer to the table of the leaf stands beside the megapage's entry.
    la t0, mega_pte
    ld t1, 0(t0)
    addi t1, t1, -8
    la t0, pointer_pte
    sd t1, 0(t0)
    jr s8

.section .data
leaf_pte:
    .dword 0
pointer_pte:
    .dword 0
mega_pte:
    .dword 0
giga_pte:
    .dword 0
.balign 4096
page:
    .4byte 0x00000073               # ecall
    .4byte 0
.balign 4096

.text
iterations 25
.include "runtime.inc"
