# Fetches at the edges of regions.
# Specification: Privileged, "Physical Memory Protection", "Machine Trap Value (mtval) Register".
# Expected: code runs up to the last instruction of the executable region and faults (cause 1) at the next, also if it
# has run often before the region shrank; an instruction whose second half is outside faults with epc at its start and
# tval at either half; code may be executable and not readable.

.include "bare.inc"
.include "code.inc"
.text
.include "pmp.inc"

# Entry 1 makes what is from `code` up to \end executable, entry 2 the rest of the page readable and writable only.
.macro executable_to end
    pmp_address 1, \end
    pmp_config ((PMP_TOR | PMP_X) << 8) | ((PMP_TOR | PMP_R | PMP_W) << 16) | PMP_ALL_IN_7
.endm

test:
    pmp_all_address_in_7
    pmp_address 0, code
    pmp_address 2, code + 4096
case 1                              # all of it executable
    executable_to code + 4096
    li a0, 0
    run_in PRV_U, code
    check_ecall_from PRV_U
    check_value a0, 16
    run_in PRV_S, code
    check_ecall_from PRV_S
    check_value a0, 32
case 2                              # half an instruction
    executable_to straddle + 2
    run_in PRV_U, straddle
    check_cause CAUSE_FETCH_ACCESS
    check_epc straddle
    trap_field t0, TRAP_TVAL
    la t1, straddle
    beq t0, t1, 1f
    addi t1, t1, 2
    check_eq t0, t1
1:
case 3                              # compressed up to the end
    executable_to compressed_end
    li a0, 0
    run_in PRV_U, compressed
    check_cause CAUSE_FETCH_ACCESS
    check_epc compressed_end
    check_value a0, 2
case 4                              # executable, not readable
    executable_to code + 4096
    la a0, code
    pmp_denies PRV_U, pmp_load, CAUSE_LOAD_ACCESS
    li a0, 0
    run_in PRV_U, code
    check_ecall_from PRV_U
case 5                              # a jump into the region that is not executable
    executable_to straddle
    la a0, code + 2048
    run_in PRV_U, jump
    check_cause CAUSE_FETCH_ACCESS
    check_epc_is a0
    check_tval_is a0
case 6                              # M-mode runs all of it
    executable_to code + 4
    li a0, 0
    run_in PRV_M, code
    check_ecall_from PRV_M
    check_value a0, 16
case 7                              # the region ends at each of the instructions
    executable_to code + 4096
    la s0, code + 4
    li s1, 1
1:  srli t0, s0, 2
    csrw pmpaddr1, t0
    sfence.vma
    li a0, 0
    run_in PRV_U, code
    check_cause CAUSE_FETCH_ACCESS
    check_epc_is s0
    check_tval_is s0
    check_eq a0, s1
    li a0, 0
    run_in PRV_S, code
    check_cause CAUSE_FETCH_ACCESS
    check_epc_is s0
    check_eq a0, s1
    addi s0, s0, 4
    addi s1, s1, 1
    li t0, 17
    bne s1, t0, 1b
    done

define_pmp_accesses
jump:
    jr a0

.balign 4096
code:
    .option norvc
    .rept 16
    addi a0, a0, 1
    .endr
    ecall
    .option rvc
    .balign 64
    .2byte INSN_C_NOP
straddle:                           # two bytes before a multiple of four
    .4byte INSN_ADDI_A0 | (1 << 20)
    .balign 64
compressed:
    c.addi a0, 1
    c.addi a0, 1
compressed_end:
    ecall
    .balign 4096

iterations 100
.include "runtime.inc"
