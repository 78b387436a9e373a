/* Work in the manner of Dhrystone: assignments of structures, comparisons of strings, calls
 * with pointers, small loops and branches. One round is 50,000 passes. Checksum of one
 * round: 5a759191e4285502. */
#include "loop.h"
#include <string.h>

enum colour { RED, GREEN, BLUE };

struct entry {
    struct entry *next;
    enum colour colour;
    int number;
    char name[32];
};

static struct entry first, second;
static int vector[50], matrix[50][50];
static int counter;
static char last;

static NOINLINE enum colour other(enum colour colour, int number)
{
    switch (colour) {
    case RED:
        return number > 100 ? RED : BLUE;
    case GREEN:
        return number & 1 ? GREEN : RED;
    default:
        return GREEN;
    }
}

static NOINLINE int before(const char *a, const char *b)
{
    int i = 2;
    while (i <= 2 && a[i] != b[i + 1])
        i++;
    if (strcmp(a, b) > 0) {
        counter += i;
        return 1;
    }
    return 0;
}

static NOINLINE void fill(int *line, int table[50][50], int at, int value)
{
    int place = at + 5;
    line[place] = value;
    line[place + 1] = line[place];
    line[place + 20] = place;
    for (int i = place; i <= place + 1; i++)
        table[place][i] = place;
    table[place][place - 1]++;
    table[place + 20 - 10][place] = line[place];
}

static NOINLINE void follow(struct entry *entry)
{
    struct entry *next = entry->next;
    *next = *entry;
    next->number = 5;
    next->next = entry;
    if (next->colour == RED) {
        next->number = 6 + counter % 7;
        next->colour = other(entry->colour, next->number);
    } else {
        *entry = *next;
        entry->next = next;
    }
}

int main(int argc, char **argv)
{
    uint64_t sum = 0;
    char left[40], right[40];
    first = (struct entry){&second, RED, 40, "what the first of the two holds"};
    strcpy(left, "a text of some length, the FIRST");
    for (uint64_t n = rounds(argc, argv); n > 0; n--) {
        for (int pass = 0; pass < 50000; pass++) {
            strcpy(right, pass & 1 ? "a text of some length, SECOND" : "a text of some length, other");
            int a = 2, b = 3;
            if (before(left, right))
                a = b + pass % 3;
            for (; a < b + 4; a++)
                b = (7 * a - b) % 5;
            fill(vector, matrix, pass % 14, a + b);
            first.next = &second;
            first.colour = pass % 5 ? RED : GREEN;
            follow(&first);
            last = (char)('A' + (a + b) % 26);
            for (char c = 'A'; c <= last; c++)
                if (other(BLUE, c) == first.colour)
                    counter += c;
            b = b * a / (1 + second.number);
            counter = (counter + b) & 0xffff;
        }
        sum = mix(sum, (uint64_t)counter << 8 | (uint64_t)last);
        for (int i = 0; i < 50; i++)
            sum = mix(sum, (uint64_t)(vector[i] + matrix[i][i % 7 + 5]));
    }
    return report(sum);
}
