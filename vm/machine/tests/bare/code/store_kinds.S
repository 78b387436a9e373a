# Every instruction that can store changes code.
# Specification: Unprivileged, "Zifencei"; the chapters of the stores: "RV64I", "A", "F", "D", "C", "Zicboz".
# Expected: after FENCE.I the function returns what the store has made of it, for bytes to double words, compressed
# stores, floating-point stores, AMOs, SC, a misaligned store over the end of an instruction, and the zeroing of a
# cache block.

.include "bare.inc"
.include "code.inc"
.text

.equ WARM, 200

# The function as it was, run until it is translated.
.macro warm
    li t1, INSN_LI_A0 | (1 << 20)
    sw t1, 0(s1)
    li t1, INSN_RET
    sw t1, 4(s1)
    fence.i
    calls_return s1, WARM, 1
.endm

.macro now_returns number
    fence.i
    calls_return s1, WARM, \number
.endm

test:
    la s1, function
    li s2, INSN_LI_A0 | (2 << 20)
    li s3, (INSN_RET << 32) | INSN_LI_A0 | (3 << 20)
    li t0, STATUS_FS_INITIAL
    csrs mstatus, t0
case 1                              # sb: bits 11:4 of the immediate
    warm
    li t1, 0x7f
    sb t1, 3(s1)
    now_returns 0x7f1
case 2                              # sh: the upper half
    warm
    li t1, 7 << 4
    sh t1, 2(s1)
    now_returns 7
case 3                              # sw
    warm
    sw s2, 0(s1)
    now_returns 2
case 4                              # sd
    warm
    sd s3, 0(s1)
    now_returns 3
case 5                              # c.sw and c.sd
    warm
    mv a1, s1
    mv a2, s2
    c.sw a2, 0(a1)
    now_returns 2
    mv a2, s3
    c.sd a2, 0(a1)
    now_returns 3
case 6                              # c.swsp and c.sdsp
    warm
    mv s4, sp
    mv sp, s1
    c.swsp s2, 0(sp)
    mv sp, s4
    now_returns 2
    mv sp, s1
    c.sdsp s3, 0(sp)
    mv sp, s4
    now_returns 3
case 7                              # fsw and fsd
    warm
    fmv.w.x fa0, s2
    fsw fa0, 0(s1)
    now_returns 2
    fmv.d.x fa0, s3
    fsd fa0, 0(s1)
    now_returns 3
case 8                              # AMOs
    warm
    amoswap.w t1, s2, (s1)
    now_returns 2
    li t1, 1 << 20
    amoadd.w t1, t1, (s1)
    now_returns 3
    amoswap.d t1, s3, (s1)
    now_returns 3
    li t1, 4 << 20
    amoor.d t1, t1, (s1)
    now_returns 7
    li t1, ~(2 << 20)
    amoand.w t1, t1, (s1)
    now_returns 5
    li t1, 4 << 20
    amoxor.w t1, t1, (s1)
    now_returns 1
    amomax.w t1, s2, (s1)
    now_returns 2
    li t1, INSN_LI_A0 | (1 << 20)
    amominu.w t1, t1, (s1)
    now_returns 1
case 9                              # SC
    warm
1:  lr.w t1, (s1)
    sc.w t1, s2, (s1)
    bnez t1, 1b
    now_returns 2
1:  lr.d t1, (s1)
    sc.d t1, s3, (s1)
    bnez t1, 1b
    now_returns 3
case 10                             # an SC that fails changes nothing
    warm
    lr.w t1, (sp)
    sc.w t1, s2, (s1)
    beqz t1, 1f                     # it may not fail where the reservation covers both; here it must
    now_returns 1
    j 2f
1:  j fail
2:
case 11                             # a misaligned store over both instructions
    warm
    on_trap 1f
    li t1, (INSN_RET & 0xffff) << 16 | (9 << 4)
    sw t1, 2(s1)
    check_no_trap
    now_returns 9
    j 2f
1:  check_cause CAUSE_STORE_MISALIGNED
    .ifdef REQUIRE_ALL
    j fail
    .endif
2:
case 12                             # a block zeroed
    probe_csr_bits menvcfg, ENVCFG_CBZE, no_cboz
    warm
    on_trap no_cboz
    cbo.zero 0(s1)
    check_no_trap
    fence.i
    on_trap 1f
    jalr ra, 0(s1)
    j fail
1:  check_cause CAUSE_ILLEGAL
    check_epc function
    done

no_cboz:
    feature_absent

.section .data
.balign 4096
function:
    .zero 4096
.text

iterations 10
.include "runtime.inc"
