# No PMP entry matches.
# Specification: Privileged, "Physical Memory Protection", "Priority and Matching Logic" (if no entry matches, M-mode
# succeeds, and S-mode and U-mode fail where at least one entry is implemented).
# Expected: with all entries off, or none that matches, S and U cannot even fetch; with the code allowed only, loads
# and stores elsewhere fail; M-mode may do everything, except through MPRV.

.include "bare.inc"
.text
.include "pmp.inc"

test:
    la a0, area
case 1                              # an entry that matches nothing of it: the first fetch fails
    pmp_address 3, area, 64
    pmp_config (PMP_NA4 | PMP_RWX) << 24
    .irp mode, PRV_S, PRV_U
    run_in \mode, pmp_load
    check_cause CAUSE_FETCH_ACCESS
    check_epc pmp_load
    check_from \mode
    la t0, pmp_load
    check_tval_is t0
    .endr
case 2                              # M-mode is not concerned
    run_in PRV_M, pmp_load
    check_ecall_from PRV_M
    run_in PRV_M, pmp_store
    check_ecall_from PRV_M
case 3                              # through MPRV it is
    load_as_user lw, a0, 1f
    j fail
1:  check_cause CAUSE_LOAD_ACCESS
    check_tval_is a0
    check_from PRV_M
case 4                              # the code allowed, the data not
    pmp_napot 0, code_page, 4096
    pmp_config PMP_NAPOT | PMP_R | PMP_X
    .irp mode, PRV_S, PRV_U
    pmp_denies \mode, pmp_load, CAUSE_LOAD_ACCESS
    pmp_denies \mode, pmp_store, CAUSE_STORE_ACCESS
    pmp_denies \mode, pmp_swap, CAUSE_STORE_ACCESS
    pmp_denies \mode, pmp_reserve, CAUSE_LOAD_ACCESS
    .endr
case 5                              # and the data allowed by another entry
    pmp_napot 5, area, 4096
    pmp_config PMP_NAPOT | PMP_R | PMP_X | ((PMP_NAPOT | PMP_R | PMP_W) << 40)
    .irp mode, PRV_S, PRV_U
    pmp_works \mode, pmp_load
    pmp_works \mode, pmp_store
    pmp_works \mode, pmp_swap
    .endr
case 6                              # all entries off
    pmp_config 0
    .irp mode, PRV_S, PRV_U
    run_in \mode, pmp_load
    check_cause CAUSE_FETCH_ACCESS
    check_epc pmp_load
    check_from \mode
    la t0, pmp_load
    check_tval_is t0
    .endr
    done

.balign 4096
code_page:
define_pmp_accesses
.balign 4096

.section .data
.balign 4096
area:
    .zero 4096
.text

iterations 200
.include "runtime.inc"
