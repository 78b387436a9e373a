# main.S: sets the guest up and runs its phases one after the other.
#
# A phase is a row of `phase_table`: a name and three functions. `setup` runs
# once when the phase begins; `step` does some milliseconds of work and checks
# it, again and again until the time is over; `report` adds results to the line
# that closes the phase. A step that finds a wrong result does not return: it
# jumps to `fail`.

    .include "demo.inc"

variable hart_id
variable boot_time              # value of `time` at entry
variable current_phase          # row of the running phase, or 0

    .section .rodata
    .balign 8
    .globl  phase_table
phase_table:
    .dword  name_integer, integer_setup, integer_step, integer_report
    .dword  name_float,   float_setup,   float_step,   float_report
    .dword  name_memory,  memory_setup,  memory_step,  memory_report
    .dword  name_churn,   churn_setup,   churn_step,   churn_report
name_integer:
    .asciz  "integer"
name_float:
    .asciz  "float"
name_memory:
    .asciz  "memory"
name_churn:
    .asciz  "churn"

    .text

# a0 = hart id, a1 = device tree. Does not return.
    .globl  main
main:
    rdtime  t0
    sd      t0, boot_time, t1
    sd      a0, hart_id, t1
    mv      s0, a1
    jal     sbi_probe               # first, because it finds the console
    mv      a0, s0
    jal     fdt_read
    ld      a0, bootargs
    jal     options_read
    jal     paging_enable
    jal     timer_start
    jal     print_banner

    li      s0, 0                   # rounds done
1:  addi    s0, s0, 1
    li      s1, 0                   # place in the order of phases
2:  la      t0, phase_order
    add     t0, t0, s1
    lbu     t0, 0(t0)
    slli    t0, t0, 5               # times PHASE_ROW_BYTES
    la      a0, phase_table
    add     a0, a0, t0
    mv      a1, s0
    jal     run_phase
    addi    s1, s1, 1
    ld      t0, phase_count
    bltu    s1, t0, 2b

    ld      t0, option_cycles       # 0: for ever, and a round is never the 0th
    bne     s0, t0, 1b

    jal     print_time
    print   "powering off after rounds: "
    mv      a0, s0
    jal     put_decimal
    print   "\r\n"
    li      a0, SRST_REASON_NONE
    j       power_off

# Runs the phase of row a0 for the time or the steps asked for; a1 = number of
# the round.
run_phase:
    enter   5
    mv      s0, a0
    mv      s4, a1
    sd      a0, current_phase, t0
    jal     print_time
    print   "round "
    mv      a0, s4
    jal     put_decimal
    print   ", "
    ld      a0, PHASE_NAME(s0)
    jal     put_string
    print   "\r\n"

    rdtime  s1                      # when the phase ends
    ld      t0, option_seconds
    ld      t1, time_base
    mul     t0, t0, t1
    add     s1, s1, t0
    ld      s2, ticks               # to tell what this phase alone has caused
    ld      s3, page_faults
    li      s4, 0                   # steps

    ld      t0, PHASE_SETUP(s0)
    jalr    t0
1:  ld      t0, PHASE_STEP(s0)
    jalr    t0
    addi    s4, s4, 1
    ld      t1, option_steps
    bgtu    t1, s4, 1b
    bnez    t1, 3f
    rdtime  t0
    bltu    t0, s1, 1b

    # A second has a hundred ticks: none at all means that no interrupt came. Some
    # steps may take less than one.
3:  ld      t0, ticks
    sub     s2, t0, s2
    or      t1, t1, s2
    bnez    t1, 2f
    text    a0, "no timer interrupt"
    j       fail
2:  ld      t0, page_faults
    sub     s3, t0, s3
    jal     print_time
    ld      a0, PHASE_NAME(s0)
    jal     put_string
    print   " ok: "
    mv      a0, s4
    jal     put_decimal
    print   " steps, "
    mv      a0, s2
    jal     put_decimal
    print   " timer interrupts, "
    mv      a0, s3
    jal     put_decimal
    print   " page faults"
    ld      t0, PHASE_REPORT(s0)
    jalr    t0
    print   "\r\n"
    sd      zero, current_phase, t0
    leave   5

# Says what was found: in the device tree, in the firmware, in the options.
print_banner:
    enter   1
    print   "\r\nriscope demo: an S-mode guest on hart "
    ld      a0, hart_id
    jal     put_decimal
    print   ", RAM "
    ld      a0, ram_size
    srli    a0, a0, 20
    jal     put_decimal
    print   " MiB, Sv39, timer by "
    text    a0, "SBI"
    ld      t0, have_sstc
    beqz    t0, 1f
    text    a0, "Sstc"
1:  jal     put_string
    print   ", console by "
    text    a0, "SBI DBCN"
    ld      t0, have_dbcn
    bnez    t0, 2f
    text    a0, "SBI putchar"
2:  jal     put_string
    print   "\r\n"
    print   "options: demo.seconds="
    ld      a0, option_seconds
    jal     put_decimal
    print   " demo.cycles="
    ld      a0, option_cycles
    jal     put_decimal
    print   " demo.steps="
    ld      a0, option_steps
    jal     put_decimal
    print   " demo.phases="

    li      s0, 0
3:  la      t0, phase_order
    add     t0, t0, s0
    lbu     t0, 0(t0)
    slli    t0, t0, 5
    la      t1, phase_table
    add     t0, t0, t1
    ld      a0, PHASE_NAME(t0)
    jal     put_string
    addi    s0, s0, 1
    ld      t0, phase_count
    bgeu    s0, t0, 4f
    print   ","
    j       3b
4:  print   "\r\n"
    leave   1

# Prints the time since entry in seconds.
print_time:
    enter   1
    rdtime  a0
    ld      t0, boot_time
    sub     a0, a0, t0
    li      t0, 1000
    mul     a0, a0, t0
    ld      t1, time_base
    divu    s0, a0, t1              # milliseconds
    print   "["
    li      t0, 1000
    divu    a0, s0, t0
    jal     put_decimal
    print   "."
    li      t0, 1000
    remu    a0, s0, t0
    li      a1, 3
    jal     put_digits
    print   "] "
    leave   1

# Reports a wrong result or state (a0 = message) and switches the machine off
# as failed. Does not return.
    .globl  fail
fail:
    csrci   sstatus, SSTATUS_SIE
    mv      s0, a0
    print   "\r\nFAIL: "
    ld      t0, current_phase
    beqz    t0, 1f
    ld      a0, PHASE_NAME(t0)
    jal     put_string
    print   ": "
1:  mv      a0, s0
    jal     put_string
    print   "\r\n"
    li      a0, SRST_REASON_FAILURE
    j       power_off
