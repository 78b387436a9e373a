/* CRC-32 of 64 KiB, byte by byte by a table, and CRC-64 of the same bit by bit on every
 * sixteenth byte. One round takes 16 passes. Checksum of one round: 5ae5d70a5c44b76b. */
#include "loop.h"

static uint32_t table[256];
static uint8_t data[1 << 16];

static uint32_t crc32(uint32_t crc)
{
    for (size_t i = 0; i < sizeof data; i++)
        crc = table[(crc ^ data[i]) & 255] ^ crc >> 8;
    return crc;
}

static uint64_t crc64(uint64_t crc)
{
    for (size_t i = 0; i < sizeof data; i += 16) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xc96c5795d7870f42u : crc >> 1;
    }
    return crc;
}

int main(int argc, char **argv)
{
    uint64_t seed = 32, sum = 0;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
        table[i] = crc;
    }
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)next_random(&seed);
    for (uint64_t n = rounds(argc, argv); n > 0; n--)
        for (uint32_t i = 0; i < 16; i++) {
            sum = mix(sum, crc32(~i));
            sum = mix(sum, crc64(~(uint64_t)i));
        }
    return report(sum);
}
