/* AES-128 with four tables of 32-bit words, in counter mode. Tables and S-box are computed
 * from the field at the start. One round encrypts 8,192 blocks. Checksum of one round:
 * cd519c8c091ad274. */
#include "loop.h"

static uint8_t sbox[256];
static uint32_t table[4][256];

static uint8_t twice(uint8_t x)
{
    return (uint8_t)(x << 1 ^ (x & 0x80 ? 0x1b : 0));
}

static uint8_t product(uint8_t a, uint8_t b)
{
    uint8_t sum = 0;
    for (; b; b >>= 1, a = twice(a))
        if (b & 1)
            sum ^= a;
    return sum;
}

static void make_tables(void)
{
    for (int x = 0; x < 256; x++) {
        int inverse = 0;
        for (int y = 1; x && y < 256; y++)
            if (product((uint8_t)x, (uint8_t)y) == 1)
                inverse = y;
        int s = inverse;
        for (int i = 1; i < 5; i++)
            s ^= inverse << i | inverse >> (8 - i);
        sbox[x] = (uint8_t)(s ^ 0x63);
    }
    for (int x = 0; x < 256; x++) {
        uint32_t s = sbox[x], column = twice(sbox[x]) | s << 8 | s << 16 | (uint32_t)(twice(sbox[x]) ^ sbox[x]) << 24;
        for (int i = 0; i < 4; i++) {
            table[i][x] = column;
            column = column << 8 | column >> 24;
        }
    }
}

static uint32_t substitute(uint32_t w)
{
    return (uint32_t)sbox[w & 255] | (uint32_t)sbox[w >> 8 & 255] << 8 | (uint32_t)sbox[w >> 16 & 255] << 16 |
           (uint32_t)sbox[w >> 24] << 24;
}

static void expand(uint32_t key[44])
{
    uint8_t constant = 1;
    for (int i = 4; i < 44; i++) {
        uint32_t w = key[i - 1];
        if (i % 4 == 0) {
            w = substitute(w >> 8 | w << 24) ^ constant;
            constant = twice(constant);
        }
        key[i] = key[i - 4] ^ w;
    }
}

static void encrypt(const uint32_t key[44], uint32_t b[4])
{
    for (int i = 0; i < 4; i++)
        b[i] ^= key[i];
    for (int round = 1; round < 10; round++) {
        uint32_t t[4];
        for (int i = 0; i < 4; i++)
            t[i] = table[0][b[i] & 255] ^ table[1][b[(i + 1) & 3] >> 8 & 255] ^ table[2][b[(i + 2) & 3] >> 16 & 255] ^
                   table[3][b[(i + 3) & 3] >> 24] ^ key[4 * round + i];
        for (int i = 0; i < 4; i++)
            b[i] = t[i];
    }
    uint32_t t[4];
    for (int i = 0; i < 4; i++)
        t[i] = (uint32_t)sbox[b[i] & 255] | (uint32_t)sbox[b[(i + 1) & 3] >> 8 & 255] << 8 |
               (uint32_t)sbox[b[(i + 2) & 3] >> 16 & 255] << 16 | (uint32_t)sbox[b[(i + 3) & 3] >> 24] << 24;
    for (int i = 0; i < 4; i++)
        b[i] = t[i] ^ key[40 + i];
}

int main(int argc, char **argv)
{
    make_tables();
    /* The example of FIPS 197, appendix B. */
    uint32_t key[44] = {0x16157e2b, 0xa6d2ae28, 0x8815f7ab, 0x3c4fcf09};
    uint32_t example[4] = {0xa8f64332, 0x8d305a88, 0xa2983131, 0x340737e0};
    expand(key);
    encrypt(key, example);
    if (example[0] != 0x1d842539 || example[3] != 0x320b6a19) {
        fprintf(stderr, "aes: the example of the standard gives %08x\n", example[0]);
        return 1;
    }
    uint64_t sum = 0;
    uint32_t counter = 0;
    for (uint64_t n = rounds(argc, argv); n > 0; n--) {
        for (int i = 0; i < 8192; i++) {
            uint32_t block[4] = {counter++, 1, 2, 3};
            encrypt(key, block);
            sum += (uint64_t)block[0] << 32 | block[3];
        }
        sum = mix(sum, n);
    }
    return report(sum);
}
