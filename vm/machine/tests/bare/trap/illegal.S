# Encodings that are no instruction, and what the trap value says of them.
# Specification: Unprivileged, "Expanded Instruction-Length Encoding" (all zeros and all ones are illegal), and the
# reserved encodings of each chapter; Privileged, "Machine Trap Value (mtval)".
# Expected: cause 2, epc is the instruction, tval is zero or the instruction's own 16 or 32 bits, zero-extended. For
# encodings that are only reserved the specification leaves the behaviour open; riscope, as the reference machines do,
# raises the exception.

.include "bare.inc"

# An encoding of 32 bits, executed in M-mode.
.macro illegal_word bits
    on_trap 9998f
    .balign 4
9997:
    .4byte \bits
    j fail
9998:
    check_cause CAUSE_ILLEGAL
    check_epc 9997b
    check_tval_zero_or \bits
.endm

# An encoding of 16 bits. The halfword behind it must not show in the trap value.
.macro illegal_half bits
    on_trap 9998f
    .balign 4
9997:
    .2byte \bits
    .2byte 0x0001
    j fail
9998:
    check_cause CAUSE_ILLEGAL
    check_epc 9997b
    check_tval_zero_or \bits
.endm

test:
case 1                              # the defined ones
    illegal_half 0x0000
    illegal_word 0xffffffff
case 2                              # major opcodes that no extension here uses
    illegal_word 0x0000006b
    illegal_word 0x00000077
case 3                              # loads and stores without a width
    illegal_word 0x00007003         # load, funct3 = 7
    illegal_word 0x00004023         # store, funct3 = 4
    illegal_word 0x00007023
case 4                              # branches and jumps
    illegal_word 0x00002063         # branch, funct3 = 2
    illegal_word 0x00003063
    illegal_word 0x00001067         # jalr, funct3 = 1
case 5                              # shifts and funct7
    illegal_word 0x80001013         # slli, funct6
case 6                              # arithmetic on words: shift amount of six bits
    illegal_word 0x0200101b         # slliw, shamt[5] = 1
    illegal_word 0x0200501b         # srliw, shamt[5] = 1
    illegal_word 0x0000201b         # op-imm-32, funct3 = 2
    illegal_word 0x0200103b         # op-32 of M, funct3 = 1
case 7                              # register-register with an unknown funct7
    illegal_word 0x10000033
    illegal_word 0xfe000033
case 8                              # atomics: width, function
    illegal_word 0x0000002f         # funct3 = 0
    illegal_word 0x0000502f         # funct3 = 5
    illegal_word 0x1015202f         # lr.w with rs2 = 1
    illegal_word 0xf000202f         # funct5 = 11110
case 9                              # system
    illegal_word 0x00004073         # funct3 = 4 (hypervisor loads)
    illegal_word 0x00300073         # funct12 = 3
    illegal_word 0x00000173         # ecall with rd = 2
    illegal_word 0x7b200073         # dret outside debug mode
case 10                             # compressed: reserved encodings
    illegal_half 0x0010             # c.addi4spn, zero immediate, rd' = 12
    illegal_half 0x6101             # c.addi16sp, zero immediate
    illegal_half 0x6281             # c.lui, zero immediate
    illegal_half 0x2001             # c.addiw, rd = 0
    illegal_half 0x4002             # c.lwsp, rd = 0
    illegal_half 0x6002             # c.ldsp, rd = 0
    illegal_half 0x8002             # c.jr, rs1 = 0
    illegal_half 0x9c41             # quadrant 1, register arithmetic on words, function 2
    illegal_half 0x8000             # quadrant 0, funct3 = 4
case 11                             # the same from S and U, and delegated
    run_in PRV_S, word
    check_cause CAUSE_ILLEGAL
    check_epc word
    check_from PRV_S
    run_in PRV_U, half
    check_cause CAUSE_ILLEGAL
    check_epc half
    check_from PRV_U
    li t0, 1 << CAUSE_ILLEGAL
    csrw medeleg, t0
    run_in PRV_U, half
    check_delegated CAUSE_ILLEGAL
    check_sepc half
    check_stval 0
    run_in PRV_S, word
    check_delegated CAUSE_ILLEGAL
    check_sepc word
    csrr t0, stval
    beqz t0, 1f
    check_value t0, 0xffffffff
1:
case 12                             # an illegal instruction writes nothing
    li a0, 77
    on_trap 1f
    .4byte 0x00007503               # load, funct3 = 7, rd = a0
    j fail
1:  check_value a0, 77
    done

    .balign 4
word:
    .4byte 0xffffffff
half:
    .2byte 0

.include "runtime.inc"
