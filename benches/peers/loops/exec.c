/* fork and exec of this program itself, which is linked dynamically. One round is 10
 * children. Checksum of one round: 9936914e85d7119a. */
#include "loop.h"
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "child") == 0)
        return atoi(argv[2]);
    uint64_t sum = 0;
    for (uint64_t n = rounds(argc, argv); n > 0; n--)
        for (int i = 0; i < 10; i++) {
            pid_t child = (pid_t)checked(fork(), "fork");
            if (child == 0) {
                char number[16];
                snprintf(number, sizeof number, "%d", i + 7);
                execl("/proc/self/exe", "exec", "child", number, (char *)NULL);
                perror("execl");
                _exit(1);
            }
            int status = 0;
            checked(waitpid(child, &status, 0), "waitpid");
            sum = mix(sum, (uint64_t)WEXITSTATUS(status));
        }
    return report(sum);
}
