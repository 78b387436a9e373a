# Zicboz: zeroing a cache block.
# Specification: Unprivileged, "CMO" ("Zicboz", "Cache-Block Zero Instruction"); Privileged, "Machine Environment
# Configuration (menvcfg) Register" (CBZE), senvcfg.
# Expected: cbo.zero writes zeros to the whole naturally aligned block around its address (64 bytes on riscope; any
# power of two passes), needs no alignment, and needs the rights of a store: cause 15 or 7 with an address in the
# block as tval. Illegal in S and U while menvcfg.CBZE is clear, in U also while senvcfg.CBZE is. riscope has Zicboz;
# machines without it pass the portable build.

.include "bare.inc"
.text
.include "paging.inc"

.equ TEST_VA, 0x40000000
.equ AREA, 4096

test:
    la s0, area
    li s1, AREA
case 1                              # does the machine have it?
    on_trap absent
    cbo.zero 0(s0)
    check_no_trap
    probe_csr_bits menvcfg, ENVCFG_CBZE, absent
    probe_csr_bits senvcfg, ENVCFG_CBZE, absent
case 2                              # the size of a block: the zeros that one instruction makes
    jal s10, fill
    cbo.zero 0(s0)
    li s2, 0
1:  add t0, s0, s2
    lbu t1, 0(t0)
    bnez t1, 2f
    addi s2, s2, 1
    bne s2, s1, 1b
2:  addi t0, s2, -1
    and t0, t0, s2
    check_zero t0
    sltiu t0, s2, 8
    check_zero t0
    .ifdef REQUIRE_ALL
    check_value s2, 64
    .endif
case 3                              # the block around each address, and nothing else
    li s3, 0
1:  jal s10, fill
    addi t0, s3, 2000
    add a0, s0, t0
    cbo.zero 0(a0)
    neg t0, s2
    and a0, a0, t0                  # start of the block
    jal s10, check_block
    addi s3, s3, 7
    li t0, 80
    bltu s3, t0, 1b
case 4                              # gates
    li s4, ENVCFG_CBZE
    mv a0, s0
    csrc menvcfg, s4
    illegal_in PRV_S, cbo.zero 0(a0)
    illegal_in PRV_U, cbo.zero 0(a0)
    cbo.zero 0(a0)                   # M-mode needs no leave
    csrs menvcfg, s4
    csrc senvcfg, s4
    legal_in PRV_S, cbo.zero 0(a0)
    illegal_in PRV_U, cbo.zero 0(a0)
    csrs senvcfg, s4
    legal_in PRV_U, cbo.zero 0(a0)
    csrc menvcfg, s4
    illegal_in PRV_U, cbo.zero 0(a0)
    csrs menvcfg, s4
case 5                              # under translation
    space_on
    la s5, area_pte
    ld s5, 0(s5)
    pte_of t0, area, PTE_VRWAD
    sd t0, 0(s5)
    sfence.vma
    jal s10, fill
    li a0, TEST_VA + 1024 + 5
    s_access_works zero
    addi a0, s0, 1024
    jal s10, check_block
case 6                              # rights of a store
    pte_of t0, area, PTE_V | PTE_R | PTE_A | PTE_D
    sd t0, 0(s5)
    sfence.vma
    li a0, TEST_VA + 2048 + 12
    jal s10, fill
    jal s10, zero_faults
    sd zero, 0(s5)
    sfence.vma
    jal s10, zero_faults
    csrw satp, zero
case 7                              # nothing there
    li a0, VACANT_ADDRESS + 8
    on_trap 1f
    cbo.zero 0(a0)
    j fail
1:  check_cause CAUSE_STORE_ACCESS
    done

absent:
    feature_absent

.balign 4
zero:
    cbo.zero 0(a0)
    ecall

# cbo.zero at a0 in S-mode page-faults as a store, and has written nothing.
zero_faults:
    run_in PRV_S, zero
    check_cause CAUSE_STORE_PAGE
    check_epc zero
    trap_field t0, TRAP_TVAL
    xor t0, t0, a0
    neg t1, s2
    and t0, t0, t1                  # the same block
    check_zero t0
    li t0, 2048
    add t0, t0, s0
    ld t0, 0(t0)
    check_value t0, -1
    jr s10

fill:
    mv t0, s0
    add t1, s0, s1
    li t2, -1
1:  sd t2, 0(t0)
    addi t0, t0, 8
    bne t0, t1, 1b
    jr s10

# The block of s2 bytes at a0 is zero and its neighbours are not.
check_block:
    ld t0, -8(a0)
    check_value t0, -1
    add t0, a0, s2
    ld t1, 0(t0)
    check_value t1, -1
1:  addi t0, t0, -8
    ld t1, 0(t0)
    check_zero t1
    bne t0, a0, 1b
    jr s10

setup:
    mv s8, ra
    li a0, SATP_SV39
    li a1, 0
    jal ra, space_create
    map TEST_VA, area, PTE_VRWAD, 0, area_pte
    jr s8

.section .data
area_pte:
    .dword 0
.balign 4096
area:
    .zero AREA
    .zero 8
.text

iterations 20
.include "runtime.inc"
