/* Calls through tables of functions, in a fixed, a cyclic and a random order. One round is
 * 600,000 calls. Checksum of one round: 90ee341354ea4834. */
#include "loop.h"

typedef uint64_t function(uint64_t, uint64_t);

static NOINLINE uint64_t f0(uint64_t a, uint64_t b) { return a + b; }
static NOINLINE uint64_t f1(uint64_t a, uint64_t b) { return a ^ b << 1; }
static NOINLINE uint64_t f2(uint64_t a, uint64_t b) { return a * 3 - b; }
static NOINLINE uint64_t f3(uint64_t a, uint64_t b) { return a - (b >> 2); }
static NOINLINE uint64_t f4(uint64_t a, uint64_t b) { return (a << 7 | a >> 57) + b; }
static NOINLINE uint64_t f5(uint64_t a, uint64_t b) { return ~a + b * 5; }
static NOINLINE uint64_t f6(uint64_t a, uint64_t b) { return a & 1 ? b : a + 17; }
static NOINLINE uint64_t f7(uint64_t a, uint64_t b) { return a ^ (b | 1); }

static function *volatile table[8] = {f0, f1, f2, f3, f4, f5, f6, f7};

int main(int argc, char **argv)
{
    uint64_t seed = 8, value = 1, sum = 0;
    for (uint64_t n = rounds(argc, argv); n > 0; n--) {
        for (uint64_t i = 0; i < 200000; i++)
            value = table[3](value, i);
        for (uint64_t i = 0; i < 200000; i++)
            value = table[i & 7](value, i);
        for (uint64_t i = 0; i < 200000; i++)
            value = table[next_random(&seed) >> 61](value, i);
        sum = mix(sum, value);
    }
    return report(sum);
}
