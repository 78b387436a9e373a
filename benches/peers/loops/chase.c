/* Chain of pointers in random order through 16 KiB, 4 MiB and 64 MiB. One round follows
 * 500,000, 500,000 and 200,000. Checksum of one round: a025d650906efb84. */
#include "loop.h"

#define NODES (1 << 20)

struct node {
    struct node *next;
    uint64_t value;
    uint64_t rest[6];
};

static struct node *nodes;

/* Links the first `count` nodes into one cycle (Sattolo's algorithm). */
static void link_all(uint32_t count, uint32_t *order)
{
    uint64_t seed = count;
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    for (uint32_t i = count - 1; i > 0; i--) {
        uint32_t j = (uint32_t)(next_random(&seed) % i), t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
    for (uint32_t i = 0; i < count; i++) {
        nodes[i].next = &nodes[order[i]];
        nodes[i].value = i;
    }
}

static uint64_t follow(uint32_t steps)
{
    uint64_t sum = 0;
    for (struct node *at = nodes; steps > 0; steps--, at = at->next)
        sum = sum * 3 + at->value;
    return sum;
}

int main(int argc, char **argv)
{
    static const uint32_t count[] = {1 << 8, 1 << 16, NODES}, steps[] = {500000, 500000, 200000};
    uint32_t *order = malloc(NODES * sizeof *order);
    nodes = calloc(NODES, sizeof *nodes);
    if (!nodes || !order) {
        perror("chase");
        return 1;
    }
    uint64_t sum = 0;
    for (int size = 0; size < 3; size++) {
        link_all(count[size], order);
        for (uint64_t n = rounds(argc, argv); n > 0; n--)
            sum = mix(sum, follow(steps[size]));
    }
    return report(sum);
}
