# Where a region begins and ends: NA4, NAPOT of every size up to a page and beyond, and TOR.
# Specification: Privileged, "Address Matching".
# Expected: with the region allowing nothing and everything else allowed, exactly the words of the region are denied;
# with the region alone allowed, exactly its words are allowed. TOR from entry 0 starts at address 0, an empty or
# reversed TOR range matches nothing. (Granularity 4, which every machine at hand has.)

.include "bare.inc"
.text
.include "pmp.inc"

# Probes words from 32 bytes before the region to 32 bytes behind it, at its middle, and in far places. s2: start, s3:
# end of the region, s4: 1 if the region is what is allowed.
.macro probe_region start, bytes
    la s2, \start
    li s3, \bytes
    add s3, s3, s2
    jal s9, probe
.endm

# Entry 2 is the region and denies; then it is all that is allowed.
.macro deny_then_allow config, start, bytes
    pmp_config (\config << 16) | PMP_ALL_IN_7
    li s4, 0
    probe_region \start, \bytes
    pmp_config ((\config | PMP_R | PMP_W) << 16)
    li s4, 1
    probe_region \start, \bytes
.endm

test:
    pmp_all_address_in_7
case 1                              # NA4
    pmp_address 2, area, 2048
    deny_then_allow PMP_NA4, area + 2048, 4
    pmp_address 2, area, 4092
    deny_then_allow PMP_NA4, area + 4092, 4
case 2                              # NAPOT
    .irp size, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384
    pmp_napot 2, area, \size
    deny_then_allow PMP_NAPOT, area, \size
    .endr
    pmp_napot 2, area + 4096 - 64, 64
    deny_then_allow PMP_NAPOT, area + 4096 - 64, 64
case 3                              # TOR
    .irp bytes, 4, 8, 60, 4096, 4100
    pmp_address 1, area, 100
    pmp_address 2, area, 100 + \bytes
    deny_then_allow PMP_TOR, area + 100, \bytes
    .endr
case 4                              # TOR of entry 0 starts at 0
    pmp_address 0, area, 64
    pmp_config PMP_TOR | PMP_ALL_IN_7
    .irp offset, -4096, -4, 0, 60
    la s0, area + (\offset)
    load_as_user lw, s0, 1f
    j fail
1:  check_cause CAUSE_LOAD_ACCESS
    check_tval_is s0
    .endr
    la s0, area + 64
    load_as_user lw, s0, fail
case 5                              # empty and reversed ranges match nothing
    pmp_address 1, area, 64
    pmp_address 2, area, 64
    pmp_config (PMP_TOR << 16) | PMP_ALL_IN_7
    la s0, area + 60
    load_as_user lw, s0, fail
    la s0, area + 64
    load_as_user lw, s0, fail
    pmp_address 2, area, 32
    pmp_config (PMP_TOR << 16) | PMP_ALL_IN_7
    la s0, area + 32
    load_as_user lw, s0, fail
    la s0, area + 60
    load_as_user lw, s0, fail
case 6                              # the lower bound counts whatever the mode of the entry before
    pmp_address 1, area, 64
    pmp_address 2, area, 128
    pmp_config ((PMP_NA4 | PMP_RWX) << 8) | (PMP_TOR << 16) | PMP_ALL_IN_7
    la s0, area + 64                # entry 1 allows the first word
    load_as_user lw, s0, fail
    la s0, area + 68
    load_as_user lw, s0, 1f
    j fail
1:  check_cause CAUSE_LOAD_ACCESS
    done

# The words around the start and the end of the region.
probe:
    addi s0, s2, -32
    jal s10, probe_words
    addi s0, s3, -32
    jal s10, probe_words
    jr s9

# The sixteen words from s0.
probe_words:
    addi s1, s0, 64
1:  sltu t1, s0, s2
    xori t1, t1, 1
    sltu t2, s0, s3
    and t1, t1, t2
    xor s5, t1, s4                  # inside and denying, or outside and allowing: no access
    load_as_user lw, s0, 2f
    check_zero s5
    j 3f
2:  check_cause CAUSE_LOAD_ACCESS
    check_tval_is s0
    check_nonzero s5
3:  addi s0, s0, 4
    bne s0, s1, 1b
    jr s10

.section .data
.balign 16384
before:
    .zero 16384
area:
    .zero 16384
    .zero 4096
.text

iterations 5
.include "runtime.inc"
