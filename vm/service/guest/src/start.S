# start.S: the first instructions of the demo guest.
#
# The guest is entered like a Linux kernel (Linux: Documentation/arch/riscv/boot.rst):
# in S-mode, paging and interrupts off, a0 = hart id, a1 = physical address of
# the flattened device tree. There is no stack and nothing is cleared yet.

    .include "demo.inc"

    .section .text.start, "ax"
    .globl  _start
_start:
    csrci   sstatus, SSTATUS_SIE
    csrw    sie, zero
    csrw    satp, zero

    # One hart runs the demo. Firmware with SBI HSM starts only that one; older
    # firmware starts all, so the first to arrive goes on and the others sleep.
    la      t0, boot_taken
    li      t1, 1
    amoswap.w.aq t1, t1, (t0)
    bnez    t1, park

    # Clear .bss, 8 bytes at a time; the linker script aligns both ends.
    la      t0, bss_start
    la      t1, bss_end
1:  sd      zero, 0(t0)
    addi    t0, t0, 8
    bltu    t0, t1, 1b

    # From here on a trap has somewhere to go: `trap_entry` swaps sp with
    # sscratch and so finds a stack of its own.
    la      sp, stack_top
    la      t0, trap_stack_top
    csrw    sscratch, t0
    la      t0, trap_entry
    csrw    stvec, t0

    # Floating point in its initial state: round to nearest, no flags.
    li      t0, SSTATUS_FS_INITIAL
    csrs    sstatus, t0
    csrw    fcsr, zero
    j       main

# Sleeps for ever. With every interrupt disabled in `sie` nothing ends a `wfi`
# for good; the loop is for hardware that may return from it early.
    .globl  park
park:
    csrw    sie, zero
1:  wfi
    j       1b

# In .data and not in .bss, because a late hart must not find it cleared.
    .section .data
    .balign 4
boot_taken:
    .word   0

# The page below the stack stays unmapped, so that an overflow is a page fault
# instead of silent damage.
    .section .stack, "aw", @nobits
    .balign 4096
    .globl  stack_guard
stack_guard:
    .zero   PAGE_SIZE
    .globl  stack_bottom
stack_bottom:
    .zero   4 * PAGE_SIZE
stack_top:
    .zero   PAGE_SIZE
trap_stack_top:
