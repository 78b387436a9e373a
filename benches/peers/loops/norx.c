/* Permutation with the structure of NORX: 64-bit rotations, exclusive or and shifts, without
 * additions, on a state of 16 words. One round permutes the state 10,000 times, four double
 * steps each. Checksum of one round: 3f54c1221eb1b67c. */
#include "loop.h"

static inline uint64_t rotate(uint64_t x, int n)
{
    return x >> n | x << (64 - n);
}

/* Addition without carries beyond the next bit. */
static inline uint64_t half_add(uint64_t a, uint64_t b)
{
    return a ^ b ^ (a & b) << 1;
}

static inline void quarter(uint64_t *a, uint64_t *b, uint64_t *c, uint64_t *d)
{
    *a = half_add(*a, *b);
    *d = rotate(*a ^ *d, 8);
    *c = half_add(*c, *d);
    *b = rotate(*b ^ *c, 19);
    *a = half_add(*a, *b);
    *d = rotate(*a ^ *d, 40);
    *c = half_add(*c, *d);
    *b = rotate(*b ^ *c, 63);
}

static void permute(uint64_t s[16])
{
    for (int step = 0; step < 4; step++) {
        for (int i = 0; i < 4; i++)
            quarter(&s[i], &s[4 + i], &s[8 + i], &s[12 + i]);
        for (int i = 0; i < 4; i++)
            quarter(&s[i], &s[4 + ((i + 1) & 3)], &s[8 + ((i + 2) & 3)], &s[12 + ((i + 3) & 3)]);
    }
}

int main(int argc, char **argv)
{
    uint64_t seed = 64, state[16], sum = 0;
    for (int i = 0; i < 16; i++)
        state[i] = next_random(&seed);
    for (uint64_t n = rounds(argc, argv); n > 0; n--) {
        for (int i = 0; i < 10000; i++) {
            state[0] ^= (uint64_t)i;
            permute(state);
        }
        sum = mix(sum, state[0] ^ state[15]);
    }
    return report(sum);
}
