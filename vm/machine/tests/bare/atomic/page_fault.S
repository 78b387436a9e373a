# Atomic accesses to pages that do not allow them.
# Specification: Unprivileged, "A"; Privileged, "Machine Cause (mcause) Register" (load-reserved reports as a load,
# store-conditional and AMO as a store).
# Expected: LR needs R: cause 13. AMOs need R and W, and report cause 15 also where the page cannot even be read. SC
# needs W: cause 15, if it does not fail before it looks. tval is the address, rd and memory stay as they were.

.include "bare.inc"
.text
.include "paging.inc"

.equ TEST_VA, 0x40000000

.macro set_page flags
    pte_of t0, page, \flags
    sd t0, 0(s0)
    sfence.vma
.endm

.macro faults label, cause
    li a1, 77
    s_access_faults \label, \cause
    check_value a1, 77
.endm

.macro all_amos_fault
    .irp op, swap_w, swap_d, add_w, add_d, and_w, or_d, xor_w, min_w, max_d, minu_w, maxu_d
    faults amo_\op, CAUSE_STORE_PAGE
    .endr
.endm

test:
    space_on
    la s0, page_pte
    ld s0, 0(s0)
    la s1, page
    li t0, 1234
    sd t0, 8(s1)
    li a0, TEST_VA + 8
case 1                              # nothing there
    set_page 0
    faults reserve_w, CAUSE_LOAD_PAGE
    faults reserve_d, CAUSE_LOAD_PAGE
    all_amos_fault
case 2                              # read-only
    set_page PTE_V | PTE_R | PTE_A | PTE_D
    s_access_works reserve_d
    check_value a1, 1234
    all_amos_fault
case 3                              # executable only: cannot be read, and still it is the store that is reported
    set_page PTE_V | PTE_X | PTE_A | PTE_D
    faults reserve_w, CAUSE_LOAD_PAGE
    all_amos_fault
case 4                              # of U, for S
    set_page PTE_VRWXAD | PTE_U
    faults reserve_w, CAUSE_LOAD_PAGE
    all_amos_fault
    li t0, STATUS_SUM
    csrs mstatus, t0
    li a1, 1
    s_access_works amo_add_d
    check_value a1, 1234
    li t0, STATUS_SUM
    csrc mstatus, t0
    u_access_works reserve_d
    check_value a1, 1235
    li t0, 1234
    sd t0, 8(s1)
case 5                              # SC on a page that has become read-only behind the LR
    set_page PTE_V | PTE_R | PTE_A | PTE_D
    li a1, 77
    run_in PRV_S, reserve_and_store
    trap_field t0, TRAP_CAUSE
    li t1, CAUSE_ECALL_S
    beq t0, t1, 1f
    check_cause CAUSE_STORE_PAGE
    check_epc conditional
    check_tval_is a0
    j 2f
1:  check_nonzero a2
2:
case 6                              # nothing has written
    ld t0, 8(s1)
    check_value t0, 1234
case 7                              # the same instructions work on a page that allows them
    set_page PTE_VRWXAD
    li a1, 1
    s_access_works amo_add_d
    check_value a1, 1234
    ld t0, 8(s1)
    check_value t0, 1235
    done

.balign 4
.macro amo name, instruction
amo_\name:
    \instruction a1, a1, (a0)
    ecall
.endm
    amo swap_w, amoswap.w
    amo swap_d, amoswap.d
    amo add_w, amoadd.w
    amo add_d, amoadd.d
    amo and_w, amoand.w
    amo or_d, amoor.d
    amo xor_w, amoxor.w
    amo min_w, amomin.w
    amo max_d, amomax.d
    amo minu_w, amominu.w
    amo maxu_d, amomaxu.d
reserve_w:
    lr.w a1, (a0)
    ecall
reserve_d:
    lr.d a1, (a0)
    ecall
reserve_and_store:
    lr.d a2, (a0)
conditional:
    sc.d a2, a1, (a0)
    ecall

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
    .zero 4096
.text

iterations 100
.include "runtime.inc"
