//! Remote fences of the SBI between harts that execute, sleep, or, on a host with fewer than three
//! CPUs, wait for one: when a call returns, no hart uses an old translation.
//!
//! Hart 0 writes a new generation into a page, puts the page in the place of the one that is
//! mapped, has all harts fence, and announces the generation. The others read and execute the page
//! in loops, one of them asleep most of the time: never do they find a generation older than the
//! one announced before.

mod support;

use support::assembly::assemble;
use support::process::run;
use support::scratch::Scratch;

/// Three harts; exit status 1 if one finds old data, 2 for old code, 3 if a call fails.
const PROGRAM: &str = "
    .equ VA, 0x40000000
    .equ GENERATIONS, 1500
    .equ OTHERS, 2
    .equ SPACE, 8 << 60 | 5 << 44
    .equ LEAF, 0xcf
    .macro sbi extension, function
    li a7, \\extension
    li a6, \\function
    ecall
    li gp, 3
    bnez a0, fail
    .endm
    .macro fence_all function, start, size
    li a0, 0
    li a1, -1
    li a2, \\start
    li a3, \\size
    li a4, 5
    sbi 0x52464e43, \\function
    .endm
    .macro entry_of register, target, bits
    la \\register, \\target
    srli \\register, \\register, 2
    ori \\register, \\register, \\bits
    .endm
    .macro turn_paging_on
    la t0, root
    srli t0, t0, 12
    li t1, SPACE
    or t0, t0, t1
    csrw satp, t0
    sfence.vma
    .endm

    .globl _start
_start:
    la t0, root
    li t1, LEAF                         # devices
    sd t1, 0(t0)
    entry_of t1, middle, 1
    sd t1, 8(t0)
    li t1, 0x80000000 >> 2 | LEAF       # memory
    sd t1, 16(t0)
    la t0, middle
    entry_of t1, leaves, 1
    sd t1, 0(t0)
    la s0, leaves
    la s1, page_1
    la s2, page_2
    li s3, 0
    j next
started:
    turn_paging_on
    li s4, OTHERS
1:  mv a0, s4
    la a1, other
    li a2, 0
    sbi 0x48534d, 0
    addi s4, s4, -1
    bnez s4, 1b
2:  la t0, ready
    lw t0, 0(t0)
    li t1, OTHERS
    bne t0, t1, 2b

next:
    addi s3, s3, 1
    slli t0, s3, 20                     # li a0, generation; ret
    ori t0, t0, 0x513
    sw t0, 0(s2)
    li t0, 0x8067
    sw t0, 4(s2)
    sd s3, 8(s2)
    fence rw, rw
    fence_all 0, 0, 0
    srli t0, s2, 2
    ori t0, t0, LEAF
    sd t0, 0(s0)
    fence rw, rw
    mv t0, s1
    mv s1, s2
    mv s2, t0
    li t0, 1
    beq s3, t0, started
    andi t0, s3, 7                      # the ways to fence the page
    li t1, 1
    beqz t0, 3f
    beq t0, t1, 4f
    andi t0, s3, 1
    bnez t0, 5f
    fence_all 2, VA, 0x1000
    j announce
5:  fence_all 1, VA - 0x2000, 0x5000
    j announce
4:  fence_all 1, 0, 0
    j announce
3:  fence_all 2, 0, -1
announce:
    la t0, announced
    sd s3, 0(t0)
    li t0, GENERATIONS
    bne s3, t0, next
    li gp, 0
    j end

    .balign 4
other:
    mv s5, a0
    turn_paging_on
    li t0, 1 << 5
    csrw sie, t0
    la t0, ready
    li t1, 1
    amoadd.w zero, t1, (t0)
    li s2, VA
    la s6, announced
1:  ld s4, 0(s6)
    fence rw, rw
    ld t1, 8(s2)
    li gp, 1
    bltu t1, s4, fail
    jalr s2
    li gp, 2
    bltu a0, s4, fail
    li t0, 1
    beq s5, t0, 1b
    csrr t0, time                       # the second of them sleeps for some microseconds
    addi t0, t0, 100
    csrw 0x14d, t0
    wfi
    j 1b

fail:
end:
    li t1, 0x5555
    beqz gp, 1f
    slli t1, gp, 16
    li t0, 0x3333
    or t1, t1, t0
1:  li t0, 0x100000
    sw t1, 0(t0)
2:  j 2b

    .data
    .balign 64
ready:
    .dword 0
    .balign 64
announced:
    .dword 0
    .bss
    .balign 4096
root:
    .zero 4096
middle:
    .zero 4096
leaves:
    .zero 4096
page_1:
    .zero 4096
page_2:
    .zero 4096
";

#[cfg(test)]
mod tests {
    use super::*;

    fn check(engine: &str) {
        let scratch = Scratch::new();
        let program = assemble(&scratch, "shootdown", PROGRAM);
        let program = program.to_str().expect("the path is UTF-8");
        let arguments = ["run", "--kernel", program, "--engine", engine, "--cpus", "3", "--memory", "64M"];
        run(arguments.into_iter().chain(["--timeout", "120"])).assert_code(0);
    }

    #[test]
    fn no_hart_uses_an_old_translation_after_a_remote_fence_on_the_interpreter() {
        check("interpreter");
    }

    #[test]
    fn no_hart_uses_an_old_translation_after_a_remote_fence_in_templates() {
        check("baseline");
    }

    #[test]
    fn no_hart_uses_an_old_translation_after_a_remote_fence_in_all_tiers() {
        check("tiered");
    }
}
