# Zbs: single-bit instructions.
# Specification: Unprivileged, "B" ("Zbs: Single-bit instructions").
# Expected: bit rs2 mod 64, or the immediate, is cleared, extracted, inverted or set; the rest stays.

.include "bare.inc"
.include "bits.inc"

test:
case 1
    binary bclr, -1, 63, 0x7fffffffffffffff
    binary bclr, -1, 64, -2
    binary bclr, 0, 5, 0
    binary_immediate bclri, -1, 32, 0xfffffffeffffffff
case 2
    binary bext, 0x8000000000000000, 63, 1
    binary bext, 0x8000000000000000, 62, 0
    binary bext, 2, 65, 1
    binary_immediate bexti, 0x100000000, 32, 1
    binary_immediate bexti, 0x100000000, 31, 0
case 3
    binary binv, 0, 63, 0x8000000000000000
    binary binv, 1, 64, 0
    binary_immediate binvi, -1, 40, 0xfffffeffffffffff
case 4
    binary bset, 0, 63, 0x8000000000000000
    binary bset, 1, 128, 1
    binary bset, 0, -1, 0x8000000000000000
    binary_immediate bseti, 0, 31, 0x80000000
    binary_immediate bseti, 0, 33, 0x200000000
    done

.include "runtime.inc"
