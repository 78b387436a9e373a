# Single-precision values in 64-bit registers.
# Specification: Unprivileged, "D" ("NaN Boxing of Narrower Values").
# Expected: what writes a single sets the upper 32 bits; an operation on a single whose upper bits are not all ones
# sees the canonical NaN; moves and stores of 32 bits take the lower half as it is.

.include "bare.inc"
.include "float.inc"
.text

test:
    float_on
    la s0, cell
case 1                              # every way to make a single boxes it
    li t0, 0x123456783f800000
    fmv.w.x fa0, t0
    check_single fa0, S_ONE
    sw t0, 0(s0)
    flw fa0, 0(s0)
    check_single fa0, S_ONE
    li t0, 1
    fcvt.s.w fa0, t0
    check_single fa0, S_ONE
    double fa1, D_ONE
    fcvt.s.d fa0, fa1
    check_single fa0, S_ONE
    single fa1, S_ONE
    single fa2, S_TWO
    fadd.s fa0, fa1, fa2
    check_single fa0, S_THREE
    fmv.s fa0, fa1
    check_single fa0, S_ONE
    fsflags zero
    # From here fs0 holds 1.0 without its box, fs1 the same with one bit missing, fa1 the number 1.0.
    double fs0, S_ONE
    double fs1, 0xfffffffe00000000 | S_ONE
case 2                              # arithmetic sees a quiet NaN: no flag
    .irp bad, fs0, fs1
    .irp op, fadd.s, fsub.s, fmul.s, fdiv.s
    \op fa0, \bad, fa1
    check_single fa0, S_NAN
    \op fa0, fa1, \bad
    check_single fa0, S_NAN
    .endr
    fsqrt.s fa0, \bad
    check_single fa0, S_NAN
    fmadd.s fa0, \bad, fa1, fa1
    check_single fa0, S_NAN
    fmadd.s fa0, fa1, \bad, fa1
    check_single fa0, S_NAN
    fnmsub.s fa0, fa1, fa1, \bad
    check_single fa0, S_NAN
    .endr
    check_flags 0
case 3                              # sign injection
    fsgnj.s fa0, fs0, fa1
    check_single fa0, S_NAN
    single fa2, S_MINUS_ONE
    fsgnj.s fa0, fs0, fa2
    check_single fa0, S_NAN | 0x80000000
    fsgnj.s fa0, fa2, fs0           # the canonical NaN is positive
    check_single fa0, S_ONE
    fsgnjn.s fa0, fa1, fs1
    check_single fa0, S_MINUS_ONE
    fmv.s fa0, fs0
    check_single fa0, S_NAN
    check_flags 0
case 4                              # minimum and maximum give the number
    fmin.s fa0, fs0, fa1
    check_single fa0, S_ONE
    fmax.s fa0, fa1, fs1
    check_single fa0, S_ONE
    fmin.s fa0, fs0, fs1
    check_single fa0, S_NAN
    check_flags 0
case 5                              # comparisons and class
    feq.s a0, fs0, fs0
    check_zero a0
    check_flags 0
    flt.s a0, fs0, fa1
    check_zero a0
    check_flags FLAG_NV
    fle.s a0, fa1, fs1
    check_zero a0
    check_flags FLAG_NV
    fclass.s a0, fs0
    check_value a0, 1 << 9
    check_flags 0
case 6                              # conversions
    fcvt.d.s fa0, fs0
    check_double fa0, D_NAN
    check_flags 0
    fcvt.w.s a0, fs0, rtz
    check_value a0, 0x7fffffff
    check_flags FLAG_NV
    fcvt.lu.s a0, fs1, rtz
    check_value a0, -1
    check_flags FLAG_NV
case 7                              # moves and stores take the bits
    double fs2, 0x12345678bf800000
    fmv.x.w a0, fs2
    check_value a0, -0x40800000
    sd zero, 0(s0)
    fsw fs2, 0(s0)
    ld a0, 0(s0)
    check_value a0, 0xbf800000
    fsd fs2, 0(s0)
    ld a0, 0(s0)
    check_value a0, 0x12345678bf800000
    fmv.x.d a0, fs2
    check_value a0, 0x12345678bf800000
case 8                              # doubles have no box
    fmv.d fa0, fs0
    check_double fa0, S_ONE
    fadd.d fa0, fs0, fs0
    check_double fa0, 2 * S_ONE
    check_flags 0
    done

.section .data
.balign 8
cell:
    .zero 8
.text

.include "runtime.inc"
