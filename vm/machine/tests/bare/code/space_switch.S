# The same virtual address with different code in two address spaces, switched at every call.
# Specification: Privileged, "Supervisor Address Translation and Protection (satp) Register", "Supervisor
# Memory-Management Fence Instruction".
# Expected: each call runs the code of the space that is on, with ASIDs without any fence, and with a fence where all
# spaces share one ASID.

.include "bare.inc"
.include "code.inc"
.text
.include "paging.inc"

.equ CODE_VA, 0x40000000

test:
    la t0, spaces
    ld s2, 0(t0)
    ld s3, 8(t0)
    li s1, CODE_VA
case 1                              # one ASID, a fence at each switch
    li a2, CHANGES
    li a3, 0
    csrw satp, s2
    sfence.vma
    run_in PRV_S, switch_with_fence
    check_ecall_from PRV_S
    check_value a3, 3 * CHANGES
case 2                              # two ASIDs, no fence
    li t0, 1 << SATP_ASID_SHIFT
    or s2, s2, t0
    slli t0, t0, 1
    or s3, s3, t0
    csrw satp, s3
    csrr t1, satp
    bne t1, s3, 1f                  # the machine has no two ASIDs
    csrw satp, s2
    sfence.vma
    li a2, CHANGES
    li a3, 0
    run_in PRV_S, switch_bare
    check_ecall_from PRV_S
    check_value a3, 3 * CHANGES
case 3                              # a function that calls through the space of the other
    li a2, CHANGES
    li a3, 0
    csrw satp, s2
    run_in PRV_S, switch_inside
    check_ecall_from PRV_S
    check_value a3, 3 * CHANGES
1:  done

.balign 4
switch_with_fence:
    csrw satp, s2
    sfence.vma
    jalr ra, 0(s1)
    add a3, a3, a0
    csrw satp, s3
    sfence.vma
    jalr ra, 0(s1)
    add a3, a3, a0
    addi a2, a2, -1
    bnez a2, switch_with_fence
    ecall
switch_bare:
    csrw satp, s2
    jalr ra, 0(s1)
    add a3, a3, a0
    csrw satp, s3
    jalr ra, 0(s1)
    add a3, a3, a0
    addi a2, a2, -1
    bnez a2, switch_bare
    ecall
switch_inside:
    jal ra, 1f
    csrw satp, s3
    jal ra, 1f
    csrw satp, s2
    addi a2, a2, -1
    bnez a2, switch_inside
    ecall
1:  mv t5, ra
    jalr ra, 0(s1)
    add a3, a3, a0
    jr t5

setup:
    mv s8, ra
    .irp n, 1, 2
    li a0, SATP_SV39
    li a1, 0
    jal ra, space_create
    la t0, space
    ld t1, 0(t0)
    la t0, spaces
    sd t1, 8 * (\n - 1)(t0)
    map CODE_VA, page_\n, PTE_V | PTE_R | PTE_X | PTE_A, 0
    .endr
    jr s8

.section .data
.balign 8
spaces:
    .zero 16
code_page page_1, 1
code_page page_2, 2
.text

iterations 1
.include "runtime.inc"
