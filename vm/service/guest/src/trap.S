# trap.S: the trap handler and the timer.
#
# Every trap comes to `trap_entry` with interrupts off. Outside the handler
# sscratch holds the top of the trap stack, inside it the sp of the code that
# was interrupted. There is no U-mode here: both sides run in S-mode and share
# all registers, so the handler saves what a function call may change. It uses
# no floating point, hence those registers need no saving.

    .include "demo.inc"

    .equ SAVED_REGISTERS, 16        # ra, t0-t6, a0-a7
    .equ SAVED_BYTES, SAVED_REGISTERS * 8

variable ticks                      # timer interrupts taken
variable tick_interval              # in ticks of `time`
variable next_tick

    .text

    .balign 4                       # stvec has the mode in its two low bits
    .globl  trap_entry
trap_entry:
    csrrw   sp, sscratch, sp
    addi    sp, sp, -SAVED_BYTES
    .set    slot, 0
    .irp    register, ra, t0, t1, t2, t3, t4, t5, t6, a0, a1, a2, a3, a4, a5, a6, a7
    sd      \register, slot(sp)
    .set    slot, slot + 8
    .endr

    # Bit 63 of scause tells interrupts from exceptions.
    csrr    t0, scause
    bgez    t0, 1f
    slli    t0, t0, 1
    srli    t0, t0, 1
    li      t1, INTERRUPT_TIMER
    bne     t0, t1, unexpected_trap
    jal     timer_tick
    j       2f
1:  li      t1, EXCEPTION_LOAD_PAGE
    beq     t0, t1, 3f
    li      t1, EXCEPTION_STORE_PAGE
    bne     t0, t1, unexpected_trap
3:  csrr    a0, stval
    jal     map_on_demand
    beqz    a0, unexpected_trap

2:  .set    slot, 0
    .irp    register, ra, t0, t1, t2, t3, t4, t5, t6, a0, a1, a2, a3, a4, a5, a6, a7
    ld      \register, slot(sp)
    .set    slot, slot + 8
    .endr
    addi    sp, sp, SAVED_BYTES
    csrrw   sp, sscratch, sp
    sret                            # after a page fault: the same instruction again

unexpected_trap:
    print   "\r\nscause "
    csrr    a0, scause
    jal     put_hex
    print   ", sepc "
    csrr    a0, sepc
    jal     put_hex
    print   ", stval "
    csrr    a0, stval
    jal     put_hex
    text    a0, "unexpected trap"
    j       fail

# Starts the tick and lets interrupts in.
    .globl  timer_start
timer_start:
    enter
    ld      t0, time_base
    li      t1, TICKS_PER_SECOND
    divu    t0, t0, t1
    sd      t0, tick_interval, t1
    rdtime  a0
    add     a0, a0, t0
    sd      a0, next_tick, t1
    jal     timer_program
    li      t0, SIE_STIE
    csrs    sie, t0
    csrsi   sstatus, SSTATUS_SIE
    leave

# Counts a tick and arms the next one. A hart that was held up for longer than
# an interval drops the ticks it missed.
timer_tick:
    enter
    ld      t0, ticks
    addi    t0, t0, 1
    sd      t0, ticks, t1
    ld      a0, next_tick
    ld      t0, tick_interval
    add     a0, a0, t0
    rdtime  t1
    bltu    t1, a0, 1f
    add     a0, t1, t0
1:  sd      a0, next_tick, t1
    jal     timer_program
    leave

# Sets the time a0 of the next timer interrupt, which also ends a pending one.
timer_program:
    ld      t0, have_sstc
    beqz    t0, sbi_set_timer
    csrw    STIMECMP, a0
    ret

# Sleeps until the time a0. The interrupts of the tick end each `wfi`; between
# looking at the clock and `wfi` none may be taken, or it would be slept through.
    .globl  sleep_until
sleep_until:
1:  csrci   sstatus, SSTATUS_SIE
    rdtime  t0
    bgeu    t0, a0, 2f
    wfi                             # wakes on a pending interrupt, enabled or not
    csrsi   sstatus, SSTATUS_SIE    # taken here
    j       1b
2:  csrsi   sstatus, SSTATUS_SIE
    ret
