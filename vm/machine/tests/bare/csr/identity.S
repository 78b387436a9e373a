# Registers that say what the machine is, and counters that may be fixed to zero.
# Specification: Privileged, "Machine Vendor ID (mvendorid)" to "Hart ID (mhartid)", "Machine Configuration Pointer
# (mconfigptr)", "Hardware Performance Monitor".
# Expected: all are readable in M-mode; mhartid of the first hart is zero; mvendorid has 32 bits; the event counters 3
# to 31 and their selectors exist.

.include "bare.inc"

test:
case 1
    csrr a0, mhartid
    check_zero a0
case 2
    csrr a0, mvendorid
    srli a0, a0, 32
    check_zero a0
    csrr a0, marchid
    csrr a0, mimpid
    csrr a0, mconfigptr
case 3                              # mcycle never goes backwards
    csrr a0, mcycle
    .rept 8
    csrr a1, mcycle
    bltu a1, a0, fail
    mv a0, a1
    .endr
case 4                              # mcycle can be written
    li a0, 0x7000000000000000
    csrw mcycle, a0
    csrr a1, mcycle
    bltu a1, a0, fail
    csrr a2, cycle
    bltu a2, a1, fail
case 5                              # the event counters
    .irp n, 3, 4, 15, 31
    csrr a0, mhpmcounter\n
    csrr a0, mhpmevent\n
    csrr a0, hpmcounter\n
    .endr
case 6                              # mcountinhibit: TIME has no bit
    csrr s0, mcountinhibit
    csrwi mcountinhibit, 2
    csrr a0, mcountinhibit
    csrw mcountinhibit, s0
    andi a0, a0, 2
    check_zero a0
    done

.include "runtime.inc"
