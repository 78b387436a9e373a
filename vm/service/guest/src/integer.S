# integer.S: the phase `integer`.
#
# Small loops of different kinds over memory that fits a first or second level
# cache: a sieve of primes, CRC-32 by table, Euclid's algorithm, quicksort and a
# hash table with open addressing.

    .include "demo.inc"
    .include "expected.inc"

    .equ SIEVE_BYTES,    65536          # one byte a number
    .equ CRC_POLYNOMIAL, 0xEDB88320     # IEEE 802.3, bits reversed
    .equ EUCLID_LIMIT,   128            # pairs of 1 .. 127
    .equ SORT_ITEMS,     4096
    .equ HASH_BITS,      13             # slots: twice as many as items
    .equ HASH_FACTOR,    0x9E3779B97F4A7C15     # 2^64 over the golden ratio, odd

variable random_state
variable primes
variable crc

bulk sieve,      SIEVE_BYTES
bulk crc_table,  256 * 4
bulk sort_array, SORT_ITEMS * 8
bulk hash_table, (1 << HASH_BITS) * 8

    .text

    .globl  integer_setup
integer_setup:
    li      t0, 0x2545F4914F6CDD1D  # any number but 0
    sd      t0, random_state, t1

    # Entry n is the remainder of n after eight steps of the division.
    la      a0, crc_table
    li      t0, 0                   # n
    li      t4, CRC_POLYNOMIAL
    li      t5, 256
1:  mv      t1, t0
    li      t2, 8
2:  andi    t3, t1, 1
    neg     t3, t3                  # all ones if the polynomial goes in
    and     t3, t3, t4
    srli    t1, t1, 1
    xor     t1, t1, t3
    addi    t2, t2, -1
    bnez    t2, 2b
    sw      t1, 0(a0)
    addi    a0, a0, 4
    addi    t0, t0, 1
    bltu    t0, t5, 1b
    ret

    .globl  integer_step
integer_step:
    enter
    jal     sieve_primes
    sd      a0, primes, t0
    li      t0, EXPECT_PRIMES
    require_equal a0, t0, "wrong number of primes"
    la      a0, sieve
    li      a1, SIEVE_BYTES
    jal     crc32
    sd      a0, crc, t0
    li      t0, EXPECT_CRC
    require_equal a0, t0, "wrong CRC-32 of the sieve"
    jal     count_coprime
    li      t0, EXPECT_COPRIME
    require_equal a0, t0, "wrong number of coprime pairs"
    jal     sort_random
    jal     hash_sorted
    leave

    .globl  integer_report
integer_report:
    enter
    print   ", "
    ld      a0, primes
    jal     put_decimal
    print   " primes, CRC-32 "
    ld      a0, crc
    jal     put_hex
    leave

# Sieve of Eratosthenes. Leaves 1 in `sieve` for primes, else 0, and returns
# how many primes there are.
sieve_primes:
    la      a1, sieve
    li      a2, SIEVE_BYTES
    add     a3, a1, a2              # end
    li      t0, 0x0101010101010101
    mv      t1, a1
1:  sd      t0, 0(t1)
    addi    t1, t1, 8
    bltu    t1, a3, 1b
    sh      zero, 0(a1)             # 0 and 1 are no primes

    li      t0, 2                   # candidate
2:  add     t1, a1, t0
    lbu     t2, 0(t1)
    beqz    t2, 4f
    mul     t1, t0, t0              # smaller multiples are crossed out already
    add     t1, a1, t1
3:  sb      zero, 0(t1)
    add     t1, t1, t0
    bltu    t1, a3, 3b
4:  addi    t0, t0, 1
    mul     t1, t0, t0
    bltu    t1, a2, 2b

    li      a0, 0
5:  lbu     t0, 0(a1)
    add     a0, a0, t0
    addi    a1, a1, 1
    bltu    a1, a3, 5b
    ret

# Returns the CRC-32 of a1 bytes at a0.
crc32:
    add     a1, a0, a1
    la      a2, crc_table
    li      t0, 0xffffffff
1:  lbu     t1, 0(a0)
    xor     t1, t1, t0
    andi    t1, t1, 0xff
    slli    t1, t1, 2
    add     t1, t1, a2
    lwu     t1, 0(t1)
    srli    t0, t0, 8
    xor     t0, t0, t1
    addi    a0, a0, 1
    bltu    a0, a1, 1b
    li      t1, 0xffffffff
    xor     a0, t0, t1
    ret

# Returns how many ordered pairs of 1 .. EUCLID_LIMIT - 1 have no common divisor.
count_coprime:
    li      a0, 0
    li      a1, EUCLID_LIMIT
    li      t0, 1
1:  li      t1, 1
2:  mv      t2, t0
    mv      t3, t1
3:  remu    t4, t2, t3
    mv      t2, t3
    mv      t3, t4
    bnez    t4, 3b
    addi    t2, t2, -1              # greatest common divisor less one
    seqz    t2, t2
    add     a0, a0, t2
    addi    t1, t1, 1
    bltu    t1, a1, 2b
    addi    t0, t0, 1
    bltu    t0, a1, 1b
    ret

# Fills `sort_array` with new random numbers, sorts it and checks the result:
# in order, and the same numbers as before as far as their sum tells.
sort_random:
    enter   2
    la      t0, sort_array
    li      t1, SORT_ITEMS
    ld      t2, random_state
    li      s0, 0                   # sum
1:  xorshift t2, t3
    sd      t2, 0(t0)
    add     s0, s0, t2
    addi    t0, t0, 8
    addi    t1, t1, -1
    bnez    t1, 1b
    sd      t2, random_state, t0

    la      a0, sort_array
    la      a1, sort_array + (SORT_ITEMS - 1) * 8
    jal     quicksort

    la      t0, sort_array
    li      t1, SORT_ITEMS
    li      t2, 0                   # the one before
2:  ld      t3, 0(t0)
    bltu    t3, t2, 3f
    sub     s0, s0, t3
    mv      t2, t3
    addi    t0, t0, 8
    addi    t1, t1, -1
    bnez    t1, 2b
    require_equal s0, zero, "sorting changed the numbers"
    leave   2
3:  text    a0, "the sorted numbers are not in order"
    j       fail

# Sorts the unsigned 64-bit numbers from address a0 to address a1, both
# included (Hoare's partition). It calls itself for the shorter part only and
# goes on with the longer, so the stack stays small for any input.
quicksort:
    enter   4
1:  bgeu    a0, a1, 7f
    add     t0, a0, a1              # the number in the middle is the pivot
    srli    t0, t0, 4
    slli    t0, t0, 3
    ld      t0, 0(t0)
    addi    s0, a0, -8              # left and right cursor
    addi    s1, a1, 8
2:  addi    s0, s0, 8
    ld      t1, 0(s0)
    bltu    t1, t0, 2b
3:  addi    s1, s1, -8
    ld      t2, 0(s1)
    bltu    t0, t2, 3b
    bgeu    s0, s1, 4f
    sd      t2, 0(s0)
    sd      t1, 0(s1)
    j       2b

4:  addi    s0, s1, 8               # parts: a0 .. s1 and s0 .. a1
    sub     t0, s1, a0
    sub     t1, a1, s0
    bltu    t1, t0, 5f
    mv      s2, s0
    mv      s3, a1
    mv      a1, s1
    j       6f
5:  mv      s2, a0
    mv      s3, s1
    mv      a0, s0
6:  jal     quicksort
    mv      a0, s2
    mv      a1, s3
    j       1b
7:  leave   4

# Puts the numbers of `sort_array` into a hash table with linear probing, then
# looks each of them up again.
hash_sorted:
    enter
    la      a0, hash_table
    li      t0, 1 << HASH_BITS
1:  sd      zero, 0(a0)             # 0: empty; xorshift never yields it
    addi    a0, a0, 8
    addi    t0, t0, -1
    bnez    t0, 1b

    li      a2, HASH_FACTOR
    la      a0, sort_array
    la      a1, sort_array + SORT_ITEMS * 8
    li      t3, (1 << HASH_BITS) - 1
    la      t4, hash_table
2:  ld      t0, 0(a0)               # insert
    mul     t1, t0, a2
    srli    t1, t1, 64 - HASH_BITS  # the upper bits are the well mixed ones
3:  slli    t2, t1, 3
    add     t2, t2, t4
    ld      t5, 0(t2)
    addi    t1, t1, 1
    and     t1, t1, t3
    bnez    t5, 3b
    sd      t0, 0(t2)
    addi    a0, a0, 8
    bltu    a0, a1, 2b

    la      a0, sort_array
4:  ld      t0, 0(a0)               # look up
    mul     t1, t0, a2
    srli    t1, t1, 64 - HASH_BITS
5:  slli    t2, t1, 3
    add     t2, t2, t4
    ld      t5, 0(t2)
    beq     t5, t0, 6f
    addi    t1, t1, 1
    and     t1, t1, t3
    bnez    t5, 5b
    text    a0, "a number is missing in the hash table"
    j       fail
6:  addi    a0, a0, 8
    bltu    a0, a1, 4b
    leave
