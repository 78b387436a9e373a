/* Powers modulo a number of 1,024 bits by Montgomery's multiplication in 64-bit limbs, whose
 * products have 128 bits. One round multiplies 6,000 times. Checksum of one round:
 * 49a9c659ea9de87b. */
#include "loop.h"

#define LIMBS 16
typedef unsigned __int128 wide;

/* a = a * b / 2^1024 modulo m, with `inverse` = -1/m[0] modulo 2^64. */
static void multiply(uint64_t *a, const uint64_t *b, const uint64_t *m, uint64_t inverse)
{
    uint64_t t[LIMBS + 2] = {0};
    for (int i = 0; i < LIMBS; i++) {
        wide carry = 0;
        for (int j = 0; j < LIMBS; j++) {
            carry += (wide)a[i] * b[j] + t[j];
            t[j] = (uint64_t)carry;
            carry >>= 64;
        }
        carry += t[LIMBS];
        t[LIMBS] = (uint64_t)carry;
        t[LIMBS + 1] = (uint64_t)(carry >> 64);
        uint64_t factor = t[0] * inverse;
        carry = ((wide)factor * m[0] + t[0]) >> 64;
        for (int j = 1; j < LIMBS; j++) {
            carry += (wide)factor * m[j] + t[j];
            t[j - 1] = (uint64_t)carry;
            carry >>= 64;
        }
        carry += t[LIMBS];
        t[LIMBS - 1] = (uint64_t)carry;
        t[LIMBS] = t[LIMBS + 1] + (uint64_t)(carry >> 64);
    }
    /* The result is below 2 m: subtract m unless that is negative. */
    uint64_t difference[LIMBS], borrow = 0;
    for (int j = 0; j < LIMBS; j++) {
        wide d = (wide)t[j] - m[j] - borrow;
        difference[j] = (uint64_t)d;
        borrow = (uint64_t)(d >> 64) & 1;
    }
    const uint64_t *result = borrow > t[LIMBS] ? t : difference;
    for (int j = 0; j < LIMBS; j++)
        a[j] = result[j];
}

int main(int argc, char **argv)
{
    uint64_t seed = 1024, modulus[LIMBS], x[LIMBS], y[LIMBS], sum = 0;
    for (int j = 0; j < LIMBS; j++) {
        modulus[j] = next_random(&seed) | 1;
        x[j] = next_random(&seed);
        y[j] = next_random(&seed);
    }
    modulus[LIMBS - 1] |= (uint64_t)1 << 63;
    x[LIMBS - 1] >>= 1;
    y[LIMBS - 1] >>= 1;
    uint64_t inverse = 1;
    for (int i = 0; i < 6; i++)
        inverse *= 2 - modulus[0] * inverse;
    inverse = -inverse;
    for (uint64_t n = rounds(argc, argv); n > 0; n--) {
        for (int i = 0; i < 3000; i++) {
            multiply(x, x, modulus, inverse);
            multiply(x, y, modulus, inverse);
        }
        sum = mix(sum, x[0] ^ x[LIMBS - 1]);
    }
    return report(sum);
}
