/* memcpy and memset: blocks of 64 bytes to 1 MiB, aligned and not. One round moves about 100
 * MiB. Checksum of one round: 97935e4e09969b1c. */
#include "loop.h"
#include <string.h>

#define SIZE (1 << 20)

static uint8_t from[SIZE + 64], to[SIZE + 64];

int main(int argc, char **argv)
{
    uint64_t seed = 1, sum = 0;
    for (size_t i = 0; i < sizeof from; i++)
        from[i] = (uint8_t)next_random(&seed);
    for (uint64_t n = rounds(argc, argv); n > 0; n--) {
        for (size_t length = 64; length <= SIZE; length *= 4) {
            for (size_t i = 0; i < (SIZE * 12) / length; i++) {
                size_t offset = i * 64 % (SIZE - length + 64);
                memcpy(to + (i & 7), from + offset % 64, length);
                from[offset] = (uint8_t)(to[length / 2] + i);
            }
            memset(to, (int)length & 255, SIZE);
            sum = mix(sum, from[length / 3] + to[length / 2]);
        }
        for (size_t i = 0; i < SIZE; i += 1021)
            sum = mix(sum, from[i]);
    }
    return report(sum);
}
