# console.S: printing text and numbers.
#
# Characters are gathered in a line buffer and handed to the firmware when the
# line ends: one call a line where the debug console extension exists.

    .include "demo.inc"

    .equ LINE_BYTES, 256

variable line_used

    .section .bss
line_buffer:
    .zero   LINE_BYTES

    .text

# Prints the character a0.
    .globl  put_char
put_char:
    enter
    la      t0, line_buffer
    ld      t1, line_used
    add     t0, t0, t1
    sb      a0, 0(t0)
    addi    t1, t1, 1
    sd      t1, line_used, t0
    li      t0, '\n'
    beq     a0, t0, 1f
    li      t0, LINE_BYTES
    bltu    t1, t0, 2f
1:  la      a0, line_buffer         # linked at its physical address
    mv      a1, t1
    sd      zero, line_used, t0
    jal     sbi_console_write
2:  leave

# Prints the NUL-terminated text at a0.
    .globl  put_string
put_string:
    enter   1
    mv      s0, a0
1:  lbu     a0, 0(s0)
    beqz    a0, 2f
    addi    s0, s0, 1
    jal     put_char
    j       1b
2:  leave   1

# Prints a0 as an unsigned decimal number.
    .globl  put_decimal
put_decimal:
    li      a1, 1
    # falls through

# Prints a0 as an unsigned decimal number of at least a1 digits.
    .globl  put_digits
put_digits:
    enter   2
    li      t0, 10
    remu    s0, a0, t0              # last digit
    divu    a0, a0, t0              # those before it
    addi    a1, a1, -1
    bgtz    a1, 1f
    beqz    a0, 2f
1:  jal     put_digits
2:  addi    a0, s0, '0'
    jal     put_char
    leave   2

# Prints a0 as 0x and as many hexadecimal digits as it needs.
    .globl  put_hex
put_hex:
    enter   2
    mv      s0, a0
    print   "0x"
    li      s1, 60                  # position of the digit to print
1:  srl     t0, s0, s1              # skip leading zeros
    bnez    t0, 2f
    addi    s1, s1, -4
    bgtz    s1, 1b
2:  srl     t0, s0, s1
    andi    t0, t0, 15
    la      t1, hex_digits
    add     t1, t1, t0
    lbu     a0, 0(t1)
    jal     put_char
    addi    s1, s1, -4
    bgez    s1, 2b
    leave   2

    .section .rodata
hex_digits:
    .ascii  "0123456789abcdef"
