# What a debugger in the guest finds out about triggers.
# Specification: Debug, "Trigger Module", "Enumeration" and "Trigger Info (tinfo)".
# Expected: tinfo of a trigger that exists has the bit of its type; where there is none, only bit 0. Only M-mode may
# look. Machines without tinfo pass the portable build; riscope, which has no triggers, has it.

.include "bare.inc"

.equ TSELECT, 0x7a0
.equ TDATA1, 0x7a1
.equ TINFO, 0x7a4

test:
case 1
    on_trap absent
    csrwi TSELECT, 0
    csrr a0, TINFO
    check_no_trap
case 2                              # the type of the first trigger, 0 if there is none
    csrr a1, TDATA1
    srli a1, a1, 60
    bnez a1, 1f
    check_value a0, 1
    j 2f
1:  srl a1, a0, a1
    andi a1, a1, 1
    check_nonzero a1
2:
case 3                              # tells the same after a write
    csrw TINFO, zero
    csrr a1, TINFO
    check_eq a1, a0
case 4
    illegal_in PRV_S, csrr a0, TINFO
    illegal_in PRV_U, csrr a0, TINFO
    done

absent:
    feature_absent

.include "runtime.inc"
