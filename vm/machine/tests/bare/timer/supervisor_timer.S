# stimecmp: the timer of S-mode.
# Specification: Privileged, "Sstc" (stimecmp), "Machine Environment Configuration (menvcfg) Register" (STCE),
# "Counter-Enable".
# Expected: with menvcfg.STCE set STIP is (time >= stimecmp), cannot be written through mip, and makes a delegated
# interrupt of cause 5; S-mode may use stimecmp only with STCE and mcounteren.TM; with STCE clear STIP is an ordinary
# writable bit. riscope has Sstc; machines without it pass the portable build.

.include "bare.inc"

.equ STIMECMP, 0x14d

.macro wait_for_stip state
9986:
    csrr t0, mip
    srli t0, t0, IRQ_STI
    andi t0, t0, 1
    .if \state
    beqz t0, 9986b
    .else
    bnez t0, 9986b
    .endif
.endm

test:
case 1                              # does the machine have it?
    on_trap absent
    csrr a0, time
    csrr a0, STIMECMP
    check_no_trap
    probe_csr_bits menvcfg, ENVCFG_STCE, absent
    li s0, 1 << IRQ_STI
    li s2, -1
    csrw STIMECMP, s2
    wait_for_stip 0
case 2                              # 64 bits
    li a0, 0x7123456789abcdef
    csrw STIMECMP, a0
    csrr a1, STIMECMP
    check_eq a1, a0
    csrw STIMECMP, s2
case 3                              # STIP follows it
    csrw STIMECMP, zero
    wait_for_stip 1
    csrw STIMECMP, s2
    wait_for_stip 0
    csrr a0, time
    addi a0, a0, 30
    csrw STIMECMP, a0
    wait_for_stip 1
    csrr a1, time
    bltu a1, a0, fail
case 4                              # and not what software writes to mip
    csrc mip, s0
    csrr a0, mip
    and a0, a0, s0
    check_nonzero a0
    csrw STIMECMP, s2
    wait_for_stip 0
    csrs mip, s0
    csrr a0, mip
    and a0, a0, s0
    check_zero a0
case 5                              # who may use it
    illegal_in PRV_U, csrr a0, STIMECMP
    csrwi mcounteren, 0
    illegal_in PRV_S, csrr a0, STIMECMP
    illegal_in PRV_S, csrw STIMECMP, zero
    csrwi mcounteren, COUNTEREN_TM
    legal_in PRV_S, csrr a0, STIMECMP
    csrr a1, STIMECMP
    check_eq a0, a1
    illegal_in PRV_U, csrr a0, STIMECMP
    li t0, ENVCFG_STCE
    csrc menvcfg, t0
    illegal_in PRV_S, csrr a0, STIMECMP
    csrs menvcfg, t0
case 6                              # the interrupt, delegated, set up by S-mode itself
    csrw mideleg, s0
    csrw mie, s0
    csrsi mstatus, STATUS_SIE
    run_in PRV_S, arm_and_spin
    check_delegated INTERRUPT | IRQ_STI
    check_sepc spin
    csrr a1, time
    bltu a1, a0, fail
    csrw STIMECMP, s2
    wait_for_stip 0
case 7                              # in U-mode
    csrr a0, time
    addi a0, a0, 30
    csrw STIMECMP, a0
    run_in PRV_U, spin
    check_delegated INTERRUPT | IRQ_STI
    check_sepc spin
    csrw STIMECMP, s2
    wait_for_stip 0
case 8                              # not delegated: to M
    csrw mideleg, zero
    csrw STIMECMP, zero
    run_in PRV_U, spin
    check_cause INTERRUPT | IRQ_STI
    csrw STIMECMP, s2
    wait_for_stip 0
case 9                              # read-only in sip
    csrw mideleg, s0
    csrw STIMECMP, zero
    wait_for_stip 1
    csrc sip, s0
    csrr a0, sip
    and a0, a0, s0
    check_nonzero a0
    csrw STIMECMP, s2
    wait_for_stip 0
case 10                             # STCE clear: an ordinary bit again
    li t0, ENVCFG_STCE
    csrc menvcfg, t0
    csrs mip, s0
    csrr a0, mip
    and a0, a0, s0
    check_nonzero a0
    csrc mip, s0
    csrr a0, mip
    and a0, a0, s0
    check_zero a0
case 11                             # what software left there is not seen once STCE is set
    csrs mip, s0
    li t0, ENVCFG_STCE
    csrs menvcfg, t0
    csrr a0, mip
    and a0, a0, s0
    check_zero a0
    csrc menvcfg, t0
    csrc mip, s0
    done

absent:
    feature_absent

.balign 4
arm_and_spin:
    csrr a0, time
    addi a0, a0, 30
    csrw STIMECMP, a0
spin:
    j spin

iterations 50
.include "runtime.inc"
