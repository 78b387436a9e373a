/* Code that is rewritten all the time: writes functions that return a constant into 16
 * pages, calls each three times, and writes the next. One round writes 2,000 functions.
 * Checksum of one round: ed5d7938ba63ad9a. */
#include "loop.h"
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096
#define PAGES 16

typedef uint32_t function(void);

/* Writes a function that returns `value`, below 2^11, and makes it visible to execution. */
static void write_function(uint8_t *at, uint32_t value)
{
#if defined __riscv
    const uint32_t code[] = {0x00000513u | value << 20 /* li a0, value */, 0x00008067u /* ret */};
#elif defined __x86_64__
    const uint8_t code[] = {0xb8, (uint8_t)value, (uint8_t)(value >> 8), 0, 0 /* mov eax, value */, 0xc3 /* ret */};
#elif defined __aarch64__
    const uint32_t code[] = {0x52800000u | value << 5 /* mov w0, value */, 0xd65f03c0u /* ret */};
#else
#error "rewrite.c knows no code of this processor"
#endif
    memcpy(at, code, sizeof code);
    __builtin___clear_cache((char *)at, (char *)at + sizeof code);
}

int main(int argc, char **argv)
{
    uint64_t sum = 0;
    uint8_t *memory =
        mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    checked(memory == MAP_FAILED ? -1 : 0, "mmap");
    for (uint64_t n = rounds(argc, argv); n > 0; n--)
        for (uint32_t i = 0; i < 2000; i++) {
            uint8_t *at = memory + (i % PAGES) * PAGE + i / PAGES % 60 * 64;
            write_function(at, (i * 37 + (uint32_t)n) & 2047);
            function *written;
            memcpy(&written, &at, sizeof written);
            for (int call = 0; call < 3; call++)
                sum = mix(sum, written());
        }
    return report(sum);
}
