# sbi.S: calls to the firmware through the supervisor binary interface.
#
# a7 names the extension, a6 the function, a0-a5 carry arguments; the answer is
# a0 = error (0: success) and a1 = value. The firmware keeps every other register.

    .include "demo.inc"

variable have_dbcn
variable have_srst
variable have_time

    .text

# Finds out which optional extensions the firmware has.
    .globl  sbi_probe
sbi_probe:
    enter
    li      a0, SBI_DBCN
    jal     probe_extension
    sd      a0, have_dbcn, t0
    li      a0, SBI_SRST
    jal     probe_extension
    sd      a0, have_srst, t0
    li      a0, SBI_TIME
    jal     probe_extension
    sd      a0, have_time, t0
    leave

# a0 = extension; returns nonzero if there is one.
probe_extension:
    li      a7, SBI_BASE
    li      a6, SBI_BASE_PROBE
    ecall
    # Firmware of SBI 0.1 has no base extension at all and answers with an error.
    snez    a0, a0
    addi    a0, a0, -1              # all ones on success, else zero
    and     a0, a0, a1
    ret

# Asks for a timer interrupt at the time a0 (in ticks of `time`).
    .globl  sbi_set_timer
sbi_set_timer:
    ld      t0, have_time
    li      a7, SBI_LEGACY_SET_TIMER
    beqz    t0, 1f
    li      a7, SBI_TIME
    li      a6, SBI_TIME_SET_TIMER
1:  ecall
    ret

# Writes a1 bytes from the physical address a0 to the console.
    .globl  sbi_console_write
sbi_console_write:
    enter   2
    mv      s0, a0
    add     s1, a0, a1              # end
    ld      t0, have_dbcn
    beqz    t0, 2f

    # Debug console: takes a buffer, says how much of it went out.
1:  bgeu    s0, s1, 3f
    sub     a0, s1, s0
    mv      a1, s0
    li      a2, 0                   # upper half of an address wider than XLEN
    li      a7, SBI_DBCN
    li      a6, SBI_DBCN_WRITE
    ecall
    bnez    a0, 2f                  # refused: try the old way
    add     s0, s0, a1
    j       1b

    # Legacy call: one byte a time.
2:  bgeu    s0, s1, 3f
    lbu     a0, 0(s0)
    li      a7, SBI_LEGACY_PUTCHAR
    ecall
    addi    s0, s0, 1
    j       2b
3:  leave   2

# Switches the machine off; a0 = reason (SRST_REASON_*). Does not return.
    .globl  power_off
power_off:
    mv      a1, a0
    ld      t0, have_srst
    beqz    t0, 1f
    li      a0, SRST_TYPE_SHUTDOWN
    li      a7, SBI_SRST
    li      a6, SBI_SRST_RESET
    ecall
    # Without the extension, or if it failed. This call knows no reason.
1:  li      a7, SBI_LEGACY_SHUTDOWN
    ecall
    j       park
