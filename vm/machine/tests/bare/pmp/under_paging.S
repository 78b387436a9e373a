# PMP together with page tables: what is translated, and the page tables themselves.
# Specification: Privileged, "Physical Memory Protection and Paging" (PMP is checked for all accesses of page walks;
# SFENCE.VMA after a change), "Virtual Address Translation Process".
# Expected: an access to a translated address is checked physically, word by word, also inside a page that has been
# used; a page table that may not be read makes an access fault of the access's own kind, with the virtual address in
# tval; one that may not be written does so where the hart would set A or D.

.include "bare.inc"
.text
.include "paging.inc"
.include "pmp.inc"

.equ TEST_VA, 0x40000000

# Entry 0 is the table that holds the test page's entry. Clobbers t0.
.macro table_in_entry_0
    srli t0, s0, 12
    slli t0, t0, 10
    ori t0, t0, (4096 / 8) - 1
    csrw pmpaddr0, t0
.endm

test:
    space_on
    pmp_all_address_in_7
    la s0, page_pte
    ld s0, 0(s0)
    pte_of t0, page, PTE_VRWXAD
    sd t0, 0(s0)
    li a0, TEST_VA
case 1                              # everything allowed
    pmp_config PMP_ALL_IN_7
    s_access_works access_load
    s_access_works access_store
case 2                              # the page denied
    pmp_napot 0, page, 4096
    pmp_config PMP_NAPOT | PMP_ALL_IN_7
    s_access_faults access_load, CAUSE_LOAD_ACCESS
    s_access_faults access_store, CAUSE_STORE_ACCESS
    s_access_faults access_swap, CAUSE_STORE_ACCESS
    fetch_faults PRV_S, CAUSE_FETCH_ACCESS
case 3                              # one double word in the page denied
    pmp_napot 0, page + 64, 8
    pmp_config PMP_NAPOT | PMP_ALL_IN_7
    s_access_works access_load
    li a0, TEST_VA + 64
    s_access_faults access_load, CAUSE_LOAD_ACCESS
    s_access_faults access_store, CAUSE_STORE_ACCESS
    li a0, TEST_VA + 56
    s_access_works access_load
    li a0, TEST_VA + 72
    s_access_works access_store
    li a0, TEST_VA + 64
    s_access_faults access_load, CAUSE_LOAD_ACCESS
case 4                              # the page read-only, the page table allowing all
    pmp_napot 0, page, 4096
    pmp_config PMP_NAPOT | PMP_R | PMP_ALL_IN_7
    li a0, TEST_VA
    s_access_works access_load
    s_access_faults access_store, CAUSE_STORE_ACCESS
    fetch_faults PRV_S, CAUSE_FETCH_ACCESS
case 5                              # the page fault comes first if the page table denies too
    pte_of t0, page, PTE_V | PTE_R | PTE_A | PTE_D
    sd t0, 0(s0)
    sfence.vma
    s_access_faults access_store, CAUSE_STORE_PAGE
    pte_of t0, page, PTE_VRWXAD
    sd t0, 0(s0)
case 6                              # the table of the last level unreadable
    table_in_entry_0
    pmp_config PMP_NAPOT | PMP_ALL_IN_7
    s_access_faults access_load, CAUSE_LOAD_ACCESS
    s_access_faults access_store, CAUSE_STORE_ACCESS
    fetch_faults PRV_S, CAUSE_FETCH_ACCESS
    pmp_config PMP_ALL_IN_7
    s_access_works access_load
case 7                              # the table may be read only, and A and D are set: works
    pmp_config PMP_NAPOT | PMP_R | PMP_ALL_IN_7
    s_access_works access_load
    s_access_works access_store
case 8                              # through MPRV
    pte_of t0, page, PTE_VRWXAD
    sd t0, 0(s0)
    pmp_napot 0, page + 8, 8
    pmp_config PMP_NAPOT | PMP_ALL_IN_7
    li t0, STATUS_MPP
    csrc mstatus, t0
    on_trap 1f
    li t0, STATUS_MPRV | (PRV_S << STATUS_MPP_SHIFT)
    csrs mstatus, t0
    ld a1, 0(a0)
    ld a1, 8(a0)
    j fail
1:  check_cause CAUSE_LOAD_ACCESS
    trap_field t0, TRAP_TVAL
    check_value t0, TEST_VA + 8
case 9                              # D would have to be set: with Svadu an access fault, without it a page fault
    table_in_entry_0
    pmp_config PMP_NAPOT | PMP_R | PMP_ALL_IN_7
    li a0, TEST_VA
    pte_of t0, page, PTE_VRWXAD & ~PTE_D
    sd t0, 0(s0)
    sfence.vma
    s_access_works access_load
    on_trap 1f
    li t0, ENVCFG_ADUE
    csrs menvcfg, t0
    check_no_trap
1:  run_in PRV_S, access_store
    check_tval_is a0
    trap_field t0, TRAP_CAUSE
    check_either t0, CAUSE_STORE_PAGE, CAUSE_STORE_ACCESS
    pte_of t0, page, PTE_VRWXAD & ~PTE_D
    ld t1, 0(s0)
    check_eq t1, t0
    csrr t0, menvcfg
    li t1, ENVCFG_ADUE
    and t1, t1, t0
    csrw menvcfg, zero
    beqz t1, 1f
    check_cause CAUSE_STORE_ACCESS
1:
    done

setup:
    mv s8, ra
    li a0, SATP_SV39
    li a1, 0
    jal ra, space_create
    map TEST_VA, page, PTE_VRWXAD, 0, page_pte
    jr s8

.section .data
page_pte:
    .dword 0
.balign 4096
page:
    .4byte 0x00000073               # ecall
    .zero 4092
.text

iterations 100
.include "runtime.inc"
