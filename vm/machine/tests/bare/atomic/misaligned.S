# Atomic accesses to addresses that are no multiple of their size.
# Specification: Unprivileged, "A" (LR and SC must be naturally aligned; AMOs too outside a misaligned atomicity
# granule): an address-misaligned or an access-fault exception.
# Expected: LR: cause 4 or 5; SC and AMO: cause 6 or 7 (an SC may fail instead, an AMO within an atomicity granule may
# complete); tval is the address, rd and memory stay as they were.

.include "bare.inc"

# \load reads what an AMO that completes must return.
.macro misaligned instruction, offset, first, second, load
    li a1, 77
    addi a0, s0, \offset
    on_trap 1f
2:  \instruction
    .ifnb \load
    check_no_trap
    sd s1, 0(s0)
    sd s1, 8(s0)
    \load a2, 0(a0)
    check_eq a1, a2
    j 3f
    .else
    j fail
    .endif
1:  trap_field t0, TRAP_CAUSE
    check_either t0, \first, \second
    la t0, 2b
    check_epc_is t0
    check_tval_is a0
    check_value a1, 77
3:
.endm

test:
    la s0, cell
    li s1, 0x123456789abcdef0
    sd s1, 0(s0)
    sd s1, 8(s0)
case 1                              # LR
    .irp offset, 1, 2, 3, 5
    misaligned "lr.w a1, (a0)", \offset, CAUSE_LOAD_MISALIGNED, CAUSE_LOAD_ACCESS
    .endr
    .irp offset, 1, 2, 4, 7
    misaligned "lr.d a1, (a0)", \offset, CAUSE_LOAD_MISALIGNED, CAUSE_LOAD_ACCESS
    .endr
case 2                              # AMO
    .irp offset, 1, 2, 3
    misaligned "amoadd.w a1, a1, (a0)", \offset, CAUSE_STORE_MISALIGNED, CAUSE_STORE_ACCESS, lw
    misaligned "amoswap.w a1, a1, (a0)", \offset, CAUSE_STORE_MISALIGNED, CAUSE_STORE_ACCESS, lw
    misaligned "amomaxu.w a1, a1, (a0)", \offset, CAUSE_STORE_MISALIGNED, CAUSE_STORE_ACCESS, lw
    .endr
    .irp offset, 1, 2, 4, 7
    misaligned "amoadd.d a1, a1, (a0)", \offset, CAUSE_STORE_MISALIGNED, CAUSE_STORE_ACCESS, ld
    misaligned "amoand.d a1, a1, (a0)", \offset, CAUSE_STORE_MISALIGNED, CAUSE_STORE_ACCESS, ld
    .endr
case 3                              # SC
    .irp offset, 1, 2, 3
    lr.w a2, (s0)
    li a1, 77
    addi a0, s0, \offset
    on_trap 1f
    sc.w a1, a1, (a0)
    check_no_trap
    check_nonzero a1
    j 2f
1:  trap_field t0, TRAP_CAUSE
    check_either t0, CAUSE_STORE_MISALIGNED, CAUSE_STORE_ACCESS
    check_tval_is a0
    check_value a1, 77
2:
    .endr
case 4                              # memory is as it was
    ld t0, 0(s0)
    check_eq t0, s1
    ld t0, 8(s0)
    check_eq t0, s1
    done

.section .data
.balign 64
cell:
    .zero 64
.text

iterations 200
.include "runtime.inc"
