/* Mutual recursion of a parser: it reads and evaluates a nested expression by functions for
 * sums, products and factors. One round evaluates 60 texts of 4,000 characters. Checksum of
 * one round: 38980eceef51fbee. */
#include "loop.h"

#define LENGTH 4000

static char text[LENGTH + 64];
static const char *at;

static uint64_t sum_of_terms(void);

static NOINLINE uint64_t factor(void)
{
    if (*at == '(') {
        at++;
        uint64_t value = sum_of_terms();
        at++;
        return value;
    }
    if (*at == '-') {
        at++;
        return -factor();
    }
    uint64_t value = 0;
    while (*at >= '0' && *at <= '9')
        value = value * 10 + (uint64_t)(*at++ - '0');
    return value;
}

static NOINLINE uint64_t product_of_factors(void)
{
    uint64_t value = factor();
    while (*at == '*' || *at == '^') {
        char sign = *at++;
        uint64_t right = factor();
        value = sign == '*' ? value * right : value ^ right;
    }
    return value;
}

static NOINLINE uint64_t sum_of_terms(void)
{
    uint64_t value = product_of_factors();
    while (*at == '+' || *at == '-') {
        char sign = *at++;
        uint64_t right = product_of_factors();
        value = sign == '+' ? value + right : value - right;
    }
    return value;
}

/* A random expression with at most 40 open parentheses. */
static void write_text(uint64_t seed)
{
    static const char operators[] = "+-*^";
    char *to = text;
    int open = 0;
    while (to < text + LENGTH - 50) {
        uint64_t r = next_random(&seed);
        while ((r & 3) == 0 && open < 40) {
            *to++ = '(';
            open++;
            r >>= 2;
        }
        if ((r >> 8 & 7) == 0)
            *to++ = '-';
        *to++ = (char)('1' + (r >> 16) % 9);
        *to++ = (char)('0' + (r >> 24) % 10);
        while ((r >> 32 & 3) == 0 && open > 0) {
            *to++ = ')';
            open--;
            r = next_random(&seed);
        }
        *to++ = operators[r >> 40 & 3];
    }
    *to++ = '7';
    while (open-- > 0)
        *to++ = ')';
    *to = 0;
}

int main(int argc, char **argv)
{
    uint64_t sum = 0;
    for (uint64_t n = rounds(argc, argv); n > 0; n--) {
        write_text(n);
        for (int i = 0; i < 60; i++) {
            at = text;
            sum = mix(sum, sum_of_terms());
            if (*at) {
                fprintf(stderr, "mutual: the text ends early\n");
                return 1;
            }
        }
    }
    return report(sum);
}
