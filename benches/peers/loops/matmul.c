/* Product of two matrices of 160 x 160 numbers in double and in single precision. One round
 * is one product of each. Checksum of one round: 197e48130caad49f. */
#include "loop.h"
#include <string.h>

#define N 160

static double a[N][N], b[N][N], c[N][N];
static float s[N][N], t[N][N], u[N][N];

static void multiply(void)
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            double x = 0;
            float y = 0;
            for (int k = 0; k < N; k++) {
                x = x + a[i][k] * b[k][j];
                y = y + s[i][k] * t[k][j];
            }
            c[i][j] = x;
            u[i][j] = y;
        }
}

int main(int argc, char **argv)
{
    uint64_t seed = N, sum = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = (double)(next_random(&seed) % 10000) / 7.0;
            b[i][j] = (double)(next_random(&seed) % 10000) / 9.0;
            s[i][j] = (float)a[i][j];
            t[i][j] = (float)b[i][j];
        }
    for (uint64_t n = rounds(argc, argv); n > 0; n--) {
        a[n % N][n * 7 % N] += 1.0;
        s[n % N][n * 7 % N] += 1.0f;
        multiply();
        for (int i = 0; i < N; i++) {
            uint64_t bits;
            uint32_t narrow;
            memcpy(&bits, &c[i][i * 7 % N], sizeof bits);
            memcpy(&narrow, &u[i][i * 7 % N], sizeof narrow);
            sum = mix(mix(sum, bits), narrow);
        }
    }
    return report(sum);
}
