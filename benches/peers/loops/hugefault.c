/* Huge page faults: touches each page of 2 MiB of a fresh mapping of 64 MiB once and unmaps
 * it. Nearly all of the time goes into clearing pages. One round is two mappings. Checksum
 * of one round: 7861e9d1051a45ad. */
#include "loop.h"
#include <sys/mman.h>

#define HUGE ((size_t)2 << 20)
#define SIZE (32 * HUGE)

int main(int argc, char **argv)
{
    uint64_t sum = 0;
    for (uint64_t n = rounds(argc, argv); n > 0; n--)
        for (int i = 0; i < 2; i++) {
            uint8_t *mapping = mmap(NULL, SIZE + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            checked(mapping == MAP_FAILED ? -1 : 0, "mmap");
            checked(madvise(mapping, SIZE + HUGE, MADV_HUGEPAGE), "madvise");
            uint8_t *memory = (uint8_t *)(((uintptr_t)mapping + HUGE - 1) & ~(HUGE - 1));
            uint64_t zeros = 0;
            for (size_t at = 0; at < SIZE; at += HUGE) {
                memory[at] = 1;
                zeros += memory[at + HUGE / 2] == 0;
            }
            sum = mix(sum, zeros);
            checked(munmap(mapping, SIZE + HUGE), "munmap");
        }
    return report(sum);
}
