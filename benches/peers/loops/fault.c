/* Page faults: touches each page of a fresh mapping of 16 MiB once, in pages of 4 KiB, and
 * unmaps it. One round is two mappings. Checksum of one round: f825346b2745df35. */
#include "loop.h"
#include <sys/mman.h>

#define SIZE (16 << 20)
#define PAGE 4096

int main(int argc, char **argv)
{
    uint64_t sum = 0;
    for (uint64_t n = rounds(argc, argv); n > 0; n--)
        for (int i = 0; i < 2; i++) {
            uint8_t *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            checked(memory == MAP_FAILED ? -1 : 0, "mmap");
            checked(madvise(memory, SIZE, MADV_NOHUGEPAGE), "madvise");
            uint64_t zeros = 0;
            for (size_t at = 0; at < SIZE; at += PAGE) {
                memory[at] = 1;
                zeros += memory[at + 64] == 0;
            }
            sum = mix(sum, zeros);
            checked(munmap(memory, SIZE), "munmap");
        }
    return report(sum);
}
