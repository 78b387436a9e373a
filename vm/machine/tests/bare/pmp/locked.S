# Locked entries bind M-mode, and themselves.
# Specification: Privileged, "Locking and Privilege Mode".
# Expected: an entry with L applies to M-mode as well; its configuration and address, and the address below a locked
# TOR entry, cannot be written any more; the other entries can. Locks last until reset, so each case uses entries of
# its own, and the program runs once.

.include "bare.inc"
.text
.include "pmp.inc"

# M-mode loads and stores at a0 until a translator has compiled them.
.macro hot_denied label, cause
    li s0, 300
9989:
    pmp_denies PRV_M, \label, \cause
    addi s0, s0, -1
    bnez s0, 9989b
.endm

test:
    pmp_all_address_in_7
    pmp_config PMP_ALL_IN_7
    la a0, read_only
    li s0, 300                      # hot before the lock
1:  run_in PRV_M, pmp_store
    check_ecall_from PRV_M
    addi s0, s0, -1
    bnez s0, 1b
case 1                              # read-only for everybody: entry 0
    pmp_napot 0, read_only, 64
    pmp_config PMP_NAPOT | PMP_R | PMP_L | PMP_ALL_IN_7
    run_in PRV_M, pmp_load
    check_ecall_from PRV_M
    hot_denied pmp_store, CAUSE_STORE_ACCESS
    pmp_denies PRV_M, pmp_swap, CAUSE_STORE_ACCESS
    pmp_denies PRV_U, pmp_store, CAUSE_STORE_ACCESS
    pmp_works PRV_U, pmp_load
    run_at PRV_M, a0
    check_cause CAUSE_FETCH_ACCESS
    check_epc_is a0
    addi a0, a0, 64                 # behind the region
    run_in PRV_M, pmp_store
    check_ecall_from PRV_M
case 2                              # the configuration of entry 0 stays
    pmp_config PMP_ALL_IN_7
    csrr t0, pmpcfg0
    andi t0, t0, 0xff
    check_value t0, PMP_NAPOT | PMP_R | PMP_L
    pmp_config (PMP_NAPOT | PMP_RWX) | PMP_ALL_IN_7
    csrr t0, pmpcfg0
    andi t0, t0, 0xff
    check_value t0, PMP_NAPOT | PMP_R | PMP_L
    la a0, read_only
    hot_denied pmp_store, CAUSE_STORE_ACCESS
case 3                              # the address of entry 0 stays
    csrr t0, pmpaddr0
    csrw pmpaddr0, zero
    csrr t1, pmpaddr0
    check_eq t1, t0
case 4                              # other entries can be written
    li t0, 0x12345
    csrw pmpaddr1, t0
    csrr t1, pmpaddr1
    check_eq t1, t0
    pmp_config ((PMP_NA4 | PMP_R) << 8) | PMP_ALL_IN_7
    csrr t0, pmpcfg0
    srli t0, t0, 8
    andi t0, t0, 0xff
    check_value t0, PMP_NA4 | PMP_R
case 5                              # nothing at all, for one word: entry 2
    la a0, nothing
    pmp_address 2, nothing
    pmp_config ((PMP_NA4 | PMP_L) << 16) | PMP_ALL_IN_7
    hot_denied pmp_load, CAUSE_LOAD_ACCESS
    hot_denied pmp_store, CAUSE_STORE_ACCESS
    addi a0, a0, 4
    run_in PRV_M, pmp_load
    check_ecall_from PRV_M
case 6                              # a locked TOR entry locks the address below it: entries 3 and 4
    pmp_address 3, range
    pmp_address 4, range, 32
    pmp_config ((PMP_TOR | PMP_R | PMP_L) << 32) | PMP_ALL_IN_7
    csrr t0, pmpaddr3
    csrw pmpaddr3, zero
    csrr t1, pmpaddr3
    check_eq t1, t0
    la a0, range + 28
    hot_denied pmp_store, CAUSE_STORE_ACCESS
    la a0, range + 32
    run_in PRV_M, pmp_store
    check_ecall_from PRV_M
    pmp_config ((PMP_NA4 | PMP_R) << 24) | PMP_ALL_IN_7   # the configuration of entry 3 is not locked
    csrr t0, pmpcfg0
    srli t0, t0, 24
    andi t0, t0, 0xff
    check_value t0, PMP_NA4 | PMP_R
    pmp_config PMP_ALL_IN_7
case 7                              # locked and executable only: entry 5
    la a0, code
    pmp_napot 5, code, 64
    pmp_config ((PMP_NAPOT | PMP_X | PMP_L) << 40) | PMP_ALL_IN_7
    run_at PRV_M, a0
    check_ecall_from PRV_M
    pmp_denies PRV_M, pmp_load, CAUSE_LOAD_ACCESS
    pmp_denies PRV_M, pmp_store, CAUSE_STORE_ACCESS
case 8                              # locked and off: cannot be changed any more, and matches nothing: entry 6
    la a0, range + 64
    pmp_address 6, range, 64
    pmp_config (PMP_L << 48) | PMP_ALL_IN_7
    pmp_config ((PMP_NA4 | PMP_L) << 48) | PMP_ALL_IN_7
    csrr t0, pmpcfg0
    srli t0, t0, 48
    andi t0, t0, 0xff
    check_value t0, PMP_L
    run_in PRV_M, pmp_store
    check_ecall_from PRV_M
    done

define_pmp_accesses

.section .data
.balign 4096
read_only:
    .zero 128
nothing:
    .zero 64
.balign 64
range:
    .zero 128
.balign 64
code:
    .4byte 0x73                     # ecall
.balign 4096
.text

iterations 1
.include "runtime.inc"
