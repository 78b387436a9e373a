# The nine atomic memory operations on words and double words.
# Specification: Unprivileged, "A" ("Atomic Memory Operations").
# Expected: rd gets the old value (words sign-extended), memory the result; word operations use and change 32 bits
# only; minimum and maximum compare signed or unsigned; the registers may coincide; aq and rl change nothing that one
# hart sees.

.include "bare.inc"

# One operation on \old in memory with \operand: afterwards memory holds \new. Words: the upper half of the operand is
# noise and the next word stays.
.macro word op, old, operand, new
    li t0, \old
    li t1, 0x5a5a5a5a
    sw t0, 0(s0)
    sw t1, 4(s0)
    li a1, ((\operand) & 0xffffffff) | 0x6969696900000000
    \op a2, a1, (s0)
    sext.w t0, t0
    check_eq a2, t0
    lwu t0, 0(s0)
    check_value t0, (\new) & 0xffffffff
    lw t0, 4(s0)
    check_value t0, 0x5a5a5a5a
    check_value a1, ((\operand) & 0xffffffff) | 0x6969696900000000
.endm

.macro double op, old, operand, new
    li t0, \old
    sd t0, 0(s0)
    li a1, \operand
    \op a2, a1, (s0)
    check_eq a2, t0
    ld t0, 0(s0)
    check_value t0, \new
    check_value a1, \operand
.endm

test:
    la s0, cell
case 1                              # swap
    word amoswap.w, 0x80000001, 0x12345678, 0x12345678
    double amoswap.d, 0x8000000000000001, 0x1234567890abcdef, 0x1234567890abcdef
case 2                              # add wraps
    word amoadd.w, 0x7fffffff, 1, 0x80000000
    word amoadd.w, 0xffffffff, 2, 1
    double amoadd.d, 0x7fffffffffffffff, 1, 0x8000000000000000
    double amoadd.d, -1, 2, 1
case 3                              # and, or, xor
    word amoand.w, 0xff00ff00, 0x0ff00ff0, 0x0f000f00
    word amoor.w, 0xff00ff00, 0x0ff00ff0, 0xfff0fff0
    word amoxor.w, 0xff00ff00, 0x0ff00ff0, 0xf0f0f0f0
    double amoand.d, 0xff00ff00ff00ff00, 0x0ff00ff00ff00ff0, 0x0f000f000f000f00
    double amoor.d, 0xff00ff00ff00ff00, 0x0ff00ff00ff00ff0, 0xfff0fff0fff0fff0
    double amoxor.d, 0xff00ff00ff00ff00, 0x0ff00ff00ff00ff0, 0xf0f0f0f0f0f0f0f0
case 4                              # signed minimum and maximum
    word amomin.w, 0x80000000, 1, 0x80000000
    word amomin.w, 1, 0x80000000, 0x80000000
    word amomax.w, 0x80000000, 1, 1
    word amomax.w, 1, 0x80000000, 1
    word amomin.w, 0x7fffffff, -1, -1
    word amomax.w, -1, 0x7fffffff, 0x7fffffff
    double amomin.d, 0x8000000000000000, 1, 0x8000000000000000
    double amomin.d, 1, -1, -1
    double amomax.d, 0x8000000000000000, 1, 1
    double amomax.d, 1, -1, 1
    # Larger than a word: all 64 bits count.
    double amomin.d, 0x0000000100000000, 0x00000000ffffffff, 0x00000000ffffffff
    double amomax.d, 0x0000000100000000, 0x00000000ffffffff, 0x0000000100000000
case 5                              # unsigned minimum and maximum
    word amominu.w, 0x80000000, 1, 1
    word amominu.w, 1, 0x80000000, 1
    word amomaxu.w, 0x80000000, 1, 0x80000000
    word amomaxu.w, 1, -1, -1
    double amominu.d, 0x8000000000000000, 1, 1
    double amominu.d, 1, -1, 1
    double amomaxu.d, 0x8000000000000000, 1, 0x8000000000000000
    double amomaxu.d, 1, -1, -1
case 6                              # equal operands
    word amomin.w, 5, 5, 5
    word amomaxu.w, 5, 5, 5
    double amomax.d, -5, -5, -5
    double amominu.d, -5, -5, -5
case 7                              # rd = rs2
    li t0, 100
    sd t0, 0(s0)
    li a1, 11
    amoadd.d a1, a1, (s0)
    check_value a1, 100
    ld t0, 0(s0)
    check_value t0, 111
    li a1, 7
    amoswap.w a1, a1, (s0)
    check_value a1, 111
case 8                              # rd = rs1, rs1 = rs2, rd = x0
    mv a0, s0
    li a1, 3
    amoadd.d a0, a1, (a0)
    check_value a0, 7
    amoswap.d a0, s0, (s0)
    check_value a0, 10
    ld t0, 0(s0)
    check_eq t0, s0
    li t0, 20
    sd t0, 0(s0)
    li a1, 1
    amoadd.w zero, a1, (s0)
    amoor.d zero, zero, (s0)
    ld t0, 0(s0)
    check_value t0, 21
case 9                              # aq and rl
    double amoadd.d.aq, 1, 2, 3
    double amoswap.d.rl, 1, 2, 2
    double amoxor.d.aqrl, 1, 2, 3
    word amoadd.w.aqrl, 1, 2, 3
    word amomaxu.w.aq, 1, 2, 2
case 10                             # the upper word of a double word
    li t0, 0x1111111122222222
    sd t0, 0(s0)
    addi a0, s0, 4
    li a1, 5
    amoadd.w a2, a1, (a0)
    check_value a2, 0x11111111
    ld t0, 0(s0)
    check_value t0, 0x1111111622222222
    done

.section .data
.balign 64
cell:
    .zero 64
.text

.include "runtime.inc"
