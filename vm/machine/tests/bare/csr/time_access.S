# The time CSR: who may read it, and that it is the mtime of the CLINT.
# Specification: Unprivileged, "Zicntr"; Privileged, "Machine Timer (mtime and mtimecmp) Registers", "Machine
# Counter-Enable (mcounteren) Register".
# Expected: readable by M always, by S and U as mcounteren.TM and scounteren.TM say; never smaller than an earlier
# reading of mtime, never larger than a later one; never goes backwards. Machines whose firmware has to emulate time
# (QEMU's spike board) pass the portable build; riscope has it.

.include "bare.inc"

test:
case 1
    on_trap absent
    csrr a0, time
    check_no_trap
case 2                              # between two readings of mtime
    li s0, CLINT_MTIME
    ld a0, 0(s0)
    csrr a1, time
    ld a2, 0(s0)
    bltu a1, a0, fail
    bltu a2, a1, fail
case 3                              # does not go backwards
    csrr a0, time
    .rept 8
    csrr a1, time
    bltu a1, a0, fail
    mv a0, a1
    .endr
case 4                              # gates
    illegal_in PRV_S, csrr a0, time
    illegal_in PRV_U, csrr a0, time
    csrwi mcounteren, COUNTEREN_TM
    legal_in PRV_S, csrr a0, time
    illegal_in PRV_U, csrr a0, time
    csrwi scounteren, COUNTEREN_TM
    legal_in PRV_U, csrr a0, time
    csrwi mcounteren, 7 & ~COUNTEREN_TM
    illegal_in PRV_S, csrr a0, time
    illegal_in PRV_U, csrr a0, time
case 5                              # read-only
    check_illegal csrw time, zero
case 6                              # time goes on while a loop runs
    csrr a0, time
1:  csrr a1, time
    beq a1, a0, 1b
    done

absent:
    feature_absent

iterations 100
.include "runtime.inc"
