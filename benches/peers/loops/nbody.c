/* Motion of five bodies under gravity, in double precision with square roots and divisions.
 * One round is 20,000 steps. Checksum of one round: 77b5cc75272b78ff. */
#include "loop.h"
#include <math.h>
#include <string.h>

#define BODIES 5

static double position[BODIES][3], velocity[BODIES][3], mass[BODIES];

static void step(double dt)
{
    for (int i = 0; i < BODIES; i++)
        for (int j = i + 1; j < BODIES; j++) {
            double d[3], square = 0.01;
            for (int k = 0; k < 3; k++) {
                d[k] = position[i][k] - position[j][k];
                square = square + d[k] * d[k];
            }
            double factor = dt / (square * sqrt(square));
            for (int k = 0; k < 3; k++) {
                velocity[i][k] = velocity[i][k] - d[k] * mass[j] * factor;
                velocity[j][k] = velocity[j][k] + d[k] * mass[i] * factor;
            }
        }
    for (int i = 0; i < BODIES; i++)
        for (int k = 0; k < 3; k++)
            position[i][k] = position[i][k] + dt * velocity[i][k];
}

int main(int argc, char **argv)
{
    uint64_t seed = 5, sum = 0;
    for (int i = 0; i < BODIES; i++) {
        mass[i] = 1.0 + (double)i;
        for (int k = 0; k < 3; k++) {
            position[i][k] = (double)(next_random(&seed) % 1000) / 100.0;
            velocity[i][k] = (double)(next_random(&seed) % 1000) / 10000.0;
        }
    }
    for (uint64_t n = rounds(argc, argv); n > 0; n--) {
        for (int i = 0; i < 20000; i++)
            step(0.001);
        for (int i = 0; i < BODIES; i++) {
            uint64_t bits;
            memcpy(&bits, &position[i][i % 3], sizeof bits);
            sum = mix(sum, bits);
        }
    }
    return report(sum);
}
