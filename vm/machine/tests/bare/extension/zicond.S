# Zicond: conditional zeroing.
# Specification: Unprivileged, "Zicond".
# Expected: czero.eqz gives zero if rs2 is zero, else rs1; czero.nez the reverse; all 64 bits of rs2 count. riscope
# has Zicond; machines without it pass the portable build.

.include "bare.inc"
.include "bits.inc"

.macro czero.eqz rd, rs1, rs2
    .insn r 0x33, 5, 7, \rd, \rs1, \rs2
.endm

.macro czero.nez rd, rs1, rs2
    .insn r 0x33, 7, 7, \rd, \rs1, \rs2
.endm

test:
case 1                              # does the machine have it?
    on_trap absent
    czero.eqz a0, a0, a0
    check_no_trap
case 2
    binary czero.eqz, 0x123456789abcdef0, 0, 0
    binary czero.eqz, 0x123456789abcdef0, 1, 0x123456789abcdef0
    binary czero.eqz, -1, 0x8000000000000000, -1
    binary czero.eqz, -1, 0x100000000, -1
case 3
    binary czero.nez, 0x123456789abcdef0, 0, 0x123456789abcdef0
    binary czero.nez, 0x123456789abcdef0, 1, 0
    binary czero.nez, -1, 0x8000000000000000, 0
    binary czero.nez, -1, 0x100000000, 0
case 4                              # all registers the same
    li a0, 5
    czero.eqz a0, a0, a0
    check_value a0, 5
    czero.nez a0, a0, a0
    check_zero a0
    czero.nez a0, a0, a0
    check_zero a0
case 5                              # the select of compilers
    li s0, 32
    li a3, 0
1:  andi a0, s0, 1
    li a1, 3
    li a2, 10
    czero.nez a1, a1, a0
    czero.eqz a2, a2, a0
    or a1, a1, a2
    add a3, a3, a1
    addi s0, s0, -1
    bnez s0, 1b
    check_value a3, 16 * 13
    done

absent:
    feature_absent

.include "runtime.inc"
