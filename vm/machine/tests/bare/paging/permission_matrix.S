# Every combination of the R, W, X and U bits of a page, tried with load, store and fetch from U-mode, S-mode, and
# M-mode through MPRV, for every setting of SUM and MXR.
# Specification: Privileged, "Virtual Address Translation Process", "Memory Privilege in mstatus Register", "Memory
# Privilege in sstatus Register".
# Expected: W without R is reserved and no page at all without R, W and X is a pointer, which the last level may not
# hold: both fault. U-mode needs U. S-mode may not fetch from a U page, and load or store there only with SUM. MXR
# makes X pages readable. Otherwise R, W and X decide. A fault is a page fault of the access's own cause with the
# address in tval.

.include "bare.inc"
.text
.include "paging.inc"

.equ TEST_VA, 0x40000000

# One state of the matrix in s1: bits 3:0 R, W, X, U; bit 4 SUM; bit 5 MXR; bit 6: the accesses are made with
# supervisor rights.
.equ STATE_U, 1 << 3
.equ STATE_SUM, 1 << 4
.equ STATE_MXR, 1 << 5
.equ STATE_SUPERVISOR, 1 << 6
.equ STATES, 128

test:
    space_on
    la s0, page_pte
    ld s0, 0(s0)
    li s2, TEST_VA
    li s1, STATES - 1
state:
    # The page.
    andi t0, s1, 15
    slli t0, t0, 1
    pte_of t1, page, PTE_V | PTE_A | PTE_D
    or t1, t1, t0
    sd t1, 0(s0)
    sfence.vma
    # SUM and MXR.
    li t0, STATUS_SUM | STATUS_MXR
    csrc mstatus, t0
    srli t0, s1, 4
    andi t0, t0, 3
    slli t0, t0, 18
    csrs mstatus, t0
    jal s10, allowed
    srli s3, s1, 6                  # mode, PRV_S or PRV_U
case 1                              # load
    la a0, access_load
    andi a1, s4, 1
    li a2, CAUSE_LOAD_PAGE
    jal s10, run_access
case 2                              # store
    la a0, access_store
    andi a1, s4, 2
    li a2, CAUSE_STORE_PAGE
    jal s10, run_access
case 3                              # fetch
    slli t6, s3, STATUS_MPP_SHIFT
    mv t5, s2
    jal ra, enter
    andi a1, s4, 4
    li a2, CAUSE_FETCH_PAGE
    mv a0, s2
    jal s10, check_access
case 4                              # load through MPRV
    andi a1, s4, 1
    li a2, CAUSE_LOAD_PAGE
    la a0, through_load
    jal s10, run_through
case 5                              # store through MPRV
    andi a1, s4, 2
    li a2, CAUSE_STORE_PAGE
    la a0, through_store
    jal s10, run_through
    addi s1, s1, -1
    bgez s1, state
    # What the stores have left: the code of the page is as it was.
    la t0, page
    lw t0, 0(t0)
    check_value t0, 0x73
    done

# s4: bit 0 load, bit 1 store, bit 2 fetch is allowed in state s1. Clobbers t0 to t4.
allowed:
    li s4, 0
    andi t0, s1, 1                  # R
    srli t1, s1, 1
    andi t1, t1, 1                  # W
    srli t2, s1, 2
    andi t2, t2, 1                  # X
    sltu t3, t0, t1
    bnez t3, 9f                     # W without R
    or s4, t0, zero
    andi t3, s1, STATE_MXR
    snez t3, t3
    and t3, t3, t2
    or s4, s4, t3
    slli t1, t1, 1
    or s4, s4, t1
    slli t2, t2, 2
    or s4, s4, t2
    andi t3, s1, STATE_SUPERVISOR
    andi t4, s1, STATE_U
    bnez t3, 1f
    bnez t4, 9f                     # U-mode, U page
    li s4, 0
    jr s10
1:  beqz t4, 9f                     # S-mode, S page
    andi s4, s4, 3
    andi t3, s1, STATE_SUM
    bnez t3, 9f
    li s4, 0
9:  jr s10

# Runs the access a0 in mode s3 and checks it: allowed if a1 is not zero, else cause a2.
run_access:
    mv s5, a1
    mv s6, a2
    mv s7, a0
    mv t5, a0
    bnez s3, 1f
    li t0, USER_OFFSET
    add t5, t5, t0
1:  mv s8, t5
    slli t6, s3, STATUS_MPP_SHIFT
    mv a0, s2
    ld a1, page
    jal ra, enter
    mv a1, s5
    mv a2, s6
    mv a0, s8
check_access:
    bnez a1, 1f
    trap_field t0, TRAP_CAUSE
    check_eq t0, a2
    check_epc_is a0
    check_tval_is s2
    jr s10
1:  trap_field t0, TRAP_CAUSE
    addi t1, s3, CAUSE_ECALL_U
    check_eq t0, t1
    jr s10

# Makes the access at a0 in M-mode with MPRV set and MPP = s3. Allowed if a1 is not zero, else cause a2.
run_through:
    on_trap 1f
    ld a3, page
    li t0, STATUS_MPP
    csrc mstatus, t0
    slli t0, s3, STATUS_MPP_SHIFT
    csrs mstatus, t0
    mv a4, a0
    jr a0
1:  check_zero a1
    trap_field t0, TRAP_CAUSE
    check_eq t0, a2
    check_tval_is s2
    check_from PRV_M
    jr s10
through_load:
    li t0, STATUS_MPRV
    csrs mstatus, t0
    ld a3, 0(s2)
    csrc mstatus, t0
    check_no_trap
    check_nonzero a1
    jr s10
through_store:
    li t0, STATUS_MPRV
    csrs mstatus, t0
    sd a3, 0(s2)
    csrc mstatus, t0
    check_no_trap
    check_nonzero a1
    jr s10

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
    .4byte 0
.balign 4096

.text
iterations 8
.include "runtime.inc"
