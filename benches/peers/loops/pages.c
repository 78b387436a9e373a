/* 512 MiB of single pages touched at random: every touch needs another page, and no TLB
 * holds them. One round is 500,000 touches; the first touch of each page is not among them.
 * Checksum of one round: 206003dba469047e. */
#include "loop.h"
#include <sys/mman.h>

#define PAGE 4096
#define PAGES ((size_t)512 << 20 >> 12)

int main(int argc, char **argv)
{
    uint64_t seed = 131072, sum = 0;
    uint8_t *memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    checked(memory == MAP_FAILED ? -1 : 0, "mmap");
    checked(madvise(memory, PAGES * PAGE, MADV_NOHUGEPAGE), "madvise");
    for (size_t page = 0; page < PAGES; page++)
        memory[page * PAGE + page % 61 * 64] = (uint8_t)page;
    for (uint64_t n = rounds(argc, argv); n > 0; n--) {
        for (int i = 0; i < 500000; i++) {
            size_t page = next_random(&seed) % PAGES;
            uint8_t *cell = &memory[page * PAGE + page % 61 * 64];
            sum += *cell;
            *cell = (uint8_t)(*cell + i);
        }
        sum = mix(sum, n);
    }
    return report(sum);
}
