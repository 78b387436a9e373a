/* Code over 16,384 pages: each holds a copy of one of eight functions of some fifteen
 * instructions, called in random order. One round calls each about once, so that hardly any
 * becomes hot. Checksum of one round: 509daf01f9a690cc. */
#include "loop.h"
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096
#define PAGES 16384
/* No function is longer, and none refers to anything by its distance. */
#define LENGTH 256

typedef uint64_t function(uint64_t, uint64_t);

#define FUNCTION(n, factor, shift, bit)                                                                              \
    static NOINLINE __attribute__((aligned(LENGTH))) uint64_t f##n(uint64_t a, uint64_t b)                           \
    {                                                                                                                \
        a = (a ^ b) * factor + (b >> 3);                                                                             \
        b = a >> shift ^ b << 7;                                                                                     \
        if (a & bit)                                                                                                 \
            return a + b * 5;                                                                                        \
        return (a - 3 * b) ^ a << 11;                                                                                \
    }

FUNCTION(0, 11, 3, 1)
FUNCTION(1, 23, 5, 2)
FUNCTION(2, 37, 7, 4)
FUNCTION(3, 59, 11, 8)
FUNCTION(4, 83, 13, 16)
FUNCTION(5, 101, 17, 32)
FUNCTION(6, 131, 19, 64)
FUNCTION(7, 167, 23, 128)

static function *const functions[8] = {f0, f1, f2, f3, f4, f5, f6, f7};

int main(int argc, char **argv)
{
    uint64_t seed = PAGES, value = 1, sum = 0;
    uint8_t *memory =
        mmap(NULL, (size_t)PAGES * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    checked(memory == MAP_FAILED ? -1 : 0, "mmap");
    for (size_t page = 0; page < PAGES; page++) {
        const void *from;
        memcpy(&from, &functions[page & 7], sizeof from);
        memcpy(memory + page * PAGE + page % 15 * LENGTH, from, LENGTH);
    }
    __builtin___clear_cache((char *)memory, (char *)memory + (size_t)PAGES * PAGE);
    for (uint64_t n = rounds(argc, argv); n > 0; n--) {
        for (uint64_t i = 0; i < PAGES; i++) {
            size_t page = next_random(&seed) % PAGES;
            uint8_t *at = memory + page * PAGE + page % 15 * LENGTH;
            function *copy;
            memcpy(&copy, &at, sizeof copy);
            value = copy(value, i);
        }
        sum = mix(sum, value);
    }
    return report(sum);
}
