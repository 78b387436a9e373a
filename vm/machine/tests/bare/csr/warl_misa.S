# misa tells of the base ISA and the extensions.
# Specification: Privileged, "Machine ISA (misa) Register".
# Expected: MXL is 2; I, M, A, F, D, C, S and U are set; letters without an extension stay zero; a write of the value
# that is there is harmless.

.include "bare.inc"

.equ BASE_AND_GENERAL, (1 << ('i' - 'a')) | (1 << ('m' - 'a')) | 1 | (1 << ('f' - 'a')) | (1 << ('d' - 'a'))
.equ PRESENT, BASE_AND_GENERAL | (1 << ('c' - 'a')) | (1 << ('s' - 'a')) | (1 << ('u' - 'a'))
.equ NO_LETTER, (1 << ('k' - 'a')) | (1 << ('o' - 'a')) | (1 << ('w' - 'a')) | (1 << ('y' - 'a')) | (1 << ('z' - 'a'))

test:
    csrr s0, misa
case 1
    srli a0, s0, 62
    check_value a0, 2
case 2
    check_bits s0, PRESENT, PRESENT
case 3                              # bits 26 to 61 mean nothing
    slli a0, s0, 2
    srli a0, a0, 28
    check_zero a0
case 4
    li t0, NO_LETTER
    csrs misa, t0
    csrr a0, misa
    check_eq a0, s0
case 5
    csrw misa, s0
    csrr a0, misa
    check_eq a0, s0
case 6                              # MXL cannot become reserved
    li t0, 3 << 62
    csrs misa, t0
    csrr a0, misa
    srli a0, a0, 62
    check_value a0, 2
    done

.include "runtime.inc"
