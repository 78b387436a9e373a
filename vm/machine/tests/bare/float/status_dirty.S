# How mstatus.FS becomes Dirty, and SD with it.
# Specification: Privileged, "Extension Context Status in mstatus Register".
# Expected: from Initial and Clean, each instruction that writes a floating-point register, fcsr or a flag makes FS
# Dirty and SD one, in every mode, visible in mstatus and sstatus. (Instructions that write nothing may do so as well:
# the field may err on the side of Dirty.) No instruction makes FS cleaner.

.include "bare.inc"
.include "float.inc"
.text

.macro set_state state
    li t0, STATUS_FS
    csrc mstatus, t0
    li t0, \state << 13
    csrs mstatus, t0
.endm

# One instruction, from Initial and from Clean, in M-mode.
.macro dirties instruction:vararg
    .irp state, 1, 2
    set_state \state
    \instruction
    csrr t0, mstatus
    check_bits t0, STATUS_FS, STATUS_FS
    bgez t0, fail
    csrr t0, sstatus
    bgez t0, fail
    .endr
.endm

# The same for an instruction that must raise a flag to write anything.
.macro flags_dirty instruction:vararg
    .irp state, 1, 2
    set_state 3
    fsflags zero
    set_state \state
    \instruction
    csrr t0, mstatus
    check_bits t0, STATUS_FS, STATUS_FS
    bgez t0, fail
    .endr
.endm

test:
    la a0, cell
    float_on
    single fa1, S_ONE
    single fa2, S_THREE
    double fa3, D_ONE
    double fa4, D_THREE
    single fa5, S_SIGNALING
    double fa6, D_SIGNALING
case 1                              # loads
    dirties flw fa0, 0(a0)
    dirties fld fa0, 0(a0)
    dirties c.fld fa0, 0(a0)
    dirties c.fldsp fa0, 0(sp)
case 2                              # arithmetic
    dirties fadd.s fa0, fa1, fa2
    dirties fmul.d fa0, fa3, fa4
    dirties fdiv.d fa0, fa3, fa4
    dirties fsqrt.s fa0, fa2
    dirties fmadd.d fa0, fa3, fa4, fa4
case 3                              # moves, signs, minima, conversions
    dirties fsgnj.s fa0, fa1, fa1
    dirties fsgnjn.d fa0, fa3, fa3
    dirties fmin.s fa0, fa1, fa2
    dirties fmv.w.x fa0, zero
    dirties fmv.d.x fa0, zero
    dirties fcvt.d.w fa0, zero
    dirties fcvt.s.d fa0, fa3
    dirties fcvt.d.s fa0, fa1
case 4                              # the control registers
    dirties csrw fcsr, zero
    dirties csrw frm, zero
    dirties csrwi fflags, 3
    dirties csrsi fflags, 1
case 5                              # in S-mode and U-mode
    .irp mode, PRV_S, PRV_U
    set_state 2
    run_in \mode, add
    check_ecall_from \mode
    csrr t0, mstatus
    check_bits t0, STATUS_FS, STATUS_FS
    bgez t0, fail
    .endr
case 6                              # a loop in which the state is cleaned now and then
    li s0, 32
1:  set_state 2
    li a2, 8
2:  fadd.d fa0, fa3, fa4
    addi a2, a2, -1
    bnez a2, 2b
    csrr t0, mstatus
    bgez t0, fail
    addi s0, s0, -1
    bnez s0, 1b
case 7                              # Dirty stays Dirty; SD follows a write of FS at once
    set_state 3
    fsd fa0, 0(a0)
    fmv.x.d a1, fa0
    csrr t0, mstatus
    check_bits t0, STATUS_FS, STATUS_FS
    set_state 2
    csrr t0, mstatus
    bltz t0, fail
    set_state 3
    csrr t0, mstatus
    bgez t0, fail
case 8                              # integer instructions leave it Clean
    set_state 2
    mul a1, a0, a0
    ld a1, 0(a0)
    amoadd.d a1, a1, (a0)
    csrr t0, mstatus
    check_bits t0, STATUS_FS, STATUS_FS_CLEAN
case 9                              # flags alone
    flags_dirty feq.s a1, fa5, fa1
    flags_dirty feq.d a1, fa6, fa3
    flags_dirty flt.s a1, fa5, fa1
    flags_dirty fcvt.w.d a1, fa6
    flags_dirty fcvt.lu.s a1, fa5
    .irp mode, PRV_S, PRV_U
    set_state 3
    fsflags zero
    set_state 1
    run_in \mode, compare
    check_ecall_from \mode
    csrr t0, mstatus
    check_bits t0, STATUS_FS, STATUS_FS
    .endr
    done

add:
    fadd.s fa0, fa1, fa2
    ecall
compare:
    feq.s a1, fa5, fa5
    ecall

.section .data
.balign 64
cell:
    .zero 64
.text

iterations 100
.include "runtime.inc"
