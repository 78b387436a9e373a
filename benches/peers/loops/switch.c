/* Context switches: a byte goes to and fro between two processes through two pipes. One
 * round is 2,000 times both ways. Checksum of one round: 000000000003e248. */
#include "loop.h"
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    uint64_t count = rounds(argc, argv) * 2000, sum = 0;
    int there[2], back[2];
    uint8_t byte = 0;
    checked(pipe(there), "pipe");
    checked(pipe(back), "pipe");
    pid_t child = (pid_t)checked(fork(), "fork");
    if (child == 0) {
        close(there[1]);
        while (read(there[0], &byte, 1) == 1) {
            byte = (uint8_t)(byte * 5 + 1);
            checked(write(back[1], &byte, 1), "write");
        }
        _exit(0);
    }
    for (uint64_t i = 0; i < count; i++) {
        checked(write(there[1], &byte, 1), "write");
        checked(read(back[0], &byte, 1), "read");
        sum += byte;
    }
    close(there[1]);
    int status = 1;
    checked(waitpid(child, &status, 0), "waitpid");
    return report(sum) | status;
}
