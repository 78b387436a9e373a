# Loads and stores across two pages of which one or both fault.
# Specification: Privileged, "Machine Trap Value (mtval) Register" ("the virtual address of the portion of the access
# that caused the fault").
# Expected: a fault on the second page alone has the start of that page in tval, a fault on the first page the address
# of the access; with both, either. epc is the instruction; a load that faults writes no register; a byte beyond the
# access is never touched. Machines without misaligned access pass the portable build.

.include "bare.inc"
.text
.include "paging.inc"

.equ TEST_VA, 0x40000000
.equ SPLIT, TEST_VA + PAGE_SIZE

.macro entries first, second
    pte_of t0, page_1, \first
    sd t0, 0(s0)
    pte_of t0, page_2, \second
    sd t0, 0(s1)
    sfence.vma
.endm

# The access \label with \before bytes on the first page faults with \cause; tval is the second page (\where =
# second), the address itself (first), or one of both (either).
.macro splits_fault label, before, cause, where
    li a0, SPLIT - \before
    li a1, 77
    run_in PRV_S, \label
    check_cause \cause
    check_epc \label
    check_from PRV_S
    check_value a1, 77
    trap_field t0, TRAP_TVAL
    .ifc \where, second
    check_value t0, SPLIT
    .endif
    .ifc \where, first
    check_eq t0, a0
    .endif
    .ifc \where, either
    check_either t0, SPLIT - \before, SPLIT
    .endif
.endm

.macro loads_fault cause, where
    splits_fault load_half, 1, \cause, \where
    splits_fault load_word, 1, \cause, \where
    splits_fault load_word, 3, \cause, \where
    splits_fault load_double, 1, \cause, \where
    splits_fault load_double, 4, \cause, \where
    splits_fault load_double, 7, \cause, \where
.endm

.macro stores_fault cause, where
    splits_fault store_half, 1, \cause, \where
    splits_fault store_word, 1, \cause, \where
    splits_fault store_word, 3, \cause, \where
    splits_fault store_double, 1, \cause, \where
    splits_fault store_double, 4, \cause, \where
    splits_fault store_double, 7, \cause, \where
.endm

test:
case 1                              # does the machine do it?
    la a0, page_1 + 1
    on_trap absent
    ld a1, 0(a0)
    check_no_trap
    space_on
    la s0, first_pte
    ld s0, 0(s0)
    la s1, second_pte
    ld s1, 0(s1)
case 2                              # second page missing
    entries PTE_VRWXAD, 0
    loads_fault CAUSE_LOAD_PAGE, second
    stores_fault CAUSE_STORE_PAGE, second
case 3                              # first page missing
    entries 0, PTE_VRWXAD
    loads_fault CAUSE_LOAD_PAGE, first
    stores_fault CAUSE_STORE_PAGE, first
case 4                              # both missing
    entries 0, 0
    loads_fault CAUSE_LOAD_PAGE, either
    stores_fault CAUSE_STORE_PAGE, either
case 5                              # second page read-only: loads work
    entries PTE_VRWXAD, PTE_V | PTE_R | PTE_A | PTE_D
    stores_fault CAUSE_STORE_PAGE, second
    li a0, SPLIT - 3
    s_access_works load_double
case 6                              # first page read-only
    entries PTE_V | PTE_R | PTE_A | PTE_D, PTE_VRWXAD
    stores_fault CAUSE_STORE_PAGE, first
case 7                              # one page for U, one for S
    entries PTE_VRWXAD, PTE_VRWXAD | PTE_U
    loads_fault CAUSE_LOAD_PAGE, second
    stores_fault CAUSE_STORE_PAGE, second
case 8                              # nothing of the second page was written, nothing before the access
    entries PTE_VRWXAD, PTE_V | PTE_R | PTE_A | PTE_D
    la t0, page_1 + PAGE_SIZE - 16
    li t1, 0x1817161514131211
    sd t1, 0(t0)
    sd t1, 8(t0)
    la t2, page_2
    sd t1, 0(t2)
    li a1, -1
    li a0, SPLIT - 4
    run_in PRV_S, store_double
    check_cause CAUSE_STORE_PAGE
    ld t3, 0(t2)
    check_eq t3, t1
    la t0, page_1 + PAGE_SIZE - 16
    ld t3, 0(t0)
    check_eq t3, t1
    lwu t3, 8(t0)
    check_value t3, 0x14131211
case 9                              # and the access works once the page is there
    entries PTE_VRWXAD, PTE_VRWXAD
    s_access_works store_double
    lwu t3, 0(t2)
    check_value t3, 0xffffffff
case 10                             # second page leads to nothing
    li t0, (VACANT_ADDRESS >> 2) | PTE_VRWXAD
    sd t0, 0(s1)
    sfence.vma
    loads_fault CAUSE_LOAD_ACCESS, second
    stores_fault CAUSE_STORE_ACCESS, second
    done

absent:
    feature_absent

.balign 4
load_half:
    lh a1, 0(a0)
    ecall
load_word:
    lw a1, 0(a0)
    ecall
load_double:
    ld a1, 0(a0)
    ecall
store_half:
    sh a1, 0(a0)
    ecall
store_word:
    sw a1, 0(a0)
    ecall
store_double:
    sd a1, 0(a0)
    ecall

setup:
    mv s8, ra
    li a0, SATP_SV39
    li a1, 0
    jal ra, space_create
    map TEST_VA, page_1, PTE_VRWXAD, 0, first_pte
    map SPLIT, page_2, PTE_VRWXAD, 0, second_pte
    jr s8

.section .data
first_pte:
    .dword 0
second_pte:
    .dword 0
.balign 4096
page_2:
    .zero 4096
page_1:
    .zero 4096
.text

iterations 100
.include "runtime.inc"
