# Zbb: basic bit manipulation.
# Specification: Unprivileged, "B" ("Zbb: Basic bit-manipulation").
# Expected: the results below, among them counts of zero (64, or 32 for words), sign-extended word results, and
# rotations by amounts beyond the width.

.include "bare.inc"
.include "bits.inc"

test:
case 1                              # logic with negation
    binary andn, 0xff00ff00ff00ff00, 0x0ff00ff00ff00ff0, 0xf000f000f000f000
    binary orn, 0x0f00000000000000, 0x00ffffffffffffff, -0x100000000000000
    binary xnor, 0xff00ff00ff00ff00, 0x0ff00ff00ff00ff0, 0x0f0f0f0f0f0f0f0f
case 2                              # leading zeros
    unary clz, 0, 64
    unary clz, 1, 63
    unary clz, -1, 0
    unary clzw, 0xffffffff00000000, 32
    unary clzw, 0x00000000ffffffff, 0
    unary clzw, 0xffffffff00010000, 15
case 3                              # trailing zeros
    unary ctz, 0, 64
    unary ctz, 0x8000000000000000, 63
    unary ctz, -1, 0
    unary ctzw, 0xffffffff00000000, 32
    unary ctzw, 0x80000000, 31
    unary ctzw, 0x7777777700010000, 16
case 4                              # population
    unary cpop, 0, 0
    unary cpop, -1, 64
    unary cpop, 0x8000000180000001, 4
    unary cpopw, -1, 32
    unary cpopw, 0xffffffff00000000, 0
    unary cpopw, 0x8000000180000001, 2
case 5                              # minimum and maximum
    binary max, -1, 1, 1
    binary maxu, -1, 1, -1
    binary min, -1, 1, -1
    binary minu, -1, 1, 1
    binary max, 0x8000000000000000, 0x7fffffffffffffff, 0x7fffffffffffffff
    binary minu, 0x8000000000000000, 0x7fffffffffffffff, 0x7fffffffffffffff
    binary min, 7, 7, 7
case 6                              # extension
    unary sext.b, 0x1280, -0x80
    unary sext.b, 0x127f, 0x7f
    unary sext.h, 0x128000, -0x8000
    unary sext.h, 0x127fff, 0x7fff
    unary zext.h, -1, 0xffff
case 7                              # rotation
    binary rol, 0x8000000000000001, 1, 3
    binary rol, 0x123456789abcdef0, 68, 0x23456789abcdef01
    binary ror, 0x8000000000000001, 1, 0xc000000000000000
    binary ror, 0x123456789abcdef0, 0, 0x123456789abcdef0
    binary rolw, 0x1234567880000001, 1, 3
    binary rolw, 0x40000000, 33, -0x80000000
    binary rorw, 0x1234567800000001, 1, -0x80000000
    binary rorw, 0x80000000, 32, -0x80000000
    binary_immediate rori, 0x123456789abcdef0, 4, 0x0123456789abcdef
    binary_immediate rori, 1, 63, 2
    binary_immediate roriw, 0x12345678f0000001, 4, 0x1f000000
    binary_immediate roriw, 0x1234567800000001, 1, -0x80000000
case 8                              # bytes
    unary rev8, 0x0123456789abcdef, 0xefcdab8967452301
    unary orc.b, 0x0001000080000100, 0x00ff0000ff00ff00
    unary orc.b, 0, 0
    unary orc.b, 0x1010101010101010, -1
    done

.include "runtime.inc"
