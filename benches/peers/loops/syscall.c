/* System calls that do nothing: getppid, by the system-call instruction. One round is 20,000
 * calls. Checksum of one round: 27c631fa6c357d6f. */
#include "loop.h"
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    uint64_t sum = 0;
    long parent = getppid();
    for (uint64_t n = rounds(argc, argv); n > 0; n--) {
        uint64_t same = 0;
        for (int i = 0; i < 20000; i++)
            same += syscall(SYS_getppid) == parent;
        sum = mix(sum, same);
    }
    return report(sum);
}
