/* Recursive Fibonacci numbers: nothing but calls and returns. One round is the 25th.
 * Checksum of one round: 14f521da67401465. */
#include "loop.h"

static NOINLINE uint64_t fib(uint64_t n)
{
    if (n < 2)
        return n;
    uint64_t left = fib(n - 1);
    __asm__ volatile("" : "+r"(left)); /* keeps both calls */
    return left + fib(n - 2);
}

int main(int argc, char **argv)
{
    uint64_t sum = 0;
    for (uint64_t n = rounds(argc, argv); n > 0; n--)
        sum = mix(sum, fib(25) + n);
    return report(sum);
}
