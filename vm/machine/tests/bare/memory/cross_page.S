# Loads and stores that lie across two pages whose physical pages are not neighbours.
# Specification: Unprivileged, "Load and Store Instructions"; Privileged, "Virtual Address Translation Process" (each
# part is translated by itself).
# Expected: the bytes come from and go to both physical pages, for each width and each split, from S-mode, U-mode and
# through MPRV, also after the second page has been mapped elsewhere. Machines without misaligned access pass the
# portable build.

.include "bare.inc"
.text
.include "paging.inc"

.equ TEST_VA, 0x40000000
.equ SPLIT, TEST_VA + PAGE_SIZE

# Accesses of \bytes with 1 to \bytes - 1 of them on the first page. a4 is what the second page starts with.
.macro splits bytes, load, store
    li s1, 1
9991:
    li a0, SPLIT
    sub a0, a0, s1
    # Load: bytes 8 - s1 to 7 of the first page's end, then bytes of the second page's start.
    jal s10, lay_out
    la s3, \load
    jal s9, run_both
    slli t0, s1, 3
    li t1, 64
    sub t1, t1, t0
    li t2, 0x1817161514131211
    srl t2, t2, t1
    sll t3, a4, t0
    or t2, t2, t3
    .if \bytes < 8
    slli t2, t2, 64 - 8 * \bytes
    srli t2, t2, 64 - 8 * \bytes
    .endif
    check_eq a1, t2
    # Store: all zeros over the layout.
    li a1, 0
    la s3, \store
    jal s9, run_both
    la t3, page_1 + PAGE_SIZE - 8
    ld t3, 0(t3)
    slli t0, s1, 3
    li t2, 0x1817161514131211
    sll t2, t2, t0
    srl t2, t2, t0
    check_eq t3, t2
    li t0, \bytes
    sub t0, t0, s1
    slli t0, t0, 3
    srl t2, a4, t0
    sll t2, t2, t0
    ld t3, 0(s4)
    check_eq t3, t2
    addi s1, s1, 1
    li t0, \bytes
    bne s1, t0, 9991b
.endm

test:
case 1                              # does the machine do it?
    la a0, page_1 + 1
    on_trap absent
    ld a1, 0(a0)
    check_no_trap
    space_on
    la s0, second_pte
    ld s0, 0(s0)
    li s5, 0                        # how the accesses are made: 0 S-mode, 1 U-mode, 2 MPRV
all_ways:
    li a4, 0x2827262524232221
    la s4, page_2
    pte_of t0, page_2, PTE_VRWXAD
    jal s10, map_second
case 2
    splits 2, load_half, store_half
case 3
    splits 4, load_word, store_word
case 4
    splits 8, load_double, store_double
    li a4, 0x3837363534333231
    la s4, page_3
    pte_of t0, page_3, PTE_VRWXAD
    jal s10, map_second
case 5                              # the second page mapped elsewhere
    splits 2, load_half, store_half
    splits 4, load_word, store_word
    splits 8, load_double, store_double
    addi s5, s5, 1
    li t0, 3
    bne s5, t0, all_ways
    done

absent:
    feature_absent

# Gives the second page's entry the value t0, with U as the way of access needs it.
map_second:
    li t1, 1
    la t2, first_pte
    ld t2, 0(t2)
    pte_of t3, page_1, PTE_VRWXAD
    bne s5, t1, 1f
    ori t0, t0, PTE_U
    ori t3, t3, PTE_U
1:  sd t0, 0(s0)
    sd t3, 0(t2)
    sfence.vma
    jr s10

# Fills the end of the first page, and a4 into the start of the second, at s4.
lay_out:
    li t0, 0x1817161514131211
    la t1, page_1 + PAGE_SIZE - 8
    sd t0, 0(t1)
    sd a4, 0(s4)
    jr s10

# Runs the access at s3 in the way s5.
run_both:
    li t0, 1
    beq s5, t0, 1f
    bgtu s5, t0, 2f
    run_at PRV_S, s3
    check_ecall_from PRV_S
    jr s9
1:  li t0, USER_OFFSET
    add t0, s3, t0
    run_at PRV_U, t0
    check_ecall_from PRV_U
    jr s9
2:  on_trap 3f
    li t0, STATUS_MPP
    csrc mstatus, t0
    li t0, STATUS_MPRV | (PRV_S << STATUS_MPP_SHIFT)
    csrs mstatus, t0
    jr s3
3:  check_cause CAUSE_ECALL_M
    jr s9

load_half:
    lhu a1, 0(a0)
    ecall
load_word:
    lwu a1, 0(a0)
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
between:
    .zero 4096
page_3:
    .zero 4096
.text

iterations 40
.include "runtime.inc"
