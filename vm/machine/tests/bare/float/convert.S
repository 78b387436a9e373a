# Conversions between integers and floating point, and between the two precisions.
# Specification: Unprivileged, "F" ("Single-Precision Floating-Point Conversion and Move Instructions", table of valid
# inputs and invalid results) and "D".
# Expected: results outside the range saturate with NV alone, NaNs become the largest integer, 32-bit results are
# sign-extended, also unsigned ones; narrowing rounds, widening is exact; signaling NaNs raise NV and become
# canonical.

.include "bare.inc"
.include "float.inc"
.text

.macro integer_to_single op, value, result, flags
    li a0, \value
    \op fa0, a0
    check_single fa0, \result
    check_flags \flags
.endm

.macro integer_to_double op, value, result, flags
    li a0, \value
    \op fa0, a0
    check_double fa0, \result
    check_flags \flags
.endm

.macro single_to op, value, result, flags
    single fa1, \value
    \op a0, fa1, rtz
    check_value a0, \result
    check_flags \flags
.endm

.macro double_to op, value, result, flags
    double fa1, \value
    \op a0, fa1, rtz
    check_value a0, \result
    check_flags \flags
.endm

test:
    float_on
case 1                              # to w
    single_to fcvt.w.s, S_ONE, 1, 0
    single_to fcvt.w.s, 0xbfc00000, -1, FLAG_NX
    single_to fcvt.w.s, 0x4f000000, 0x7fffffff, FLAG_NV         # 2^31
    single_to fcvt.w.s, 0xcf000000, -0x80000000, 0              # -2^31
    single_to fcvt.w.s, 0xcf000001, -0x80000000, FLAG_NV
    single_to fcvt.w.s, S_INFINITY, 0x7fffffff, FLAG_NV
    single_to fcvt.w.s, S_MINUS_INFINITY, -0x80000000, FLAG_NV
    single_to fcvt.w.s, S_NAN, 0x7fffffff, FLAG_NV
    single_to fcvt.w.s, 0xffc00000, 0x7fffffff, FLAG_NV
    double_to fcvt.w.d, 0x41dfffffffffffff, 0x7fffffff, FLAG_NX
    double_to fcvt.w.d, 0x41e0000000000000, 0x7fffffff, FLAG_NV
    double_to fcvt.w.d, 0xc1e00000001fffff, -0x80000000, FLAG_NX
case 2                              # to wu: sign-extended
    single_to fcvt.wu.s, 0x4f000000, -0x80000000, 0
    single_to fcvt.wu.s, 0x4f800000, -1, FLAG_NV                # 2^32
    single_to fcvt.wu.s, S_MINUS_ONE, 0, FLAG_NV
    single_to fcvt.wu.s, 0xbf000000, 0, FLAG_NX                 # -0.5
    single_to fcvt.wu.s, S_NAN, -1, FLAG_NV
    single_to fcvt.wu.s, S_MINUS_INFINITY, 0, FLAG_NV
    double_to fcvt.wu.d, 0x41efffffffe00000, -1, 0              # 2^32 - 1
    double_to fcvt.wu.d, 0x41f0000000000000, -1, FLAG_NV
case 3                              # to l
    single_to fcvt.l.s, 0x5f000000, 0x7fffffffffffffff, FLAG_NV # 2^63
    single_to fcvt.l.s, 0xdf000000, -0x8000000000000000, 0
    single_to fcvt.l.s, S_NAN, 0x7fffffffffffffff, FLAG_NV
    double_to fcvt.l.d, 0x43dfffffffffffff, 0x7ffffffffffffc00, 0
    double_to fcvt.l.d, D_MINUS_INFINITY, -0x8000000000000000, FLAG_NV
    double_to fcvt.l.d, 0x3fefffffffffffff, 0, FLAG_NX
case 4                              # to lu
    single_to fcvt.lu.s, 0x5f000000, 0x8000000000000000, 0
    single_to fcvt.lu.s, 0x5f800000, -1, FLAG_NV                # 2^64
    single_to fcvt.lu.s, S_MINUS_ONE, 0, FLAG_NV
    double_to fcvt.lu.d, 0x43efffffffffffff, 0xfffffffffffff800, 0
    double_to fcvt.lu.d, D_NAN, -1, FLAG_NV
    double_to fcvt.lu.d, 0xbfe0000000000000, 0, FLAG_NX
case 5                              # from integers to single
    integer_to_single fcvt.s.w, -1, S_MINUS_ONE, 0
    integer_to_single fcvt.s.w, 0x1234567800000001, S_ONE, 0    # the lower word alone
    integer_to_single fcvt.s.wu, -1, 0x4f800000, FLAG_NX
    integer_to_single fcvt.s.w, 16777217, 0x4b800000, FLAG_NX   # 2^24 + 1: a tie
    integer_to_single fcvt.s.w, 16777219, 0x4b800002, FLAG_NX
    integer_to_single fcvt.s.l, -0x8000000000000000, 0xdf000000, 0
    integer_to_single fcvt.s.lu, -1, 0x5f800000, FLAG_NX
    integer_to_single fcvt.s.lu, 0x8000008000000001, 0x5f000001, FLAG_NX
    integer_to_single fcvt.s.l, 0, 0, 0
case 6                              # from integers to double
    integer_to_double fcvt.d.w, -2, 0xc000000000000000, 0
    integer_to_double fcvt.d.wu, -1, 0x41efffffffe00000, 0
    integer_to_double fcvt.d.l, 0x20000000000001, 0x4340000000000000, FLAG_NX
    integer_to_double fcvt.d.l, -0x8000000000000000, 0xc3e0000000000000, 0
    integer_to_double fcvt.d.lu, -1, 0x43f0000000000000, FLAG_NX
    integer_to_double fcvt.d.lu, 0x8000000000000000, 0x43e0000000000000, 0
    integer_to_double fcvt.d.lu, 0x8000000000000401, 0x43e0000000000001, FLAG_NX
case 7                              # widening
    single fa1, S_THREE
    fcvt.d.s fa0, fa1
    check_double fa0, D_THREE
    single fa1, S_MIN_SUBNORMAL
    fcvt.d.s fa0, fa1
    check_double fa0, 0x36a0000000000000
    single fa1, 0xffc12345
    fcvt.d.s fa0, fa1
    check_double fa0, D_NAN
    check_flags 0
    single fa1, S_SIGNALING
    fcvt.d.s fa0, fa1
    check_double fa0, D_NAN
    check_flags FLAG_NV
case 8                              # narrowing
    .macro narrow value, result, flags
    double fa1, \value
    fcvt.s.d fa0, fa1
    check_single fa0, \result
    check_flags \flags
    .endm
    narrow D_THREE, S_THREE, 0
    narrow 0x3ff0000010000000, S_ONE, FLAG_NX                   # a tie
    narrow 0x3ff0000010000001, 0x3f800001, FLAG_NX
    narrow D_MAX, S_INFINITY, FLAG_OF | FLAG_NX
    narrow D_MIN_NORMAL, 0, FLAG_UF | FLAG_NX
    narrow 0x36a0000000000000, S_MIN_SUBNORMAL, 0
    narrow D_MINUS_ZERO, S_MINUS_ZERO, 0
    narrow 0xfff8000000000001, S_NAN, 0
    narrow D_SIGNALING, S_NAN, FLAG_NV
case 9                              # moves
    li a0, 0x89abcdef01234567
    fmv.d.x fa0, a0
    fmv.x.d a1, fa0
    check_eq a1, a0
    li a0, 0x123456789abcdef0
    fmv.w.x fa0, a0
    fmv.x.w a1, fa0
    check_value a1, 0xffffffff9abcdef0
    done

iterations 100
.include "runtime.inc"
