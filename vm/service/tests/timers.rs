//! Timer checks of a guest whose host is loaded: an interrupt is never early, and a program that
//! reads a time at or past its deadline finds it pending, and is interrupted before its next
//! instruction, however long the host has taken the CPU away.
//!
//! The same program checks each timer: SBI, Sstc (`stimecmp`) and the CLINT's `mtimecmp`, with
//! the time from the `time` register or from the CLINT. It ends with the number of the check that
//! failed, or 0.
//!
//! `RISCOPE_TIMER_RUNS=500 cargo nextest run -p riscope --test timers` runs each program 500 times
//! instead of twice.

mod support;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use support::assembly::assemble;
use support::process::run;
use support::scratch::Scratch;

/// Runs of a program on an engine, unless the environment says otherwise.
const RUNS: usize = 2;
/// Threads that compete with the guest for the CPU.
const BUSY_THREADS: usize = 4;

/// Supervisor timer, set by the SBI: entered in S-mode, in the place of a kernel.
const SBI: &str = "
    .macro set_deadline register
    mv a0, \\register
    li a7, 0x54494d45
    li a6, 0
    ecall
    bnez a0, fail
    .endm
";

/// Supervisor timer, set by `stimecmp`.
const SSTC: &str = "
    .macro set_deadline register
    csrw 0x14d, \\register
    .endm
";

/// Control registers of both.
const SUPERVISOR: &str = "
    .equ TIMER, 1 << 5
    .macro read_time register
    csrr \\register, time
    .endm
    .macro read_pending register
    csrr \\register, sip
    andi \\register, \\register, TIMER
    .endm
    .macro enable_timer
    la t0, interrupt
    csrw stvec, t0
    li t0, TIMER
    csrw sie, t0
    .endm
    .macro allow_interrupts
    csrsi sstatus, 2
    .endm
    .macro forbid_interrupts
    csrci sstatus, 2
    .endm
    .macro read_cause register
    csrr \\register, scause
    .endm
    .macro leave_handler
    sret
    .endm
";

/// Machine timer of the CLINT: entered in M-mode, as firmware.
const CLINT: &str = "
    .equ TIMER, 1 << 7
    .macro set_deadline register
    li t5, 0x2004000
    sd \\register, 0(t5)
    .endm
    .macro read_pending register
    csrr \\register, mip
    andi \\register, \\register, TIMER
    .endm
    .macro enable_timer
    la t0, interrupt
    csrw mtvec, t0
    li t0, TIMER
    csrw mie, t0
    .endm
    .macro allow_interrupts
    csrsi mstatus, 8
    .endm
    .macro forbid_interrupts
    csrci mstatus, 8
    .endm
    .macro read_cause register
    csrr \\register, mcause
    .endm
    .macro leave_handler
    mret
    .endm
";

const TIME_REGISTER: &str = "
    .macro read_time register
    csrr \\register, time
    .endm
";

const MTIME: &str = "
    .macro read_time register
    li t6, 0x200bff8
    ld \\register, 0(t6)
    .endm
";

/// The checks, in rounds with different distances of the deadline. `gp` is
/// the number of the check, `s1` the deadline, `s2` the number of interrupts, `s3` the time of the
/// latest, `s4` the rounds left, `s5` the distance in ticks of 100 ns.
const CHECKS: &str = "
    .equ ROUNDS, 30
    .macro check number
    li gp, \\number
    li s2, 0
    .endm
    .macro set_ahead
    read_time s1
    add s1, s1, s5
    set_deadline s1
    .endm
    .macro take_back
    li t0, -1
    set_deadline t0
    .endm
    .globl _start
_start:
    enable_timer
    li s4, ROUNDS
round:
    slli s5, s4, 3
    addi s5, s5, 20

    check 1                             # a deadline in the past is pending at once
    set_deadline zero
    read_pending t1
    beqz t1, fail
    read_time s1
    set_deadline s1
    read_pending t1
    beqz t1, fail

    check 2                             # and no longer, once it is moved into the future
    take_back
    read_pending t1
    bnez t1, fail

    check 3                             # it becomes pending when time reaches it, not before
    set_ahead
1:  read_time t1
    read_pending t2
    read_time t3
    bgeu t1, s1, 2f
    beqz t2, 1b
    bltu t3, s1, fail
    j 3f
2:  beqz t2, fail
3:  take_back

    check 4                             # a program that reads a time past it has been interrupted
    allow_interrupts
    set_ahead
1:  read_time t1
    bltu t1, s1, 1b
    beqz s2, fail
    bltu s3, s1, fail

    check 5                             # a deadline in the past interrupts at once
    li s2, 0
    read_time s1
    set_deadline s1
    nop
    beqz s2, fail
    bltu s3, s1, fail

    check 6                             # a loop that does not read the time is interrupted
    set_ahead
1:  beqz s2, 1b
    bltu s3, s1, fail

    check 7                             # interrupts allowed after the deadline come at once
    forbid_interrupts
    set_ahead
1:  read_time t1
    bltu t1, s1, 1b
    bnez s2, fail
    allow_interrupts
    nop
    beqz s2, fail

    check 8                             # a sleeping hart is interrupted
    set_ahead
1:  forbid_interrupts                   # else the interrupt might come just before the sleep
    bnez s2, 2f
    wfi
    allow_interrupts
    j 1b
2:  bltu s3, s1, fail

    check 9                             # and wakes without being interrupted
    forbid_interrupts
    set_ahead
1:  wfi
    read_pending t1
    beqz t1, 1b
    read_time t1
    bltu t1, s1, fail
    bnez s2, fail
    take_back

    check 10                            # one deadline, one interrupt
    allow_interrupts
    set_ahead
    slli t2, s5, 1
    add t2, t2, s1
1:  read_time t1
    bltu t1, t2, 1b
    forbid_interrupts
    li t1, 1
    bne s2, t1, fail

    addi s4, s4, -1
    bnez s4, round
    li t1, 0x5555
    j end

    .balign 4
interrupt:
    read_time s3
    mv s6, t0
    mv s7, t5
    mv s8, t6
    mv s9, a0
    read_cause t0
    bgez t0, fail
    addi s2, s2, 1
    take_back
    read_pending t0
    bnez t0, fail
    mv t0, s6
    mv t5, s7
    mv t6, s8
    mv a0, s9
    leave_handler

fail:
    slli t1, gp, 16
    li t0, 0x3333
    or t1, t1, t0
end:
    li t0, 0x100000
    sw t1, 0(t0)
1:  j 1b
";

/// Keeps CPUs busy until it is dropped.
struct Load<'a>(&'a AtomicBool);

impl Drop for Load<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn runs() -> usize {
    let asked = std::env::var("RISCOPE_TIMER_RUNS").ok();
    asked.map_or(RUNS, |runs| runs.parse().expect("RISCOPE_TIMER_RUNS is a number"))
}

/// Runs the checks of a timer on every engine while threads without end compete with the guest.
fn check(option: &str, timer: &[&str]) {
    let scratch = Scratch::new();
    let program: PathBuf = assemble(&scratch, "timer", &[timer.concat().as_str(), CHECKS].concat());
    let program = program.to_str().expect("the path is UTF-8");
    let rested = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _load = Load(&rested);
        for _ in 0..BUSY_THREADS {
            scope.spawn(|| {
                while !rested.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let mut failures = Vec::new();
        for engine in ["interpreter", "baseline", "tiered"] {
            for n in 0..runs() {
                let outcome = run(["run", option, program, "--engine", engine, "--memory", "64M", "--timeout", "100"]);
                if outcome.code() != 0 {
                    failures.push(format!("run {n} on {engine}: check {}\n{}", outcome.code(), outcome.log()));
                }
            }
        }
        assert!(failures.is_empty(), "{} runs failed: {}", failures.len(), failures.join("\n"));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sbi_timer_is_neither_early_nor_missed_on_a_loaded_host() {
        check("--kernel", &[SUPERVISOR, SBI]);
    }

    #[test]
    fn stimecmp_is_neither_early_nor_missed_on_a_loaded_host() {
        check("--kernel", &[SUPERVISOR, SSTC]);
    }

    #[test]
    fn mtimecmp_is_neither_early_nor_missed_by_the_time_register_on_a_loaded_host() {
        check("--bios", &[CLINT, TIME_REGISTER]);
    }

    #[test]
    fn mtimecmp_is_neither_early_nor_missed_by_mtime_on_a_loaded_host() {
        check("--bios", &[CLINT, MTIME]);
    }
}
