/* What the loop programs share. A program takes its number of rounds as its only argument,
 * does that many equal pieces of work, and prints a checksum of the results. The checksum
 * depends on the rounds alone: it is the same on every machine, compiled by any compiler. */
#ifndef LOOP_H
#define LOOP_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Prevents inlining where the call itself is what a program measures. */
#define NOINLINE __attribute__((noinline))

/* The number of rounds, 1 without an argument. */
static inline uint64_t rounds(int argc, char **argv)
{
    return argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
}

/* Adds a value to a checksum. */
static inline uint64_t mix(uint64_t sum, uint64_t value)
{
    sum ^= value + 0x9e3779b97f4a7c15u + (sum << 6) + (sum >> 2);
    return sum * 0xd6e8feb86659fd93u;
}

/* The next of a sequence of pseudo-random numbers (xorshift with a multiplication). */
static inline uint64_t next_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545f4914f6cdd1du;
}

/* Ends the program with a message if a system call has failed. */
static inline long checked(long result, const char *call)
{
    if (result < 0) {
        perror(call);
        exit(1);
    }
    return result;
}

/* Prints the checksum and returns the exit status. */
static inline int report(uint64_t sum)
{
    printf("%016llx\n", (unsigned long long)sum);
    return fflush(stdout) == 0 ? 0 : 1;
}

#endif
