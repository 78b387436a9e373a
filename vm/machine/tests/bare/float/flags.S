# Exception flags and special values of arithmetic.
# Specification: Unprivileged, "F" ("NaN Generation and Propagation", "Single-Precision Floating-Point Computational
# Instructions") and "D".
# Expected: NV, DZ, OF, UF and NX as IEEE 754 wants them, with tininess detected after rounding; every NaN that comes
# out of arithmetic is the canonical one; flags accumulate until software clears them.

.include "bare.inc"
.include "float.inc"
.text

test:
    float_on
case 1                              # exact results raise nothing
    single_result fadd.s, S_ONE, S_TWO, , S_THREE, 0
    double_result fmul.d, D_TWO, D_ONE, , D_TWO, 0
    single_result fsqrt.s, 0x40800000, , , S_TWO, 0
    double_result fsub.d, D_THREE, D_TWO, , D_ONE, 0
case 2                              # NX
    single_result fdiv.s, S_ONE, S_THREE, , 0x3eaaaaab, FLAG_NX
    double_result fsqrt.d, D_TWO, , , 0x3ff6a09e667f3bcd, FLAG_NX
case 3                              # DZ
    single_result fdiv.s, S_ONE, 0, , S_INFINITY, FLAG_DZ
    single_result fdiv.s, S_ONE, S_MINUS_ZERO, , S_MINUS_INFINITY, FLAG_DZ
    double_result fdiv.d, D_MINUS_ONE, 0, , D_MINUS_INFINITY, FLAG_DZ
    single_result fdiv.s, S_INFINITY, 0, , S_INFINITY, 0
case 4                              # NV
    single_result fdiv.s, 0, 0, , S_NAN, FLAG_NV
    single_result fsub.s, S_INFINITY, S_INFINITY, , S_NAN, FLAG_NV
    single_result fmul.s, 0, S_INFINITY, , S_NAN, FLAG_NV
    double_result fdiv.d, D_INFINITY, D_INFINITY, , D_NAN, FLAG_NV
    single_result fsqrt.s, S_MINUS_ONE, , , S_NAN, FLAG_NV
    double_result fadd.d, D_SIGNALING, D_ONE, , D_NAN, FLAG_NV
    single_result fmadd.s, S_INFINITY, 0, S_NAN, S_NAN, FLAG_NV
    double_result fmadd.d, 0, D_INFINITY, D_NAN, D_NAN, FLAG_NV
case 5                              # quiet NaNs: canonical, whatever came in; no flag
    single_result fadd.s, 0x7fc12345, S_ONE, , S_NAN, 0
    single_result fadd.s, S_ONE, 0xffc12345, , S_NAN, 0
    double_result fmul.d, 0xfff8000000000001, D_ONE, , D_NAN, 0
    single_result fsqrt.s, 0xffffffff, , , S_NAN, 0
    double_result fmadd.d, D_ONE, D_ONE, 0x7ff8123456789abc, D_NAN, 0
case 6                              # OF
    single_result fadd.s, S_MAX, S_MAX, , S_INFINITY, FLAG_OF | FLAG_NX
    double_result fmul.d, D_MAX, D_MAX, , D_INFINITY, FLAG_OF | FLAG_NX
    single_result fadd.s, S_INFINITY, S_MAX, , S_INFINITY, 0
case 7                              # UF: only if the result is inexact too
    single_result fmul.s, S_MIN_NORMAL, 0x3f000000, , 0x00400000, 0
    single_result fmul.s, S_MIN_SUBNORMAL, 0x3f000000, , 0, FLAG_UF | FLAG_NX
    double_result fdiv.d, D_MIN_NORMAL, D_THREE, , 0x0005555555555555, FLAG_UF | FLAG_NX
    # (1 + 2^-23)(1 - 2^-23) x 2^-126 is below the smallest normal number, and is not once rounded to 24 bits: not tiny.
    single_result fmul.s, 0x00800001, 0x3f7ffffe, , S_MIN_NORMAL, FLAG_NX
    # (1 - 2^-24) x 2^-126 has 24 bits as it is: tiny, although the result rounds up to the smallest normal number.
    single_result fmul.s, 0x00ffffff, 0x3f000000, , S_MIN_NORMAL, FLAG_UF | FLAG_NX
case 8                              # fused: one rounding, and the product is not rounded
    single_result fmadd.s, 0x3f800800, 0x3f800800, 0xbf801000, 0x33800000, 0
    single_result fmsub.s, S_TWO, S_THREE, S_ONE, 0x40a00000, 0
    single_result fnmadd.s, S_TWO, S_THREE, S_ONE, 0xc0e00000, 0
    single_result fnmsub.s, S_TWO, S_THREE, S_ONE, 0xc0a00000, 0
    double_result fmadd.d, D_MAX, D_TWO, D_MINUS_INFINITY, D_MINUS_INFINITY, 0
case 9                              # signs of zeros
    single_result fadd.s, 0, S_MINUS_ZERO, , 0, 0
    single_result fadd.s, S_MINUS_ZERO, S_MINUS_ZERO, , S_MINUS_ZERO, 0
    single_result fmul.s, S_MINUS_ONE, 0, , S_MINUS_ZERO, 0
    single_result fsqrt.s, S_MINUS_ZERO, , , S_MINUS_ZERO, 0
case 10                             # minimum and maximum
    single_result fmin.s, 0, S_MINUS_ZERO, , S_MINUS_ZERO, 0
    single_result fmax.s, S_MINUS_ZERO, 0, , 0, 0
    single_result fmin.s, S_NAN, S_ONE, , S_ONE, 0
    single_result fmax.s, S_ONE, 0x7fc12345, , S_ONE, 0
    single_result fmin.s, 0x7fc12345, 0xffc54321, , S_NAN, 0
    single_result fmax.s, S_SIGNALING, S_ONE, , S_ONE, FLAG_NV
    double_result fmin.d, D_ONE, D_SIGNALING, , D_ONE, FLAG_NV
    double_result fmin.d, D_MINUS_INFINITY, D_MAX, , D_MINUS_INFINITY, 0
case 11                             # sign injection copies NaNs as they are
    single_result fsgnj.s, 0x7fc12345, S_MINUS_ONE, , 0xffc12345, 0
    single_result fsgnjn.s, S_SIGNALING, S_ONE, , S_SIGNALING | 0x80000000, 0
    double_result fsgnjx.d, D_MINUS_ONE, D_MINUS_ONE, , D_ONE, 0
case 12                             # comparisons
    single_to_integer feq.s, S_ONE, S_ONE, 1, 0
    single_to_integer feq.s, 0, S_MINUS_ZERO, 1, 0
    single_to_integer feq.s, S_NAN, S_NAN, 0, 0
    single_to_integer feq.s, S_SIGNALING, S_ONE, 0, FLAG_NV
    single_to_integer flt.s, S_MINUS_ONE, S_ONE, 1, 0
    single_to_integer flt.s, S_MINUS_ZERO, 0, 0, 0
    single_to_integer flt.s, S_NAN, S_ONE, 0, FLAG_NV
    double_to_integer fle.d, D_ONE, D_ONE, 1, 0
    double_to_integer fle.d, D_ONE, D_NAN, 0, FLAG_NV
    double_to_integer flt.d, D_MINUS_INFINITY, D_INFINITY, 1, 0
case 13                             # classes
    .set bit, 0
    .irp value, S_MINUS_INFINITY, S_MINUS_ONE, 0x80000001, S_MINUS_ZERO, 0, 1, S_ONE, S_INFINITY, S_SIGNALING, S_NAN
    single_to_integer fclass.s, \value, , 1 << bit, 0
    .set bit, bit + 1
    .endr
    double_to_integer fclass.d, 0x8000000000000001, , 1 << 2, 0
    double_to_integer fclass.d, D_SIGNALING, , 1 << 8, 0
case 14                             # flags accumulate
    fsflags zero
    single fa1, S_ONE
    single fa2, 0
    single fa3, S_THREE
    fdiv.s fa0, fa1, fa2
    fdiv.s fa0, fa1, fa3
    fdiv.s fa0, fa2, fa2
    fadd.s fa0, fa1, fa1
    check_flags FLAG_DZ | FLAG_NX | FLAG_NV
case 15                             # an operation between two reads of the flags in a loop
    li s0, 50
1:  fdiv.s fa0, fa1, fa3
    check_flags FLAG_NX
    fadd.s fa0, fa1, fa1
    check_flags 0
    addi s0, s0, -1
    bnez s0, 1b
    done

iterations 100
.include "runtime.inc"
