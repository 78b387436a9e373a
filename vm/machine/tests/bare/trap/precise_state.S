# Exceptions in the middle of hot loops: the state is that before the faulting instruction, and the loop can go on.
# Specification: Unprivileged, "Exceptions, Traps, and Interrupts" (precise traps); Privileged, "Virtual Address
# Translation Process".
# Expected: at each fault epc, tval, the registers and memory are what the instructions before have made of them, none
# of those behind has had an effect; once the page is mapped the loop goes on from epc to the right sum.

.include "bare.inc"
.text
.include "paging.inc"

.equ TEST_VA, 0x40000000
.equ PAGES, 8

# Unmaps the whole test area. Clobbers t0 and t1.
.macro unmap_all
    mv t0, s0
    addi t1, t0, 8 * PAGES
9980:
    sd zero, 0(t0)
    addi t0, t0, 8
    bne t0, t1, 9980b
    sfence.vma
.endm

# Maps the page of the address in a7. Clobbers t0 to t2.
.macro map_page_of_fault
    li t0, TEST_VA
    sub t0, a7, t0
    srli t0, t0, 12
    slli t1, t0, 12
    la t2, area
    add t1, t1, t2
    srli t1, t1, 2
    ori t1, t1, PTE_VRWAD
    slli t0, t0, 3
    add t0, t0, s0
    sd t1, 0(t0)
    sfence.vma a7, zero
.endm

test:
    space_on
    la s0, first_pte
    ld s0, 0(s0)
case 1                              # loads: a sum over all pages, each missing at first
    unmap_all
    la s1, summing
    li s2, 0                        # faults
    li a0, TEST_VA
    li a1, 0                        # sum
    li a2, 0                        # index
    li a3, 512 * PAGES
1:  run_at PRV_S, s1
    trap_field t0, TRAP_CAUSE
    li t1, CAUSE_ECALL_S
    beq t0, t1, 2f
    check_cause CAUSE_LOAD_PAGE
    check_epc summing_load
    trap_field a7, TRAP_TVAL
    check_eq a7, a0
    slli t0, s2, 9                  # 512 numbers in each page before
    check_eq a2, t0
    addi t1, t0, -1                 # their sum: n (n - 1) / 2
    mul t1, t1, t0
    srli t1, t1, 1
    check_eq a1, t1
    map_page_of_fault
    la s1, summing_load
    addi s2, s2, 1
    j 1b
2:  check_value s2, PAGES
    check_eq a2, a3
    check_value a1, 512 * PAGES * (512 * PAGES - 1) / 2
case 2                              # stores
    unmap_all
    la s1, storing
    li s2, 0
    li a0, TEST_VA
    li a2, 0
1:  run_at PRV_S, s1
    trap_field t0, TRAP_CAUSE
    li t1, CAUSE_ECALL_S
    beq t0, t1, 2f
    check_cause CAUSE_STORE_PAGE
    check_epc storing_store
    trap_field a7, TRAP_TVAL
    check_eq a7, a0
    slli t0, s2, 9
    check_eq a2, t0
    map_page_of_fault
    la s1, storing_store
    addi s2, s2, 1
    j 1b
2:  check_value s2, PAGES
    la t0, area
    li t1, 0
1:  ld t2, 0(t0)
    check_eq t2, t1
    addi t0, t0, 8
    addi t1, t1, 1
    bne t1, a3, 1b
case 3                              # between two accesses of one block: the first has had its effect, the third has not
    unmap_all
    li a7, TEST_VA
    map_page_of_fault
    li s4, 16
1:  li a0, TEST_VA
    li t0, TEST_VA + PAGE_SIZE
    mv a4, t0
    la t1, area
    sd zero, 256(t1)
    sd zero, 264(t1)
    li a1, 1
    li a2, 2
    li a3, 3
    run_in PRV_S, three_accesses
    check_cause CAUSE_LOAD_PAGE
    check_epc three_accesses_second
    check_tval_is a4
    check_value a1, 11
    check_value a2, 2
    check_value a3, 3
    la t1, area
    ld t0, 256(t1)
    check_value t0, 11
    ld t0, 264(t1)
    check_zero t0
    addi s4, s4, -1
    bnez s4, 1b
case 4                              # an access that is its own destination: the base register survives the fault
    li a0, TEST_VA + PAGE_SIZE + 16
    run_in PRV_S, access_own
    check_cause CAUSE_LOAD_PAGE
    check_value a0, TEST_VA + PAGE_SIZE + 16
case 5                              # a jump that links: an ecall at the target sees the link
    li ra, 0
    la a5, call
    run_in PRV_S, linking
    check_ecall_from PRV_S
    check_epc call
    check_address a6, linking_end
case 6                              # a fetch fault behind a jump: epc is the target, the link is written
    li a5, TEST_VA + PAGE_SIZE
    li a6, 0
    run_in PRV_S, linking
    check_cause CAUSE_FETCH_PAGE
    check_epc_is a5
    check_tval_is a5
    check_address a6, linking_end
    # The area gets its numbers back for the next iteration.
    la t0, area
    sd zero, 0(t0)
    li t1, 32
    sd t1, 256(t0)
    addi t1, t1, 1
    sd t1, 264(t0)
    done

.balign 4
summing:
summing_load:
    ld a4, 0(a0)
    add a1, a1, a4
    addi a0, a0, 8
    addi a2, a2, 1
    bne a2, a3, summing
    ecall
storing:
storing_store:
    sd a2, 0(a0)
    addi a0, a0, 8
    addi a2, a2, 1
    bne a2, a3, storing
    ecall
three_accesses:
    addi a1, a1, 10
    sd a1, 256(a0)
three_accesses_second:
    ld a2, 0(a4)
    addi a3, a3, 1
    sd a3, 264(a0)
    ecall
access_own:
    ld a0, 0(a0)
    ecall
    .option norvc
linking:
    jalr a6, 0(a5)
linking_end:
    .option rvc
    j .
call:
    ecall

setup:
    mv s8, ra
    li a0, SATP_SV39
    li a1, 0
    jal ra, space_create
    map TEST_VA, area, 0, 0, first_pte
    la t0, area
    li t1, 0
    li t2, 512 * PAGES
1:  sd t1, 0(t0)
    addi t0, t0, 8
    addi t1, t1, 1
    bne t1, t2, 1b
    jr s8

.section .data
first_pte:
    .dword 0
.balign 4096
area:
    .zero PAGES * 4096
.text

iterations 20
.include "runtime.inc"
