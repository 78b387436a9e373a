# Page tables and pages at physical addresses where nothing is.
# Specification: Privileged, "Virtual Address Translation Process" (step 2: an access to a PTE that violates a PMA
# raises an access-fault exception "corresponding to the original access type").
# Expected: cause 5, 7 or 1 as the access was a load, a store or a fetch, with the virtual address in tval, for a
# leaf, a pointer and a root that lead to nothing.

.include "bare.inc"
.text
.include "paging.inc"

.equ TEST_VA, 0x40000000
.equ VACANT_PTE, VACANT_ADDRESS >> 2

.macro all_access_faults
    sfence.vma
    s_access_faults access_load, CAUSE_LOAD_ACCESS
    s_access_faults access_store, CAUSE_STORE_ACCESS
    fetch_faults PRV_S, CAUSE_FETCH_ACCESS
.endm

test:
    space_on
    la s0, page_pte
    ld s0, 0(s0)
    la s1, root_pte
    ld s1, 0(s1)
    li a0, TEST_VA
case 1                              # the page itself
    li t0, VACANT_PTE | PTE_VRWXAD
    sd t0, 0(s0)
    all_access_faults
case 2                              # the table of level 1
    ld s2, 0(s1)
    li t0, VACANT_PTE | PTE_V
    sd t0, 0(s1)
    all_access_faults
    sd s2, 0(s1)
case 3                              # the root
    li t0, (SATP_SV39 << SATP_MODE_SHIFT) | (VACANT_ADDRESS >> 12)
    csrw satp, t0
    sfence.vma
    run_in PRV_S, access_load
    check_cause CAUSE_FETCH_ACCESS
    check_epc access_load
    check_from PRV_S
    la t0, access_load
    check_tval_is t0
    done

setup:
    mv s8, ra
    li a0, SATP_SV39
    li a1, 0
    jal ra, space_create
    map TEST_VA, page, PTE_VRWXAD, 0, page_pte
    la t0, space
    ld t0, 0(t0)
    slli t0, t0, 20
    srli t0, t0, 8
    addi t0, t0, 8                  # entry of TEST_VA in the root
    la t1, root_pte
    sd t0, 0(t1)
    jr s8

.section .data
page_pte:
    .dword 0
root_pte:
    .dword 0
.balign 4096
page:
    .zero 4096

.text
.include "runtime.inc"
