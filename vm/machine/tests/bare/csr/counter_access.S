# Which mode may read cycle and instret.
# Specification: Privileged, "Machine Counter-Enable (mcounteren) Register", "Counter-Enable (scounteren) Register".
# Expected: M always; S if the bit in mcounteren is set; U if it is set in both mcounteren and scounteren; else
# illegal instruction. The bits are independent of each other, both registers have 32 bits.

.include "bare.inc"

.macro gated csr, bit
    csrr a0, \csr
    csrw mcounteren, zero
    csrw scounteren, zero
    illegal_in PRV_S, csrr a0, \csr
    illegal_in PRV_U, csrr a0, \csr
    csrwi mcounteren, \bit
    legal_in PRV_S, csrr a0, \csr
    illegal_in PRV_U, csrr a0, \csr
    csrwi scounteren, \bit
    legal_in PRV_S, csrr a0, \csr
    legal_in PRV_U, csrr a0, \csr
    csrwi mcounteren, 0
    illegal_in PRV_S, csrr a0, \csr
    illegal_in PRV_U, csrr a0, \csr
    # Only the counter's own bit counts.
    csrwi mcounteren, 7 & ~\bit
    csrwi scounteren, 7 & ~\bit
    illegal_in PRV_S, csrr a0, \csr
    illegal_in PRV_U, csrr a0, \csr
    csrwi mcounteren, 7
    legal_in PRV_S, csrr a0, \csr
    illegal_in PRV_U, csrr a0, \csr
.endm

test:
case 1
    gated cycle, COUNTEREN_CY
case 2
    gated instret, COUNTEREN_IR
case 3                              # never writable
    csrwi mcounteren, 7
    csrwi scounteren, 7
    illegal_in PRV_S, csrw cycle, zero
    illegal_in PRV_U, csrw instret, zero
    check_illegal csrw cycle, zero
case 4                              # S-mode sees scounteren, and not mcounteren
    legal_in PRV_S, csrwi scounteren, 5
    csrr a0, scounteren
    check_bits a0, 7, 5
    illegal_in PRV_S, csrwi mcounteren, 5
case 5                              # 32 bits
    li t0, -1
    csrw mcounteren, t0
    csrr a0, mcounteren
    srli a0, a0, 32
    check_zero a0
    csrw scounteren, t0
    csrr a0, scounteren
    srli a0, a0, 32
    check_zero a0
    done

.include "runtime.inc"
