/* posix_spawn of this program itself by a process with 16 MiB in use, which a child does not
 * copy. One round is 10 children. Checksum of one round: c09136be0a8eae84. */
#include "loop.h"
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

extern char **environ;

static uint8_t memory[16 << 20];

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "child") == 0)
        return atoi(argv[2]);
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof memory; i += 4096)
        memory[i] = 1;
    for (uint64_t n = rounds(argc, argv); n > 0; n--)
        for (int i = 0; i < 10; i++) {
            char number[16];
            snprintf(number, sizeof number, "%d", i + memory[4096]);
            char *arguments[] = {"spawn", "child", number, NULL};
            pid_t child = 0;
            int error = posix_spawn(&child, "/proc/self/exe", NULL, NULL, arguments, environ);
            if (error) {
                fprintf(stderr, "posix_spawn: %s\n", strerror(error));
                return 1;
            }
            int status = 0;
            checked(waitpid(child, &status, 0), "waitpid");
            sum = mix(sum, (uint64_t)WEXITSTATUS(status));
        }
    return report(sum);
}
