# Rounding modes: static, dynamic and reserved; fcsr and its parts.
# Specification: Unprivileged, "F" ("Floating-Point Control and Status Register").
# Expected: the results of the five modes, the same whether the mode stands in the instruction or in frm; an operation
# with mode 5 or 6, or with a dynamic mode while frm holds 5, 6 or 7, is illegal (what the specification calls
# reserved and every machine at hand does); operations without a mode do not care.

.include "bare.inc"
.include "float.inc"
.text

# \op fa0, fa1, fa2 in one mode, static and dynamic.
.macro mode_result check, op, mode, number, result
    \op fa0, fa1, fa2, \mode
    \check fa0, \result
    fsrmi \number
    \op fa0, fa1, fa2, dyn
    \check fa0, \result
    fsrmi 0
.endm

# The same in all five modes.
.macro modes check, op, rne, rtz, rdn, rup, rmm
    mode_result \check, \op, rne, 0, \rne
    mode_result \check, \op, rtz, 1, \rtz
    mode_result \check, \op, rdn, 2, \rdn
    mode_result \check, \op, rup, 3, \rup
    mode_result \check, \op, rmm, 4, \rmm
.endm

.macro integer_modes op, value, rne, rtz, rdn, rup, rmm
    single fa1, \value
    integer_mode \op, rne, 0, \rne
    integer_mode \op, rtz, 1, \rtz
    integer_mode \op, rdn, 2, \rdn
    integer_mode \op, rup, 3, \rup
    integer_mode \op, rmm, 4, \rmm
.endm

.macro integer_mode op, mode, number, result
    \op a0, fa1, \mode
    check_value a0, \result
    fsrmi \number
    \op a0, fa1, dyn
    check_value a0, \result
    fsrmi 0
.endm

test:
    float_on
case 1                              # single: a tie, above a tie, and negative
    single fa1, S_ONE
    single fa2, 0x33800000          # 2^-24
    modes check_single, fadd.s, 0x3f800000, 0x3f800000, 0x3f800000, 0x3f800001, 0x3f800001
    single fa2, 0x33c00000          # 1.5 x 2^-24
    modes check_single, fadd.s, 0x3f800001, 0x3f800000, 0x3f800000, 0x3f800001, 0x3f800001
    single fa1, S_MINUS_ONE
    single fa2, 0x33800000
    modes check_single, fsub.s, 0xbf800000, 0xbf800000, 0xbf800001, 0xbf800000, 0xbf800001
case 2                              # double
    double fa1, D_ONE
    double fa2, 0x3ca0000000000000  # 2^-53
    modes check_double, fadd.d, D_ONE, D_ONE, D_ONE, D_ONE + 1, D_ONE + 1
    double fa1, D_MINUS_ONE
    modes check_double, fsub.d, D_MINUS_ONE, D_MINUS_ONE, D_MINUS_ONE + 1, D_MINUS_ONE, D_MINUS_ONE + 1
case 3                              # division
    single fa1, S_ONE
    single fa2, S_THREE
    modes check_single, fdiv.s, 0x3eaaaaab, 0x3eaaaaaa, 0x3eaaaaaa, 0x3eaaaaab, 0x3eaaaaab
    double fa1, D_ONE
    double fa2, D_THREE
    .equ D_THIRD, 0x3fd5555555555555
    modes check_double, fdiv.d, D_THIRD, D_THIRD, D_THIRD, D_THIRD + 1, D_THIRD
case 4                              # overflow
    single fa1, S_MAX
    single fa2, S_TWO
    modes check_single, fmul.s, S_INFINITY, S_MAX, S_MAX, S_INFINITY, S_INFINITY
    double fa1, D_MAX
    double fa2, D_TWO
    modes check_double, fmul.d, D_INFINITY, D_MAX, D_MAX, D_INFINITY, D_INFINITY
case 5                              # the sign of an exact zero
    single fa1, S_ONE
    single fa2, S_ONE
    modes check_single, fsub.s, 0, 0, S_MINUS_ZERO, 0, 0
case 6                              # conversion to integers
    integer_modes fcvt.w.s, 0x40200000, 2, 2, 2, 3, 3           # 2.5
    integer_modes fcvt.w.s, 0xc0200000, -2, -2, -3, -2, -3      # -2.5
    integer_modes fcvt.l.s, 0x3fc00000, 2, 1, 1, 2, 2           # 1.5
    integer_modes fcvt.l.s, 0xbf000000, 0, 0, -1, 0, -1         # -0.5
case 7                              # square root and fused multiplication have a mode too
    single fa1, S_TWO
    fsqrt.s fa0, fa1, rne
    check_single fa0, 0x3fb504f3
    fsqrt.s fa0, fa1, rup
    check_single fa0, 0x3fb504f4
    single fa1, 0x3f800800
    single fa2, 0xbf801000
    fmadd.s fa0, fa1, fa1, fa2, rdn # (1 + 2^-12)^2 - (1 + 2^-11) is exactly 2^-24
    check_single fa0, 0x33800000
    single fa2, S_ONE
    fmadd.s fa0, fa1, fa1, fa2, rne # 2 + 2^-11 + 2^-24
    check_single fa0, 0x40000800
    fmadd.s fa0, fa1, fa1, fa2, rup
    check_single fa0, 0x40000801
case 8                              # a loop over the modes, changed by frm only
    single fa1, S_ONE
    single fa2, 0x33800000
    li s0, 20
2:  li s1, 4
    li a0, 0
1:  fsrm s1
    fadd.s fa0, fa1, fa2
    fmv.x.w t0, fa0
    andi t0, t0, 1
    slli a0, a0, 1
    or a0, a0, t0
    addi s1, s1, -1
    bgez s1, 1b
    check_value a0, 0x18            # up in the modes 4 and 3
    addi s0, s0, -1
    bnez s0, 2b
    fsrmi 0
case 9                              # reserved static modes
    .irp mode, 5, 6
    check_illegal .insn r 0x53, \mode, 0x00, fa0, fa1, fa2      # fadd.s
    check_illegal .insn r 0x53, \mode, 0x01, fa0, fa1, fa2      # fadd.d
    check_illegal .insn r 0x53, \mode, 0x08, fa0, fa1, fa2      # fmul.s
    check_illegal .insn r4 0x43, \mode, 0, fa0, fa1, fa2, fa3   # fmadd.s
    .endr
case 10                             # reserved dynamic modes
    .irp mode, 5, 6, 7
    fsrmi \mode
    frrm a0
    check_value a0, \mode
    check_illegal fadd.s fa0, fa1, fa2, dyn
    check_illegal fdiv.d fa0, fa1, fa2, dyn
    check_illegal fsqrt.s fa0, fa1, dyn
    check_illegal fmadd.d fa0, fa1, fa2, fa3, dyn
    check_illegal fcvt.w.s a0, fa1, dyn
    check_illegal fcvt.s.l fa0, a0, dyn
    check_illegal fcvt.s.d fa0, fa1, dyn
    fadd.s fa0, fa1, fa2, rne       # a static mode does not care
    feq.s a0, fa1, fa2              # nor do operations without a mode
    fmin.s fa0, fa1, fa2
    fsgnj.d fa0, fa1, fa2
    fclass.d a0, fa1
    fmv.x.w a0, fa1
    fmv.d.x fa0, a0
    .endr
    fsrmi 0
    fadd.s fa0, fa1, fa2, dyn
case 11                             # fcsr, frm and fflags
    li t0, -1
    fscsr t0
    frcsr a0
    check_value a0, 0xff
    frrm a0
    check_value a0, 7
    frflags a0
    check_value a0, 31
    li t0, 0x45
    fscsr a0, t0
    check_value a0, 0xff
    frrm a0
    check_value a0, 2
    frflags a0
    check_value a0, 5
    li t0, 0xf9
    fsrm a0, t0
    check_value a0, 2
    frcsr a0
    check_value a0, 0x25
    li t0, 0xfa
    fsflags a0, t0
    check_value a0, 5
    frcsr a0
    check_value a0, 0x3a
    csrci fcsr, 2
    frcsr a0
    check_value a0, 0x38
    fscsr zero
    done

iterations 100
.include "runtime.inc"
