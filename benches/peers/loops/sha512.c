/* Hash with the structure of SHA-512: 80 steps of 64-bit rotations and additions on a block
 * of 16 words. The round constants are pseudo-random instead of those of the standard. One
 * round hashes 4,000 blocks. Checksum of one round: 6a286f41adc6bfcd. */
#include "loop.h"

static uint64_t constants[80];

static inline uint64_t rotate(uint64_t x, int n)
{
    return x >> n | x << (64 - n);
}

static void compress(uint64_t h[8], const uint64_t block[16])
{
    uint64_t w[80];
    for (int t = 0; t < 16; t++)
        w[t] = block[t];
    for (int t = 16; t < 80; t++) {
        uint64_t a = w[t - 15], b = w[t - 2];
        w[t] = w[t - 16] + w[t - 7] + (rotate(a, 1) ^ rotate(a, 8) ^ a >> 7) + (rotate(b, 19) ^ rotate(b, 61) ^ b >> 6);
    }
    uint64_t v[8];
    for (int i = 0; i < 8; i++)
        v[i] = h[i];
    for (int t = 0; t < 80; t++) {
        uint64_t e = v[4], a = v[0];
        uint64_t first = v[7] + (rotate(e, 14) ^ rotate(e, 18) ^ rotate(e, 41)) + ((e & v[5]) ^ (~e & v[6])) +
                         constants[t] + w[t];
        uint64_t second = (rotate(a, 28) ^ rotate(a, 34) ^ rotate(a, 39)) + ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        for (int i = 7; i > 0; i--)
            v[i] = v[i - 1];
        v[4] += first;
        v[0] = first + second;
    }
    for (int i = 0; i < 8; i++)
        h[i] += v[i];
}

int main(int argc, char **argv)
{
    uint64_t seed = 512, h[8], block[16], sum = 0;
    for (int t = 0; t < 80; t++)
        constants[t] = next_random(&seed);
    for (int i = 0; i < 8; i++)
        h[i] = next_random(&seed);
    for (int i = 0; i < 16; i++)
        block[i] = next_random(&seed);
    for (uint64_t n = rounds(argc, argv); n > 0; n--) {
        for (int i = 0; i < 4000; i++) {
            block[i & 15] += h[i & 7];
            compress(h, block);
        }
        sum = mix(sum, h[0] ^ h[7]);
    }
    return report(sum);
}
