# Floating-point instructions while mstatus.FS is Off.
# Specification: Privileged, "Extension Context Status in mstatus Register".
# Expected: every instruction that reads or writes floating-point state, fcsr included, is illegal in every mode and
# changes nothing, also code that has run before with FS on; switching FS on makes it work again with the registers as
# they were.

.include "bare.inc"
.include "float.inc"
.text

.macro fs_off
    li t0, STATUS_FS
    csrc mstatus, t0
.endm

.macro fs_on
    li t0, STATUS_FS_INITIAL
    csrs mstatus, t0
.endm

test:
    fs_on
    single fa0, S_THREE
    double fa1, D_TWO
    li t0, 0x41
    fscsr t0
    fs_off
    la a0, cell
case 1                              # loads and stores
    .irp instruction, "flw fa0, 0(a0)", "fld fa0, 0(a0)", "fsw fa0, 0(a0)", "fsd fa0, 0(a0)"
    check_illegal \instruction
    .endr
case 2                              # compressed ones
    .irp instruction, "c.fld fa0, 0(a0)", "c.fsd fa0, 0(a0)", "c.fldsp fa0, 0(sp)", "c.fsdsp fa0, 0(sp)"
    check_illegal \instruction
    .endr
case 3                              # arithmetic
    .irp op, fadd.s, fsub.s, fmul.s, fdiv.s, fmin.s, fadd.d, fsub.d, fmul.d, fdiv.d, fmin.d
    check_illegal \op fa0, fa1, fa2
    .endr
    .irp op, fmax.s, fsgnj.s, fsgnjn.s, fsgnjx.s, fmax.d, fsgnj.d, fsgnjn.d, fsgnjx.d
    check_illegal \op fa0, fa1, fa2
    .endr
    .irp op, fmadd.s, fmsub.s, fnmadd.s, fnmsub.s, fmadd.d, fmsub.d, fnmadd.d, fnmsub.d
    check_illegal \op fa0, fa1, fa2, fa3
    .endr
    check_illegal fsqrt.s fa0, fa1
    check_illegal fsqrt.d fa0, fa1
case 4                              # comparisons and classes do not write a register
    li a1, 77
    .irp op, feq.s, flt.s, fle.s, feq.d, flt.d, fle.d
    check_illegal \op a1, fa1, fa2
    .endr
    check_illegal fclass.s a1, fa1
    check_illegal fclass.d a1, fa1
    check_value a1, 77
case 5                              # conversions and moves
    .irp op, fcvt.w.s, fcvt.wu.s, fcvt.l.s, fcvt.lu.s, fcvt.w.d, fcvt.wu.d, fcvt.l.d, fcvt.lu.d
    check_illegal \op a1, fa1
    .endr
    .irp op, fcvt.s.w, fcvt.s.wu, fcvt.s.l, fcvt.s.lu, fcvt.d.w, fcvt.d.wu, fcvt.d.l, fcvt.d.lu
    check_illegal \op fa0, a1
    .endr
    check_illegal fcvt.s.d fa0, fa1
    check_illegal fcvt.d.s fa0, fa1
    .irp instruction, "fmv.x.w a1, fa0", "fmv.w.x fa0, a1", "fmv.x.d a1, fa0", "fmv.d.x fa0, a1"
    check_illegal \instruction
    .endr
    check_value a1, 77
case 6                              # the control registers
    .irp csr, fflags, frm, fcsr
    check_illegal csrr a1, \csr
    check_illegal csrw \csr, zero
    check_illegal csrrsi a1, \csr, 0
    .endr
    check_value a1, 77
case 7                              # S and U
    .irp mode, PRV_S, PRV_U
    illegal_in \mode, fadd.s fa0, fa1, fa2
    illegal_in \mode, fld fa0, 0(a0)
    illegal_in \mode, fmv.x.d a1, fa0
    illegal_in \mode, frcsr a1
    .endr
case 8                              # sstatus is the same field
    li t0, STATUS_FS_CLEAN
    csrs sstatus, t0
    legal_in PRV_U, fmv.x.d a1, fa1
    csrc sstatus, t0
    illegal_in PRV_U, fmv.x.d a1, fa1
case 9                              # the same code, on and off
    li s0, 4
1:  fs_on
    run_in PRV_U, sum
    check_ecall_from PRV_U
    fs_off
    run_in PRV_U, sum
    check_cause CAUSE_ILLEGAL
    check_epc sum_first
    addi s0, s0, -1
    bnez s0, 1b
case 10                             # off in the middle of a block
    fs_on
    la s1, 2f
    on_trap 1f
    li t0, STATUS_FS
    fadd.d fa2, fa1, fa1
    csrc mstatus, t0
2:  fadd.d fa2, fa2, fa1
    j fail
1:  check_cause CAUSE_ILLEGAL
    check_epc_is s1
case 11                             # all state is as it was
    fs_on
    check_single fa0, S_THREE
    check_double fa1, D_TWO
    check_double fa2, 0x4010000000000000
    frcsr a1
    check_value a1, 0x41
    done

sum:
    li a2, 16
sum_first:
    fadd.d fa2, fa1, fa1
    addi a2, a2, -1
    bnez a2, sum_first
    ecall

.section .data
.balign 64
cell:
    .zero 64
.text

iterations 60
.include "runtime.inc"
