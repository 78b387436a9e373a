# Loads and stores at every offset, of every width, with integer and floating-point registers.
# Specification: Unprivileged, "Load and Store Instructions"; profiles, "Zicclsm" (misaligned loads and stores to main
# memory are supported).
# Expected: the bytes at the address in little-endian order, sign- or zero-extended; a store changes its own bytes
# only. Machines that raise the misaligned exception instead pass the portable build; riscope has Zicclsm.

.include "bare.inc"

.equ SPAN, 24

# Compares \load at each offset with the bytes, which `expected` puts together.
.macro loads load, bytes, extension
    la s0, pattern
    li s1, SPAN - 8
9992:
    add a0, s0, s1
    \load a1, 0(a0)
    li a2, \bytes
    jal s10, expected
    .ifc \extension, signed
    slli a3, a3, 64 - 8 * \bytes
    srai a3, a3, 64 - 8 * \bytes
    .endif
    check_eq a1, a3
    addi s1, s1, -1
    bgez s1, 9992b
.endm

.macro float_loads load, move, bytes, extension
    la s0, pattern
    li s1, SPAN - 8
9992:
    add a0, s0, s1
    \load fa1, 0(a0)
    \move a1, fa1
    li a2, \bytes
    jal s10, expected
    .ifc \extension, signed
    slli a3, a3, 64 - 8 * \bytes
    srai a3, a3, 64 - 8 * \bytes
    .endif
    check_eq a1, a3
    addi s1, s1, -1
    bgez s1, 9992b
.endm

# Stores at each offset of a cleared area, and checks every byte of the area.
.macro stores store, register, bytes
    li s1, SPAN - 8
9992:
    jal s10, clear_area
    la a0, area
    add a0, a0, s1
    \store \register, 0(a0)
    li a2, \bytes
    jal s10, check_area
    addi s1, s1, -1
    bgez s1, 9992b
.endm

test:
case 1                              # does the machine do it?
    la a0, pattern + 1
    on_trap absent
    ld a1, 0(a0)
    check_no_trap
case 2
    loads lh, 2, signed
    loads lhu, 2, unsigned
case 3
    loads lw, 4, signed
    loads lwu, 4, unsigned
case 4
    loads ld, 8, unsigned
case 5
    li s2, 0x8182838485868788
    stores sh, s2, 2
case 6
    stores sw, s2, 4
case 7
    stores sd, s2, 8
case 8                              # floating point
    li t0, STATUS_FS_INITIAL
    csrs mstatus, t0
    float_loads flw, fmv.x.w, 4, signed
    float_loads fld, fmv.x.d, 8, unsigned
case 9
    fmv.d.x fs2, s2
    stores fsw, fs2, 4
    stores fsd, fs2, 8
case 10                             # compressed
    loads c.lw, 4, signed
    loads c.ld, 8, unsigned
    done

absent:
    check_cause CAUSE_LOAD_MISALIGNED
    check_tval_is a0
    feature_absent

# a3: the a2 bytes at a0, zero-extended.
expected:
    li a3, 0
    add t0, a0, a2
1:  addi t0, t0, -1
    slli a3, a3, 8
    lbu t1, 0(t0)
    or a3, a3, t1
    bne t0, a0, 1b
    jr s10

clear_area:
    la t0, area
    sd zero, 0(t0)
    sd zero, 8(t0)
    sd zero, 16(t0)
    jr s10

# The area holds the low a2 bytes of s2 at a0 and zeros elsewhere.
check_area:
    la t0, area
    addi t1, t0, SPAN
    mv t2, s2
1:  lbu t3, 0(t0)
    bltu t0, a0, 2f
    sub t4, t0, a0
    bgeu t4, a2, 2f
    andi t5, t2, 255
    check_eq t3, t5
    srli t2, t2, 8
    j 3f
2:  check_zero t3
3:  addi t0, t0, 1
    bne t0, t1, 1b
    jr s10

.section .data
.balign 64
pattern:
    .byte 0x01, 0x82, 0x13, 0xf4, 0x75, 0xa6, 0x37, 0xc8, 0x59, 0xea, 0x6b, 0xbc
    .byte 0x0d, 0x9e, 0x2f, 0xd1, 0x42, 0x93, 0x54, 0xe5, 0x66, 0x87, 0x78, 0xf9
area:
    .zero SPAN
.text

iterations 40
.include "runtime.inc"
