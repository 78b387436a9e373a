/* Interpreter of a stack machine with 12 instructions, dispatched by a switch. Its program
 * is a loop with an inner loop, loads and stores. One round executes about 4.5 million
 * instructions. Checksum of one round: 7fa4a6313f2e8d05. */
#include "loop.h"

enum { PUSH, LOAD, STORE, ADD, SUB, MUL, XOR, SHR, LESS, JUMP_IF, PEEK, POKE, END };

/* for (i = 0; i < 2000; i++) for (j = 0; j < 100; j++) m[(i ^ j) & 255] += i * j ^ s >> 3; */
static const int program[] = {
    PUSH, 0, STORE, 0,                                 /*  0: i = 0 */
    PUSH, 0, STORE, 1,                                 /*  4: j = 0 */
    LOAD, 0, LOAD, 1, XOR, PEEK, LOAD, 0, LOAD, 1, MUL, /*  8 */
    LOAD, 2, PUSH, 3, SHR, XOR, ADD, STORE, 2,          /* 19: s = m[i ^ j] + (i * j ^ s >> 3) */
    LOAD, 2, LOAD, 0, LOAD, 1, XOR, POKE,               /* 28: m[i ^ j] = s */
    LOAD, 1, PUSH, 1, ADD, STORE, 1,                    /* 36: j++ */
    LOAD, 1, PUSH, 100, LESS, JUMP_IF, 8,               /* 43 */
    LOAD, 0, PUSH, 1, ADD, STORE, 0,                    /* 50: i++ */
    LOAD, 0, PUSH, 2000, LESS, JUMP_IF, 4,              /* 57 */
    END,
};

static uint64_t memory[256];

static uint64_t run(const int *code, uint64_t start)
{
    uint64_t stack[16], variables[4] = {0, 0, start, 0}, executed = 0;
    uint64_t *top = stack;
    const int *pc = code;
    for (;; executed++) {
        switch (*pc++) {
        case PUSH:
            *top++ = (uint64_t)*pc++;
            break;
        case LOAD:
            *top++ = variables[*pc++];
            break;
        case STORE:
            variables[*pc++] = *--top;
            break;
        case ADD:
            top--;
            top[-1] += *top;
            break;
        case SUB:
            top--;
            top[-1] -= *top;
            break;
        case MUL:
            top--;
            top[-1] *= *top;
            break;
        case XOR:
            top--;
            top[-1] ^= *top;
            break;
        case SHR:
            top--;
            top[-1] >>= *top & 63;
            break;
        case LESS:
            top--;
            top[-1] = top[-1] < *top;
            break;
        case JUMP_IF:
            pc = *--top ? code + *pc : pc + 1;
            break;
        case PEEK:
            top[-1] = memory[top[-1] & 255];
            break;
        case POKE:
            top -= 2;
            memory[top[1] & 255] = *top;
            break;
        default:
            return mix(variables[2], executed);
        }
    }
}

int main(int argc, char **argv)
{
    uint64_t sum = 1;
    for (uint64_t n = rounds(argc, argv); n > 0; n--)
        sum = run(program, sum);
    return report(sum);
}
