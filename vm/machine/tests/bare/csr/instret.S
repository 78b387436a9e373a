# minstret counts retired instructions, exactly.
# Specification: Privileged, "Hardware Performance Monitor" (a write to minstret takes effect after the writing
# instruction, which itself does not count); Unprivileged, "Zicsr" and "Zicntr"; Privileged, "Environment Call and
# Breakpoint" (ecall and ebreak do not retire).
# Expected: the next reading after a write is the value written; each instruction between adds one, be it compressed,
# a branch, or in a loop; an instruction that traps adds none, wherever in a block it stands; traps and returns
# themselves add none.

.include "bare.inc"

test:
    addi sp, sp, -16
case 1                              # written value is read next
    li t0, 0x123456789
    csrw minstret, t0
    csrr a0, minstret
    check_eq a0, t0
case 2
    csrw minstret, zero
    c.nop
    csrr a0, minstret
    check_value a0, 1
case 3
    csrr a0, minstret
    csrr a1, minstret
    sub a1, a1, a0
    check_value a1, 1
case 4
    csrw minstret, zero
    addi a1, a1, 1
    c.addi a1, 1
    mul a2, a1, a1
    sd a2, 0(sp)
    ld a3, 0(sp)
    fence
    lui a4, 5
    csrr a0, minstret
    check_value a0, 7
case 5                              # a hot loop
    csrw minstret, zero
    li a1, 1000
1:  addi a1, a1, -1
    bnez a1, 1b
    csrr a0, minstret
    check_value a0, 2001
case 6                              # branches taken and not
    csrw minstret, zero
    beqz zero, 1f
    nop
1:  bnez zero, 1f
    j 1f
    nop
1:  csrr a0, minstret
    check_value a0, 3
case 7                              # calls and returns, a page boundary on the way
    csrw minstret, zero
    jal ra, page_end
    csrr a0, minstret
    check_value a0, 5
case 8                              # wraps at 64 bits
    li t0, -1
    csrw minstret, t0
    nop
    csrr a0, minstret
    check_zero a0
case 9                              # an ecall does not retire
    la t0, read_at_once
    csrw mtvec, t0
    csrw minstret, zero
    nop
    ecall                           # returns behind itself
    check_value a0, 1
case 10                             # nor does an ebreak, nor an illegal instruction
    csrw minstret, zero
    nop
    nop
    .option norvc
    ebreak
    .option rvc
    check_value a0, 2
    csrw minstret, zero
    nop
    .4byte 0xffffffff
    check_value a0, 1
case 11                             # nor a load that faults, in the middle of a block
    li a1, VACANT_ADDRESS
    csrw minstret, zero
    addi a2, a2, 1
    addi a2, a2, 1
    addi a2, a2, 1
    .option norvc
    lw a3, 0(a1)
    .option rvc
    check_value a0, 3
case 12                             # a trap in a loop that has run often
    li a2, 200
    la a1, trap_record
    csrw minstret, zero
1:  addi a2, a2, -1
    lw a3, 0(a1)
    bnez a2, 1b
    lui a1, VACANT_ADDRESS >> 12
    .option norvc
    lw a3, 0(a1)
    .option rvc
    check_value a0, 601
case 13                             # mret retires
    la t0, 1f
    csrw mepc, t0
    li t0, STATUS_MPP
    csrs mstatus, t0
    csrw minstret, zero
    mret
    nop
1:  csrr a0, minstret
    check_value a0, 1
case 14                             # instret is the same register
    li t0, 0x777
    csrw minstret, t0
    csrr a0, instret
    check_eq a0, t0
case 15                             # counts in U-mode
    csrwi mcounteren, COUNTEREN_IR
    csrwi scounteren, COUNTEREN_IR
    la t0, m_trap
    csrw mtvec, t0
    run_in PRV_U, read_twice
    sub a1, a1, a0
    check_value a1, 4
case 16                             # mcountinhibit written without a change
    csrwi mcountinhibit, 0
    csrw minstret, zero
    csrwi mcountinhibit, 0
    csrwi mcountinhibit, 0
    csrr a0, minstret
    check_value a0, 2
case 17                             # a store that interrupts the hart itself counts once, and so does what follows it
    li a1, CLINT_MSIP
    csrw mie, zero
    li a2, 1
    csrw minstret, zero
    sw a2, 0(a1)
    sw zero, 0(a1)
    nop
    csrr a0, minstret
    check_value a0, 3
    addi sp, sp, 16
    done

read_twice:
    csrr a0, instret
    addi a2, a2, 1
    addi a2, a2, 1
    addi a2, a2, 1
    csrr a1, instret
    ecall

# Reads minstret as the very first thing of the trap, then goes on behind the instruction of four bytes.
.balign 4
.option norvc
read_at_once:
    csrr a0, minstret
    csrr t0, mepc
    addi t0, t0, 4
    csrw mepc, t0
    mret
.option rvc

.balign 4096
    .zero 4096 - 4
page_end:
    addi a1, a1, 1
    addi a1, a1, 1
    addi a1, a1, 1
    ret

.include "runtime.inc"
