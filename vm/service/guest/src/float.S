# float.S: the phase `float`.
#
# Double precision: an n-body simulation (square root, division) and a product
# of matrices (fused multiply-add). Single precision: the Mandelbrot set.
# IEEE 754 defines every bit of these results, so the checks are for equality.

    .include "demo.inc"
    .include "expected.inc"

    .equ BODIES,         5
    .equ BODY_X,         0              # fields of a body: doubles
    .equ BODY_V,         24             # velocity
    .equ BODY_MASS,      48
    .equ BODY_BYTES,     56
    .equ BODY_STEPS,     500
    .equ MATRIX_SIDE,    24
    .equ MATRIX_ROW,     MATRIX_SIDE * 8
    .equ MANDEL_WIDTH,   64
    .equ MANDEL_HEIGHT,  48
    .equ MANDEL_LIMIT,   128            # iterations of a point

variable float_checksum                 # of the last step

bulk bodies,  BODIES * BODY_BYTES
bulk hilbert, MATRIX_SIDE * MATRIX_ROW

    # A sun and four planets, roughly those of our own: distances in
    # astronomical units, velocities in units a year, masses such that the
    # constant of gravity is 1. All are exact in binary.
    .section .rodata
    .balign 8
initial_bodies:
    .double   0.0,     0.0,     0.0,     0.0,    -0.015625, 0.0,       39.5
    .double   5.1875,  0.0,     0.125,   0.0,     2.75,     0.0625,    0.0390625
    .double   0.0,     9.5625, -0.25,   -2.03125, 0.0,      0.03125,   0.01171875
    .double -19.1875,  0.0,     0.5,     0.0,    -1.4375,   0.0,       0.00146484375
    .double   0.0,   -30.0625, -0.75,    1.140625, 0.0,    -0.015625,  0.001953125
time_step:
    .double   0.0078125
mandel_constants:
    .float    0.046875, -2.0            # width of a pixel, left edge
    .float    0.0625,   -1.5            # height of a pixel, top edge
    .float    4.0                       # square of the radius of no return

    .text

    .globl  float_setup
float_setup:
    sd      zero, float_checksum, t0
    ret

    .globl  float_step
float_step:
    enter   1
    jal     simulate_bodies
    mv      s0, a0
    li      t0, EXPECT_NBODY
    require_equal a0, t0, "the n-body simulation went another way"
    jal     multiply_matrices
    fold    s0, a0, t1
    li      t0, EXPECT_MATRIX
    require_equal a0, t0, "wrong product of matrices"
    jal     draw_mandelbrot
    fold    s0, a0, t1
    li      t0, EXPECT_MANDELBROT
    require_equal a0, t0, "wrong number of iterations in the Mandelbrot set"
    sd      s0, float_checksum, t0
    leave   1

    .globl  float_report
float_report:
    enter
    print   ", checksum "
    ld      a0, float_checksum
    jal     put_hex
    leave

# Lets the bodies move from their initial state and returns a checksum of
# where they end and how fast.
simulate_bodies:
    enter   1
    la      t0, initial_bodies
    la      t1, bodies
    li      t2, BODIES * BODY_BYTES / 8
1:  ld      t3, 0(t0)
    sd      t3, 0(t1)
    addi    t0, t0, 8
    addi    t1, t1, 8
    addi    t2, t2, -1
    bnez    t2, 1b

    fld     fa0, time_step, t0
    li      s0, BODY_STEPS
2:  jal     attract_bodies
    jal     move_bodies
    addi    s0, s0, -1
    bnez    s0, 2b

    la      t0, bodies
    li      t2, BODIES * BODY_BYTES / 8
    li      a0, 0
3:  ld      t1, 0(t0)
    fold    a0, t1, t3
    addi    t0, t0, 8
    addi    t2, t2, -1
    bnez    t2, 3b
    leave   1

# Changes the velocities by the attraction of each pair during fa0 years.
attract_bodies:
    la      a0, bodies
    la      a2, bodies + BODIES * BODY_BYTES
1:  addi    a1, a0, BODY_BYTES
    bgeu    a1, a2, 3f
2:  .irp    axis, 0, 1, 2           # distance along each axis in ft0-ft2
    fld     ft\axis, BODY_X + 8 * \axis(a0)
    fld     ft3, BODY_X + 8 * \axis(a1)
    fsub.d  ft\axis, ft\axis, ft3
    .endr
    fmul.d  ft4, ft0, ft0
    fmul.d  ft5, ft1, ft1
    fadd.d  ft4, ft4, ft5
    fmul.d  ft5, ft2, ft2
    fadd.d  ft4, ft4, ft5           # square of the distance
    fsqrt.d ft5, ft4
    fmul.d  ft4, ft4, ft5
    fdiv.d  ft4, fa0, ft4           # time over its cube
    fld     ft5, BODY_MASS(a1)
    fmul.d  ft5, ft5, ft4
    fld     ft6, BODY_MASS(a0)
    fmul.d  ft6, ft6, ft4
    .irp    axis, 0, 1, 2
    fld     ft3, BODY_V + 8 * \axis(a0)
    fmul.d  ft7, ft\axis, ft5
    fsub.d  ft3, ft3, ft7
    fsd     ft3, BODY_V + 8 * \axis(a0)
    fld     ft3, BODY_V + 8 * \axis(a1)
    fmul.d  ft7, ft\axis, ft6
    fadd.d  ft3, ft3, ft7
    fsd     ft3, BODY_V + 8 * \axis(a1)
    .endr
    addi    a1, a1, BODY_BYTES
    bltu    a1, a2, 2b
    addi    a0, a0, BODY_BYTES
    j       1b
3:  ret

# Moves the bodies by their velocity for fa0 years.
move_bodies:
    la      a0, bodies
    la      a2, bodies + BODIES * BODY_BYTES
1:  .irp    axis, 0, 1, 2
    fld     ft0, BODY_X + 8 * \axis(a0)
    fld     ft1, BODY_V + 8 * \axis(a0)
    fmul.d  ft1, ft1, fa0
    fadd.d  ft0, ft0, ft1
    fsd     ft0, BODY_X + 8 * \axis(a0)
    .endr
    addi    a0, a0, BODY_BYTES
    bltu    a0, a2, 1b
    ret

# Squares the Hilbert matrix (1 / (row + column + 1), from 0) with fused
# multiply-adds, from the left to the right. Returns a checksum of the result.
multiply_matrices:
    la      a1, hilbert
    mv      t3, a1
    li      a2, MATRIX_SIDE
    li      t0, 1
    fcvt.d.l fa0, t0                # 1.0
    li      t0, 0                   # row
1:  li      t1, 0                   # column
2:  add     t2, t0, t1
    addi    t2, t2, 1
    fcvt.d.l ft0, t2
    fdiv.d  ft0, fa0, ft0
    fsd     ft0, 0(t3)
    addi    t3, t3, 8
    addi    t1, t1, 1
    bltu    t1, a2, 2b
    addi    t0, t0, 1
    bltu    t0, a2, 1b

    li      a0, 0
    mv      t0, a1                  # start of a row of the left matrix
    add     a3, a1, MATRIX_ROW      # end of the first row
    li      a4, MATRIX_SIDE * MATRIX_ROW
    add     a4, a4, a1              # end of the matrix
3:  mv      t1, a1                  # top of a column of the right matrix
4:  fmv.d.x ft0, zero
    mv      t2, t0
    mv      t3, t1
5:  fld     ft1, 0(t2)
    fld     ft2, 0(t3)
    fmadd.d ft0, ft1, ft2, ft0
    addi    t2, t2, 8
    addi    t3, t3, MATRIX_ROW
    bltu    t3, a4, 5b
    fmv.x.d t4, ft0
    fold    a0, t4, t5
    addi    t1, t1, 8
    bltu    t1, a3, 4b
    addi    t0, t0, MATRIX_ROW
    bltu    t0, a4, 3b
    ret

# Returns the number of iterations z = z * z + c over all points c of the
# picture, each at most MANDEL_LIMIT.
draw_mandelbrot:
    la      t0, mandel_constants
    flw     fa0, 0(t0)
    flw     fa1, 4(t0)
    flw     fa2, 8(t0)
    flw     fa3, 12(t0)
    flw     fa4, 16(t0)
    li      a0, 0
    li      t0, 0                   # row
1:  fcvt.s.w ft1, t0
    fmul.s  ft1, ft1, fa2
    fadd.s  ft1, ft1, fa3           # imaginary part of c
    li      t1, 0                   # column
2:  fcvt.s.w ft0, t1
    fmul.s  ft0, ft0, fa0
    fadd.s  ft0, ft0, fa1           # real part of c
    fmv.w.x ft2, zero               # z
    fmv.w.x ft3, zero
    li      t2, MANDEL_LIMIT
3:  fmul.s  ft4, ft2, ft2
    fmul.s  ft5, ft3, ft3
    fadd.s  ft6, ft4, ft5
    flt.s   t3, fa4, ft6            # outside
    bnez    t3, 4f
    fmul.s  ft6, ft2, ft3
    fadd.s  ft6, ft6, ft6
    fadd.s  ft3, ft6, ft1
    fsub.s  ft4, ft4, ft5
    fadd.s  ft2, ft4, ft0
    addi    a0, a0, 1
    addi    t2, t2, -1
    bnez    t2, 3b
4:  addi    t1, t1, 1
    li      t3, MANDEL_WIDTH
    bltu    t1, t3, 2b
    addi    t0, t0, 1
    li      t3, MANDEL_HEIGHT
    bltu    t0, t3, 1b
    ret
