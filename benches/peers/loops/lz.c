/* Compression by references to earlier text, found through chains of equal hashes, and
 * decompression. One round packs and unpacks 256 KiB of generated text. Checksum of one
 * round: 2feb58243713b779. */
#include "loop.h"
#include <string.h>

#define SIZE (1 << 18)
#define HASHES (1 << 13)
#define LONGEST 255
#define CHAIN 24

static uint8_t text[SIZE], packed[2 * SIZE], unpacked[SIZE];
static int32_t heads[HASHES], links[SIZE];

static uint32_t hash(const uint8_t *p)
{
    uint32_t word = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
    return word * 2654435761u >> 19;
}

static void insert(int at)
{
    uint32_t h = hash(text + at);
    links[at] = heads[h];
    heads[h] = at;
}

/* The longest earlier occurrence of what is at `at`. */
static int longest(int at, int *distance)
{
    int best = 0, limit = SIZE - at < LONGEST ? SIZE - at : LONGEST;
    int candidate = heads[hash(text + at)];
    for (int steps = 0; candidate >= 0 && steps < CHAIN; steps++, candidate = links[candidate]) {
        if (at - candidate > 65535)
            break;
        int length = 0;
        while (length < limit && text[candidate + length] == text[at + length])
            length++;
        if (length > best) {
            best = length;
            *distance = at - candidate;
        }
    }
    return best;
}

static size_t pack(void)
{
    uint8_t *out = packed;
    memset(heads, -1, sizeof heads);
    for (int at = 0; at < SIZE;) {
        int distance = 0, length = at + 3 <= SIZE ? longest(at, &distance) : 0;
        if (length < 4) {
            *out++ = 0;
            *out++ = text[at];
            length = 1;
        } else {
            *out++ = (uint8_t)length;
            *out++ = (uint8_t)distance;
            *out++ = (uint8_t)(distance >> 8);
        }
        for (int end = at + length; at < end; at++)
            if (at + 3 <= SIZE)
                insert(at);
    }
    return (size_t)(out - packed);
}

static void unpack(size_t size)
{
    uint8_t *to = unpacked;
    for (const uint8_t *in = packed; in < packed + size;) {
        int length = *in++;
        if (length == 0) {
            *to++ = *in++;
            continue;
        }
        const uint8_t *from = to - (in[0] | in[1] << 8);
        in += 2;
        while (length-- > 0)
            *to++ = *from++;
    }
}

/* Words of a small vocabulary, the frequent ones more often. */
static void write_text(uint64_t seed)
{
    for (int at = 0; at < SIZE;) {
        uint64_t r = next_random(&seed);
        uint64_t word = (r & 1023) * (r >> 10 & 1023) >> 10;
        uint64_t letters = word * 0x9e3779b97f4a7c15u;
        for (int i = 0; i < 3 + (int)(letters >> 61) && at < SIZE; i++)
            text[at++] = (uint8_t)('a' + (letters >> 5 * i) % 26);
        if (at < SIZE)
            text[at++] = ' ';
    }
}

int main(int argc, char **argv)
{
    uint64_t sum = 0;
    for (uint64_t n = rounds(argc, argv); n > 0; n--) {
        write_text(n);
        size_t size = pack();
        unpack(size);
        if (memcmp(text, unpacked, SIZE)) {
            fprintf(stderr, "lz: the text is not the same\n");
            return 1;
        }
        sum = mix(sum, size);
        for (size_t i = 0; i < size; i += 97)
            sum = mix(sum, packed[i]);
    }
    return report(sum);
}
