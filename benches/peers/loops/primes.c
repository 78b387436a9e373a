/* Primes by trial division (remainders of 32-bit numbers) and by a sieve of bits. One round
 * tests the numbers below 60,000 and sieves a million. Checksum of one round:
 * bc76bc1eb9f65079. */
#include "loop.h"

#define LIMIT 1000000

static uint64_t sieve[LIMIT / 64 + 1];

static uint32_t divided(uint32_t limit)
{
    uint32_t count = 1;
    for (uint32_t n = 3; n < limit; n += 2) {
        uint32_t d = 3;
        while (d * d <= n && n % d)
            d += 2;
        count += d * d > n;
    }
    return count;
}

static uint64_t sieved(uint64_t start)
{
    for (size_t i = 0; i < sizeof sieve / sizeof *sieve; i++)
        sieve[i] = 0;
    uint64_t sum = start;
    for (uint64_t n = 2; n < LIMIT; n++) {
        if (sieve[n / 64] >> n % 64 & 1)
            continue;
        sum = mix(sum, n);
        for (uint64_t multiple = n * n; multiple < LIMIT; multiple += n)
            sieve[multiple / 64] |= (uint64_t)1 << multiple % 64;
    }
    return sum;
}

int main(int argc, char **argv)
{
    uint64_t sum = 0;
    for (uint64_t n = rounds(argc, argv); n > 0; n--) {
        sum = mix(sum, divided(60000));
        sum = sieved(sum);
    }
    return report(sum);
}
