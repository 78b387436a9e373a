/* fork and exit, in a process with 2 MiB of memory in use. One round is 50 children.
 * Checksum of one round: 94308b34cf7e5f1f. */
#include "loop.h"
#include <sys/wait.h>
#include <unistd.h>

static uint8_t memory[2 << 20];

int main(int argc, char **argv)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof memory; i += 4096)
        memory[i] = (uint8_t)(i >> 12);
    for (uint64_t n = rounds(argc, argv); n > 0; n--)
        for (int i = 0; i < 50; i++) {
            pid_t child = (pid_t)checked(fork(), "fork");
            if (child == 0) {
                memory[4096] = (uint8_t)i;
                _exit(memory[4096] + memory[8192]);
            }
            int status = 0;
            checked(waitpid(child, &status, 0), "waitpid");
            sum = mix(sum, (uint64_t)WEXITSTATUS(status));
        }
    return report(sum);
}
