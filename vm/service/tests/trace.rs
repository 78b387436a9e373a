//! `--trace`: a line for each instruction, as Spike writes them, and what happens when the trace cannot be written.

mod support;

use std::path::PathBuf;
use std::process::Command;

use support::assembly::assemble;
use support::process::{Outcome, Process, riscope};
use support::scratch::Scratch;

/// Stores, loads, an atomic, an exception and an interrupt; then the test device ends the machine.
const SHORT: &str = "
    .globl _start
    .option norvc
_start:
    la t0, handler
    csrw mtvec, t0
    la t1, data
    li t2, -2
    sd t2, 8(t1)
    lhu t2, 8(t1)
    .option rvc
    c.addi t2, 1
    c.nop
    .option norvc
    amoadd.w zero, t2, (t1)
    ecall
    csrsi mie, 8
    csrsi mstatus, 8
    li t3, 0x2000000
    sw t2, 0(t3)
handler:
    csrr a0, mcause
    bltz a0, 1f
    csrr a1, mepc
    addi a1, a1, 4
    csrw mepc, a1
    mret
1:  li t0, 0x100000
    li t1, 0x5555
    sw t1, 0(t0)
wait:
    j wait
    .balign 16
data:
    .dword 0x7fffffff, 0
";

/// The trace of [`SHORT`] up to the store that ends the machine.
const SHORT_TRACE: &str = "
core   0: 3 0x0000000080000000 (0x00000297) x5  0x0000000080000000 ; auipc t0,0x0
core   0: 3 0x0000000080000004 (0x03c28293) x5  0x000000008000003c ; addi t0,t0,60
core   0: 3 0x0000000080000008 (0x30529073) c773_mtvec 0x000000008000003c ; csrrw zero,mtvec,t0
core   0: 3 0x000000008000000c (0x00000317) x6  0x000000008000000c ; auipc t1,0x0
core   0: 3 0x0000000080000010 (0x06430313) x6  0x0000000080000070 ; addi t1,t1,100
core   0: 3 0x0000000080000014 (0xffe00393) x7  0xfffffffffffffffe ; addi t2,zero,-2
core   0: 3 0x0000000080000018 (0x00733423) mem 0x0000000080000078 0xfffffffffffffffe ; sd t2,8(t1)
core   0: 3 0x000000008000001c (0x00835383) x7  0x000000000000fffe mem 0x0000000080000078 ; lhu t2,8(t1)
core   0: 3 0x0000000080000020 (0x0385) x7  0x000000000000ffff ; c.addi t2,t2,1
core   0: 3 0x0000000080000022 (0x0001) ; c.addi zero,zero,0
core   0: 3 0x0000000080000024 (0x0073202f) mem 0x0000000080000070 mem 0x0000000080000070 0x8000fffe ; amoadd.w zero,t2,(t1)
core   0: 3 0x0000000080000028 (0x00000073) exception ecall_m tval 0x0000000000000000 ; ecall
core   0: 3 0x000000008000003c (0x34202573) x10 0x000000000000000b ; csrrs a0,mcause,zero
core   0: 3 0x0000000080000040 (0x00054a63) ; blt a0,zero,0x80000054
core   0: 3 0x0000000080000044 (0x341025f3) x11 0x0000000080000028 ; csrrs a1,mepc,zero
core   0: 3 0x0000000080000048 (0x00458593) x11 0x000000008000002c ; addi a1,a1,4
core   0: 3 0x000000008000004c (0x34159073) c833_mepc 0x000000008000002c ; csrrw zero,mepc,a1
core   0: 3 0x0000000080000050 (0x30200073) c768_mstatus 0x0000000a00000080 ; mret
core   0: 3 0x000000008000002c (0x30446073) c772_mie 0x0000000000000008 ; csrrsi zero,mie,8
core   0: 3 0x0000000080000030 (0x30046073) c768_mstatus 0x0000000a00000088 ; csrrsi zero,mstatus,8
core   0: 3 0x0000000080000034 (0x02000e37) x28 0x0000000002000000 ; lui t3,0x2000
core   0: 3 0x0000000080000038 (0x007e2023) mem 0x0000000002000000 0x0000ffff ; sw t2,0(t3)
core   0: 3 0x000000008000003c interrupt machine_software
core   0: 3 0x000000008000003c (0x34202573) x10 0x8000000000000003 ; csrrs a0,mcause,zero
core   0: 3 0x0000000080000040 (0x00054a63) ; blt a0,zero,0x80000054
core   0: 3 0x0000000080000054 (0x001002b7) x5  0x0000000000100000 ; lui t0,0x100
core   0: 3 0x0000000080000058 (0x00005337) x6  0x0000000000005000 ; lui t1,0x5
core   0: 3 0x000000008000005c (0x5553031b) x6  0x0000000000005555 ; addiw t1,t1,1365
core   0: 3 0x0000000080000060 (0x0062a023) mem 0x0000000000100000 0x00005555 ; sw t1,0(t0)
";

/// A program that never ends.
const FOREVER: &str = ".globl _start\n_start: j _start\n";

/// A folder with a program, in which riscope runs.
struct Bench {
    scratch: Scratch,
    program: PathBuf,
}

impl Bench {
    fn new(source: &str) -> Self {
        let scratch = Scratch::new();
        let program = assemble(&scratch, "program", source);
        Self { scratch, program }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = riscope(["run", "--memory", "1M", "--bios"]);
        command.arg(&self.program).args(arguments).current_dir(self.scratch.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        Process::start(self.command(arguments)).finish()
    }

    /// The trace that a run to the power-off writes.
    fn trace(&self, arguments: &[&str]) -> String {
        self.run(&[&["--trace", "trace"], arguments].concat()).assert_code(0);
        std::fs::read_to_string(self.scratch.join("trace")).expect("the trace is there")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_what_an_instruction_did_or_which_trap_it_took() {
        let trace = Bench::new(SHORT).trace(&[]);
        let expected: Vec<&str> = SHORT_TRACE.lines().skip(1).collect();
        let lines: Vec<&str> = trace.lines().take(expected.len()).collect();
        assert_eq!(lines, expected, "{trace}");
    }

    #[test]
    fn harts_write_whole_lines() {
        let source = "
            .globl _start
        _start:
            csrr t0, mhartid
            la t1, done
            li t2, 20000
        1:  addi t2, t2, -1
            bnez t2, 1b
            beqz t0, 2f
            sw t0, 0(t1)
        3:  j 3b
        2:  lw t2, 0(t1)
            beqz t2, 2b
            li t0, 0x100000
            li t1, 0x5555
            sw t1, 0(t0)
            j 3b
            .balign 4
        done:
            .word 0
        ";
        let trace = Bench::new(source).trace(&["--cpus", "2"]);
        for hart in ["core   0: 3 0x0000000080", "core   1: 3 0x0000000080"] {
            assert!(trace.lines().filter(|line| line.starts_with(hart)).count() > 40_000, "{hart}");
        }
        let is_whole = |line: &str| line.starts_with("core   ") && line.contains(") ") && line.contains(" ; ");
        let broken: Vec<&str> = trace.lines().filter(|line| !is_whole(line)).collect();
        assert!(broken.is_empty() && trace.ends_with('\n'), "{broken:?}");
    }

    #[test]
    fn a_trace_goes_to_stdout_for_a_dash() {
        let bench = Bench::new(SHORT);
        let outcome = bench.run(&["--trace", "-"]);
        outcome.assert_code(0);
        assert!(outcome.stdout.starts_with("core   0: 3 0x0000000080000000 "), "{}", outcome.log());
        assert!(outcome.stdout.contains("exception ecall_m"), "{}", outcome.log());
        assert!(outcome.stderr.contains("interpreter runs the guest, which is slower"), "{}", outcome.log());
        assert!(!bench.scratch.names().contains(&"-".to_owned()), "{:?}", bench.scratch.names());
    }

    /// Fails unless riscope ended because of the trace, and said so in one line.
    fn assert_lost(outcome: &Outcome, reason: &str) {
        outcome.assert_code(70);
        let lost: Vec<&str> = outcome.stderr.lines().filter(|line| line.contains("the trace ends")).collect();
        assert!(lost.len() == 1 && lost[0].contains(reason), "{}", outcome.log());
        assert!(!outcome.stderr.contains("panic"), "{}", outcome.log());
    }

    #[test]
    fn a_full_disk_ends_the_machine_in_one_line() {
        assert_lost(&Bench::new(FOREVER).run(&["--trace", "/dev/full"]), "No space left on device");
        // Also when it fills up with the last line.
        assert_lost(&Bench::new(SHORT).run(&["--trace", "/dev/full", "--cpus", "2"]), "No space left on device");
        let demo = riscope(["demo", "--listen", "127.0.0.1:0", "--trace", "/dev/full"]);
        assert_lost(&Process::start(demo).finish(), "No space left on device");
    }

    #[test]
    fn a_closed_pipe_ends_the_machine_in_one_line() {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let bench = Bench::new(FOREVER);
        assert_lost(&Process::start_on(bench.command(&["--trace", "-"]), writer.into()).finish(), "Broken pipe");
    }

    #[test]
    fn a_trace_that_cannot_be_is_refused_and_leaves_nothing_behind() {
        let bench = Bench::new(SHORT);
        for (arguments, wanted) in [
            (&["--trace", "trace", "--engine", "tiered"][..], "--engine interpreter"),
            (&["--trace", "trace", "--engine", "baseline"], "--engine interpreter"),
            (&["--trace", "trace", "--kernel", "gone"], "gone"),
            (&["--trace", "."], "check --trace"),
            (&["--trace", "gone/trace"], "check --trace"),
        ] {
            let outcome = bench.run(arguments);
            outcome.assert_code(2);
            assert!(outcome.stderr.contains(wanted) && outcome.stderr.lines().count() == 1, "{}", outcome.log());
            assert!(!bench.scratch.join("trace").exists(), "{arguments:?}");
        }
        bench.run(&["--trace", "trace", "--engine", "interpreter"]).assert_code(0);
    }
}

/// The comparison with Spike, which is published for x86-64 only.
#[cfg(target_arch = "x86_64")]
#[cfg(test)]
mod spike {
    use std::path::Path;

    use super::*;

    /// What Spike and riscope are to say the same about: registers, memory, control registers, both modes of floating
    /// point, compressed instructions, exceptions, a return to user mode and back. It ends by HTIF.
    const LONG: &str = "
    .globl _start, tohost, fromhost
_start:
    la t0, handler
    csrw mtvec, t0
    li t0, -1
    csrw pmpaddr0, t0
    li t0, 0x1f
    csrw pmpcfg0, t0
    la sp, data
    li t0, 5
    csrrw a0, mscratch, t0
    csrrw zero, mscratch, t0
    csrrsi a1, mscratch, 2
    csrrci zero, mscratch, 0
    csrr a2, mscratch
    csrw satp, zero
    csrw stvec, t0
    li a0, 0x2000
    csrs mstatus, a0
    csrw sstatus, a0
    fcvt.d.l fa0, t0
    fcvt.s.l fa1, t0
    fdiv.d fa2, fa0, fa0
    fmadd.d fa3, fa0, fa0, fa2
    fcvt.l.d a3, fa0
    flw fa4, 4(sp)
    fsw fa0, 12(sp)
    fsd fa1, 16(sp)
    fmv.x.d a4, fa1
    feq.d a5, fa0, fa2
    fscsr a5, zero
    csrw fcsr, a5
    c.li a0, 1
    c.lwsp a1, 4(sp)
    c.sdsp a1, 8(sp)
    c.addi a0, 3
    c.nop
    sb t0, 1(sp)
    sh t0, 2(sp)
    lr.w a1, (sp)
    sc.w a2, t0, (sp)
    sc.w a2, t0, (sp)
    amoadd.d zero, t0, (sp)
    amomaxu.w a2, t0, (sp)
    amoswap.d sp, sp, (sp)
    la sp, data
    fence rw, rw
    fence.i
    sfence.vma
    mul a1, t0, a2
    .option arch, +zba
    sh1add a1, t0, a2
    .word 0xffffffff
    .half 0
    .half 0
    ld a2, 0(zero)
    ebreak
    nop
    la t0, user
    csrw mepc, t0
    csrw sepc, t0
    mret
user:
    li a7, 3
    ecall
    csrr a0, mscratch
    jal ra, end
    .balign 4
handler:
    csrr s0, mcause
    csrr s1, mepc
    csrr s2, mtval
    addi s1, s1, 4
    csrw mepc, s1
    mret
end:
    la t5, tohost
    li t6, 1
    sd t6, 0(t5)
2:  j 2b
    .data
    .balign 64
data:
    .dword 0x123456789abcdef0, 0, 0
    .balign 64
tohost:
    .dword 0
    .balign 64
fromhost:
    .dword 0
";

    /// An instruction of a log of either simulator: the hart, its mode, the address, the bits; and what it wrote and
    /// accessed, in an order of its own.
    type Step = (String, Vec<String>);

    /// The instructions that retired, from the start of the program to where it jumps to itself. Control registers of
    /// floating point are left out: only Spike writes down flags that an instruction raises once more.
    fn steps(log: &str) -> Vec<Step> {
        let lines = log.lines().filter(|line| !line.contains("exception") && !line.contains("interrupt"));
        let steps = lines.filter_map(|line| {
            let (place, effect) = line.split(" ;").next()?.split_once(')')?;
            let mut effects: Vec<String> = Vec::new();
            for word in effect.split_whitespace() {
                match effects.last_mut() {
                    Some(last) if word.starts_with("0x") => *last = format!("{last} {word}"),
                    _ => effects.push(word.to_owned()),
                }
            }
            effects.retain(|effect| !effect.starts_with("c1_fflags"));
            effects.sort();
            Some((place.to_owned(), effects))
        });
        let steps = steps.skip_while(|(place, _)| !place.contains("0x0000000080000000"));
        let mut found: Vec<Step> = Vec::new();
        for step in steps {
            if found.last().is_some_and(|(place, _)| *place == step.0) {
                break;
            }
            found.push(step);
        }
        found
    }

    /// The log of Spike.
    fn log_of_spike(bench: &Bench) -> String {
        let simulator = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/test-tools/venv/bin/spike");
        let log = bench.scratch.join("spike.log");
        let mut command = Command::new(&simulator);
        command.args(["--isa=rv64gc_zba_zbb_zbs_zicond_zicboz_zicntr_zicclsm", "-m64", "--log-commits"]);
        command.arg(format!("--log={}", log.display())).arg(&bench.program);
        let status = command.status().unwrap_or_else(|error| {
            panic!("{}: {error}; deploy/test-tools/install installs it", simulator.display());
        });
        assert!(status.success(), "the reference simulator ended with {status}");
        std::fs::read_to_string(&log).expect("the log is there")
    }

    #[test]
    fn a_trace_is_the_commit_log_of_spike() {
        let bench = Bench::new(LONG);
        let (trace, log) = (bench.trace(&[]), log_of_spike(&bench));
        let (ours, reference) = (steps(&trace), steps(&log));
        for (our, their) in ours.iter().zip(&reference) {
            assert_eq!(our, their, "riscope and Spike:\n{trace}");
        }
        assert_eq!(ours.len(), reference.len(), "{trace}");
        assert!(ours.len() >= 100, "{} instructions:\n{trace}", ours.len());
    }
}
