# What R, W and X of an entry allow.
# Specification: Privileged, "Physical Memory Protection CSRs", "Priority and Matching Logic".
# Expected: loads and LR need R, stores need W, AMOs need R and W, fetches need X, in S and U alike; causes 5, 7 and 1
# with the address in tval; an entry that is not locked does not concern M-mode.

.include "bare.inc"
.text
.include "pmp.inc"

# Accesses of all kinds to `area` in S and U, with entry 0 saying \rights.
.macro rights rights, load, store, swap, fetch
    pmp_config PMP_NAPOT | (\rights) | PMP_ALL_IN_7
    .irp mode, PRV_S, PRV_U
    la a0, area
    .ifc \load, yes
    pmp_works \mode, pmp_load
    pmp_works \mode, pmp_reserve
    .else
    pmp_denies \mode, pmp_load, CAUSE_LOAD_ACCESS
    pmp_denies \mode, pmp_reserve, CAUSE_LOAD_ACCESS
    .endif
    li a1, INSN_ECALL
    .ifc \store, yes
    pmp_works \mode, pmp_store
    .else
    pmp_denies \mode, pmp_store, CAUSE_STORE_ACCESS
    .endif
    .ifc \swap, yes
    pmp_works \mode, pmp_swap
    .else
    pmp_denies \mode, pmp_swap, CAUSE_STORE_ACCESS
    .endif
    run_at \mode, a0
    check_from \mode
    .ifc \fetch, yes
    check_ecall_from \mode
    .else
    check_cause CAUSE_FETCH_ACCESS
    check_tval_is a0
    .endif
    check_epc_is a0
    .endr
    la a0, area
    run_in PRV_M, pmp_load
    check_ecall_from PRV_M
    run_in PRV_M, pmp_store
    check_ecall_from PRV_M
    run_at PRV_M, a0
    check_ecall_from PRV_M
.endm

.equ INSN_ECALL, 0x73

test:
    pmp_napot 0, area, 64
    pmp_all_address_in_7
    li a1, INSN_ECALL
    la a0, area
    sw a1, 0(a0)
    fence.i
case 1
    rights 0, no, no, no, no
case 2
    rights PMP_R, yes, no, no, no
case 3
    rights PMP_R | PMP_W, yes, yes, yes, no
case 4
    rights PMP_X, no, no, no, yes
case 5
    rights PMP_R | PMP_X, yes, no, no, yes
case 6
    rights PMP_RWX, yes, yes, yes, yes
    done

define_pmp_accesses

.section .data
.balign 4096
area:
    .zero 4096
.text

iterations 100
.include "runtime.inc"
