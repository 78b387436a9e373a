# Data on the pages that the running code is on.
# Specification: Unprivileged, "Zifencei" (only stores to instructions need it).
# Expected: stores next to hot code, without any FENCE.I, change the data and nothing else; the code keeps running as
# it is.

.include "bare.inc"
.include "code.inc"
.text

test:
case 1                              # counters of every width on the page of the loop
    la s1, counters
    sd zero, 0(s1)
    sd zero, 8(s1)
    li s0, HOT_CALLS
    .balign 4096
    nop
1:  lw t0, 0(s1)
    addi t0, t0, 1
    sw t0, 0(s1)
    ld t0, 8(s1)
    addi t0, t0, 3
    sd t0, 8(s1)
    addi s0, s0, -1
    bnez s0, 1b
    lw t0, 0(s1)
    check_value t0, HOT_CALLS
    ld t0, 8(s1)
    check_value t0, 3 * HOT_CALLS
    j 2f
    .balign 8
counters:
    .zero 16
2:
case 2                              # an atomic counter
    la s1, counters
    sd zero, 0(s1)
    li s0, HOT_CALLS
    li t1, 2
1:  amoadd.w t0, t1, (s1)
    addi s0, s0, -1
    bnez s0, 1b
    lw t0, 0(s1)
    check_value t0, 2 * HOT_CALLS
case 3                              # bytes right beside the instructions of the loop
    la s1, 2f
    sd zero, 0(s1)
    li s0, HOT_CALLS
    j 1f
    .balign 8
2:  .dword 0
1:  lbu t0, 0(s1)
    addi t0, t0, 1
    sb t0, 0(s1)
    addi s0, s0, -1
    bnez s0, 1b
    lbu t0, 0(s1)
    check_value t0, HOT_CALLS & 255
case 4                              # a stack that grows over the page of the code that uses it
    mv s4, sp
    la sp, stack_on_code_page
    li s0, HOT_CALLS
    li a3, 0
1:  jal ra, push_and_pop
    addi s0, s0, -1
    bnez s0, 1b
    mv sp, s4
    check_value a3, HOT_CALLS
    done

push_and_pop:
    addi sp, sp, -16
    sd ra, 8(sp)
    addi a3, a3, 1
    ld ra, 8(sp)
    addi sp, sp, 16
    ret
    .balign 16
    .zero 64
stack_on_code_page:

iterations 1
.include "runtime.inc"
