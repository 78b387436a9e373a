/* 64 processes that take turns: a token goes round through a ring of pipes, and each process
 * adds to it. One round is 30 times round. Checksum of one round: bf5876adc8c2a2a3. */
#include "loop.h"
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 64

static uint64_t token;

static int receive(int from)
{
    return read(from, &token, sizeof token) == (ssize_t)sizeof token;
}

static void pass_on(int to)
{
    checked(write(to, &token, sizeof token), "write");
}

int main(int argc, char **argv)
{
    uint64_t turns = rounds(argc, argv) * 30, sum = 0;
    int first[2], from;
    checked(pipe(first), "pipe");
    from = first[0];
    for (int i = 0; i < PROCESSES; i++) {
        int next[2];
        checked(pipe(next), "pipe");
        if (checked(fork(), "fork") == 0) {
            close(first[1]);
            close(next[0]);
            while (receive(from)) {
                token = mix(token, (uint64_t)i);
                pass_on(next[1]);
            }
            _exit(0);
        }
        close(from);
        close(next[1]);
        from = next[0];
    }
    for (uint64_t turn = 0; turn < turns; turn++) {
        token = turn;
        pass_on(first[1]);
        if (!receive(from))
            return 1;
        sum = mix(sum, token);
    }
    close(first[1]);
    while (wait(NULL) > 0)
        ;
    return report(sum);
}
