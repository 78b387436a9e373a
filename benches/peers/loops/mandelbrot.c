/* Mandelbrot's set: 128 x 128 points, up to 200 iterations each, in double and in single
 * precision. One round is one picture of each. Checksum of one round: a20652ee9b507255. */
#include "loop.h"

#define SIZE 128
#define ITERATIONS 200

static int in_double(double x, double y)
{
    double re = 0, im = 0;
    int n = 0;
    while (n < ITERATIONS && re * re + im * im < 4) {
        double t = re * re - im * im + x;
        im = 2 * re * im + y;
        re = t;
        n++;
    }
    return n;
}

static int in_single(float x, float y)
{
    float re = 0, im = 0;
    int n = 0;
    while (n < ITERATIONS && re * re + im * im < 4) {
        float t = re * re - im * im + x;
        im = 2 * re * im + y;
        re = t;
        n++;
    }
    return n;
}

int main(int argc, char **argv)
{
    uint64_t sum = 0;
    for (uint64_t n = rounds(argc, argv); n > 0; n--)
        for (int row = 0; row < SIZE; row++)
            for (int column = 0; column < SIZE; column++) {
                double x = column * 2.5 / SIZE - 1.875, y = row * 2.5 / SIZE - 1.25;
                sum = mix(sum, (uint64_t)(in_double(x, y) + in_single((float)x, (float)y)));
            }
    return report(sum);
}
