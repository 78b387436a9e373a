/* Sorting: the C library's qsort with a comparison function, and a quicksort of its own. One
 * round sorts 20,000 records and 60,000 numbers. Checksum of one round: d8e70dd707cc8152. */
#include "loop.h"

#define RECORDS 20000
#define NUMBERS 60000

struct record {
    uint32_t group;
    uint32_t place;
    uint64_t value;
};

static struct record records[RECORDS];
static uint64_t numbers[NUMBERS];

static int by_group_and_value(const void *left, const void *right)
{
    const struct record *a = left, *b = right;
    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

static void sort(uint64_t *v, long low, long high)
{
    while (low < high) {
        uint64_t pivot = v[low + (high - low) / 2];
        long i = low, j = high;
        while (i <= j) {
            while (v[i] < pivot)
                i++;
            while (v[j] > pivot)
                j--;
            if (i <= j) {
                uint64_t t = v[i];
                v[i++] = v[j];
                v[j--] = t;
            }
        }
        if (j - low < high - i) {
            sort(v, low, j);
            low = i;
        } else {
            sort(v, i, high);
            high = j;
        }
    }
}

int main(int argc, char **argv)
{
    uint64_t seed = 4711, sum = 0;
    for (uint64_t n = rounds(argc, argv); n > 0; n--) {
        for (uint32_t i = 0; i < RECORDS; i++) {
            uint64_t r = next_random(&seed);
            records[i] = (struct record){(uint32_t)(r % 100), i, r >> 20};
        }
        qsort(records, RECORDS, sizeof *records, by_group_and_value);
        for (int i = 0; i < RECORDS; i += 100)
            sum = mix(sum, records[i].value + records[i].place);
        for (int i = 0; i < NUMBERS; i++)
            numbers[i] = next_random(&seed);
        sort(numbers, 0, NUMBERS - 1);
        for (int i = 0; i < NUMBERS; i += 100)
            sum = mix(sum, numbers[i]);
    }
    return report(sum);
}
