# Zba: address generation.
# Specification: Unprivileged, "B" ("Zba: Address generation").
# Expected: shNadd adds the shifted first operand to the second; the .uw forms take the lower 32 bits of the first
# operand, zero-extended.

.include "bare.inc"
.include "bits.inc"

test:
case 1
    binary sh1add, 0x8000000000000001, 0x10, 0x12
    binary sh2add, 0x4000000000000001, 0x10, 0x14
    binary sh3add, 0x2000000000000001, -1, 7
    binary sh3add, -1, 0, -8
case 2
    binary add.uw, -1, 1, 0x100000000
    binary add.uw, 0x1234567880000000, 0x80000000, 0x100000000
    binary add.uw, 5, -5, 0
case 3
    binary sh1add.uw, -1, 0, 0x1fffffffe
    binary sh2add.uw, 0x7777777780000001, 3, 0x200000007
    binary sh3add.uw, 0xffffffff80000000, 1, 0x400000001
case 4
    binary_immediate slli.uw, -1, 0, 0xffffffff
    binary_immediate slli.uw, 0x1234567880000001, 4, 0x800000010
    binary_immediate slli.uw, -1, 32, 0xffffffff00000000
    binary_immediate slli.uw, 3, 63, 0x8000000000000000
    unary zext.w, -1, 0xffffffff
    done

.include "runtime.inc"
