# A small operating system: S-mode gives U-mode its pages as they are touched, and takes them away again.
# Specification: Privileged, "Machine Trap Delegation (medeleg and mideleg) Registers", "Virtual Address Translation
# Process", "Supervisor Trap Value (stval) Register".
# Expected: every first access to a page is one page fault in S-mode with the address in stval and the cause of the
# access; behind the sret the same instruction completes; stores give a page the right to be written only when they
# come; the sums that U-mode computes are right and the number of faults is exact.

.include "bare.inc"
.text
.include "paging.inc"

.equ TEST_VA, 0x40000000
.equ PAGES, 16
.equ USER_RO, PTE_V | PTE_R | PTE_U | PTE_A
.equ USER_RW, PTE_V | PTE_R | PTE_W | PTE_U | PTE_A | PTE_D

test:
    space_on
    la t0, os_trap
    csrw stvec, t0
    li t0, (1 << CAUSE_LOAD_PAGE) | (1 << CAUSE_STORE_PAGE) | (1 << CAUSE_ECALL_U)
    csrw medeleg, t0
    la s0, first_pte
    ld s0, 0(s0)
    # No page is there, and all memory is zero.
    mv t0, s0
    addi t1, t0, 8 * PAGES
1:  sd zero, 0(t0)
    addi t0, t0, 8
    bne t0, t1, 1b
    la t0, memory
    li t1, PAGES * PAGE_SIZE
    add t1, t1, t0
1:  sd zero, 0(t0)
    addi t0, t0, 64
    bne t0, t1, 1b
    sfence.vma
    li s1, 0                        # load faults
    li s2, 0                        # store faults
case 1                              # reads first: a read-only page each
    li a0, TEST_VA
    li a1, PAGES
    li a2, 0
    run_user read_pages
    jal s10, check_end
    check_value s1, PAGES
    check_zero s2
    check_zero a2
case 2                              # then writes: each page becomes writable
    li a0, TEST_VA
    li a1, PAGES
    run_user write_pages
    jal s10, check_end
    check_value s1, PAGES
    check_value s2, PAGES
case 3                              # everything is there now: no fault
    li a0, TEST_VA
    li a1, PAGES
    li a2, 0
    run_user read_pages
    jal s10, check_end
    check_value s1, PAGES
    check_value s2, PAGES
    check_value a2, 64 * PAGES * (PAGES + 1) / 2
case 4                              # physically too
    la t0, memory
    li t1, PAGES
1:  ld t2, 0(t0)
    check_eq t2, t1
    li t3, PAGE_SIZE
    add t0, t0, t3
    addi t1, t1, -1
    bnez t1, 1b
case 5                              # a page taken away by a system call comes back by a fault
    li a0, TEST_VA + 3 * PAGE_SIZE
    run_user release_and_read
    jal s10, check_end
    check_value s1, PAGES + 1
    check_value a2, PAGES - 3
    done

# The last trap into M-mode is the ecall by which S-mode ends a program of U-mode.
check_end:
    check_cause CAUSE_ECALL_S
    check_epc os_exit
    jr s10

# U-mode: sums a number every 64 bytes over a1 pages from a0.
.balign 4
read_pages:
    li a3, PAGE_SIZE / 64
1:  ld a4, 0(a0)
    add a2, a2, a4
    addi a0, a0, 64
    addi a3, a3, -1
    bnez a3, 1b
    addi a1, a1, -1
    bnez a1, read_pages
    li a7, 0
    ecall
# U-mode: writes the number of pages left every 64 bytes.
write_pages:
    li a3, PAGE_SIZE / 64
1:  sd a1, 0(a0)
    addi a0, a0, 64
    addi a3, a3, -1
    bnez a3, 1b
    addi a1, a1, -1
    bnez a1, write_pages
    li a7, 0
    ecall
# U-mode: has the page at a0 taken away, and reads it.
release_and_read:
    li a7, 1
    ecall
    ld a2, 0(a0)
    li a7, 0
    ecall

# S-mode: page faults and system calls (a7 = 0: end, 1: take the page at a0 away). Uses t0 to t2.
.balign 4
os_trap:
    csrr t0, scause
    li t1, CAUSE_LOAD_PAGE
    beq t0, t1, os_load
    li t1, CAUSE_STORE_PAGE
    beq t0, t1, os_store
    beqz a7, os_exit
    li t1, TEST_VA
    sub t1, a0, t1
    srli t1, t1, 12
    slli t1, t1, 3
    add t1, t1, s0
    sd zero, 0(t1)
    sfence.vma a0, zero
    csrr t0, sepc
    addi t0, t0, 4
    csrw sepc, t0
    sret
os_exit:
    ecall
os_load:
    addi s1, s1, 1
    li t2, USER_RO
    j os_map
os_store:
    addi s2, s2, 1
    li t2, USER_RW
os_map:
    csrr t0, stval
    li t1, TEST_VA
    sub t0, t0, t1
    srli t0, t0, 12
    sltiu t1, t0, PAGES
    beqz t1, os_exit                # not a page of ours
    la t1, memory
    srli t1, t1, 2
    or t2, t2, t1
    slli t1, t0, 10
    add t2, t2, t1
    slli t0, t0, 3
    add t0, t0, s0
    sd t2, 0(t0)
    csrr t0, stval
    sfence.vma t0, zero
    sret

setup:
    mv s8, ra
    li a0, SATP_SV39
    li a1, 0
    jal ra, space_create
    map TEST_VA, memory, 0, 0, first_pte
    jr s8

.section .data
first_pte:
    .dword 0
.section .bss
.balign 4096
memory:
    .zero PAGES * PAGE_SIZE
.text

iterations 60
.include "runtime.inc"
