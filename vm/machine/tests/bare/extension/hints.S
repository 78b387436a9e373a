# Instructions that do nothing: hints, fences, and everything with x0 as its destination.
# Specification: Unprivileged, "RV32I", "RV64I" and "C" ("HINT Instructions"), "Memory Ordering Instructions",
# "Zihintpause", "Zicbop" (prefetches are hints).
# Expected: none of them traps or changes a register or memory; reserved fields of FENCE and FENCE.I are ignored; a
# load to x0 still takes its fault.

.include "bare.inc"

test:
    li a0, 0x1111
    li a1, 0x2222
    la s0, cell
    sd a1, 0(s0)
case 1                              # results for x0
    addi zero, a0, 5
    add zero, a0, a1
    lui zero, 0x12345
    auipc zero, 1
    sltu zero, a0, a1
    slli zero, a0, 3
    srai zero, a0, 1
    mul zero, a0, a1
    divu zero, a0, zero
    addw zero, a0, a1
    ld zero, 0(s0)
    amoadd.d zero, zero, (s0)
    csrr zero, mscratch
    check_zero zero
case 2                              # compressed hints
    .2byte 0x0005                   # c.nop 1
    .2byte 0x4015                   # c.li x0, 5
    .2byte 0x6015                   # c.lui x0, 5
    .2byte 0x0012                   # c.slli x0, 4
    .2byte 0x802e                   # c.mv x0, a1
    .2byte 0x902e                   # c.add x0, a1
    .2byte 0x900a                   # c.add x0, x2: c.ntl.p1
    .2byte 0x8101                   # c.srli a0, 0
    .2byte 0x8501                   # c.srai a0, 0
    .2byte 0x0502                   # c.slli a0, 0
    check_value a0, 0x1111
case 3                              # fences of every kind
    fence
    fence rw, w
    fence r, r
    fence w, i
    .4byte 0x0000000f               # empty sets
    .4byte 0x8330000f               # fence.tso
    .4byte 0x1330000f               # reserved fm: an ordinary fence
    .4byte 0x0ff5050f               # reserved rd and rs1
    .4byte 0x0100000f               # pause
    fence.i
    .4byte 0x0015150f               # fence.i with reserved fields
case 4                              # prefetches
    .4byte 0x00056013               # prefetch.i 0(a0)
    .4byte 0x00156013               # prefetch.r 0(a0): an address where nothing is
    .4byte 0x00356013               # prefetch.w 0(a0)
    .4byte 0xfe356013               # prefetch.w -32(a0)
    ori zero, a0, 5
case 5                              # non-temporal hints and semihosting markers
    add zero, zero, x2
    add zero, zero, x3
    add zero, zero, x4
    add zero, zero, x5
    slli zero, zero, 0x1f
    srai zero, zero, 7
case 6                              # nothing has changed
    check_value a0, 0x1111
    check_value a1, 0x2222
    ld t0, 0(s0)
    check_value t0, 0x2222
    check_zero zero
case 7                              # a load to x0 is a load
    li a0, VACANT_ADDRESS
    on_trap 1f
2:  lw zero, 0(a0)
    j fail
1:  check_cause CAUSE_LOAD_ACCESS
    la t0, 2b
    check_epc_is t0
    check_tval_is a0
case 8                              # jumps that link to x0
    la t0, 1f
    jr t0
    j fail
1:  jal zero, 1f
    j fail
1:  check_zero zero
case 9                              # in U-mode
    run_in PRV_U, user
    check_ecall_from PRV_U
    check_value a0, VACANT_ADDRESS
    done

user:
    fence
    fence.i
    .4byte 0x0100000f
    .4byte 0x00156013
    .2byte 0x0005
    lui zero, 5
    ecall

.section .data
.balign 8
cell:
    .dword 0
.text

.include "runtime.inc"
