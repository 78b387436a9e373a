# Several entries match, or one matches a part of an access.
# Specification: Privileged, "Priority and Matching Logic" (the lowest-numbered entry that matches any byte decides;
# it must match all bytes, or the access fails irrespective of the L, R, W and X bits).
# Expected: the order of the numbers decides and not the size of the region; an aligned access of which an entry
# covers a part fails, in M-mode too.

.include "bare.inc"
.text
.include "pmp.inc"

test:
    pmp_all_address_in_7
    la a0, area
case 1                              # the smaller region first, then the larger first
    pmp_napot 0, area, 8
    pmp_napot 1, area, 64
    pmp_config (PMP_NAPOT | PMP_R | PMP_W) | (PMP_NAPOT << 8) | PMP_ALL_IN_7
    pmp_works PRV_U, pmp_load
    addi a0, a0, 8
    pmp_denies PRV_U, pmp_load, CAUSE_LOAD_ACCESS
    pmp_napot 0, area, 64
    pmp_napot 1, area, 8
    pmp_config PMP_NAPOT | ((PMP_NAPOT | PMP_R | PMP_W) << 8) | PMP_ALL_IN_7
    pmp_denies PRV_U, pmp_load, CAUSE_LOAD_ACCESS
    la a0, area
    pmp_denies PRV_U, pmp_load, CAUSE_LOAD_ACCESS
case 2                              # rights are not added up
    pmp_napot 0, area, 64
    pmp_napot 1, area, 64
    pmp_config (PMP_NAPOT | PMP_R) | ((PMP_NAPOT | PMP_R | PMP_W) << 8) | PMP_ALL_IN_7
    pmp_works PRV_S, pmp_load
    pmp_denies PRV_S, pmp_store, CAUSE_STORE_ACCESS
case 3                              # an entry that is off is skipped
    pmp_config ((PMP_NAPOT | PMP_R | PMP_W) << 8) | PMP_ALL_IN_7
    pmp_works PRV_S, pmp_store
case 4                              # a double word of which entry 0 covers one half
    pmp_address 0, area, 4
    pmp_config (PMP_NA4 | PMP_RWX) | PMP_ALL_IN_7
    pmp_works PRV_U, pmp_load
    pmp_denies PRV_U, pmp_load_double, CAUSE_LOAD_ACCESS
    pmp_denies PRV_U, pmp_store_double, CAUSE_STORE_ACCESS
    pmp_denies PRV_S, pmp_load_double, CAUSE_LOAD_ACCESS
    addi a0, a0, 4
    pmp_works PRV_U, pmp_load
    addi a0, a0, 4
    pmp_works PRV_U, pmp_load_double
    la a0, area
case 5                              # in M-mode too, though the entry is not locked
    pmp_denies PRV_M, pmp_load_double, CAUSE_LOAD_ACCESS
    pmp_denies PRV_M, pmp_store_double, CAUSE_STORE_ACCESS
    run_in PRV_M, pmp_load
    check_ecall_from PRV_M
case 6                              # the end of a TOR range in the middle of a double word
    pmp_address 0, area, 0
    pmp_address 1, area, 12
    pmp_config ((PMP_TOR | PMP_RWX) << 8) | PMP_ALL_IN_7
    pmp_works PRV_U, pmp_load_double
    addi a0, a0, 8
    pmp_denies PRV_U, pmp_load_double, CAUSE_LOAD_ACCESS
    pmp_works PRV_U, pmp_load
    addi a0, a0, 4
    pmp_works PRV_U, pmp_load
    done

define_pmp_accesses

.section .data
.balign 4096
area:
    .zero 4096
.text

iterations 200
.include "runtime.inc"
