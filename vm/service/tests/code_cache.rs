//! A guest that makes code all the time: the code cache and what belongs to it keep their size.

mod support;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use support::PATIENCE;
use support::assembly::assemble;
use support::http::{address_in, get};
use support::process::{Process, riscope};
use support::scratch::Scratch;

/// Fills pages of a region of 8 MiB with code, each time with another operand, calls each page
/// until it is translated, and checks what it computes. Ends with a failure if that is wrong.
const FLOOD: &str = ".globl _start
    _start: li s2, 1
    again: li s0, 0x80100000
    li s1, 0x80900000
    li a2, 0x80010000
    li a3, 0x80012000
    page:                       # addi a0, a0, s2; ld a1, 0(a2); ld a4, 0(a3); beq x0, x0, .+4
    li t0, 0x0006358300050513
    slli t1, s2, 20
    or t0, t0, t1
    li t3, 0x000002630006b703
    mv t5, s0
    li t6, 4096 - 16
    add t6, t6, s0
    fill: sd t0, 0(t5)
    sd t3, 8(t5)
    addi t5, t5, 16
    bne t5, t6, fill
    li t4, 0x00008067           # ret
    sw t4, 0(t5)
    fence.i
    li a0, 0
    li s4, 24
    call: jalr ra, s0
    addi s4, s4, -1
    bnez s4, call
    li t0, 24 * 255
    mul t0, t0, s2
    bne a0, t0, wrong
    li t0, 4096
    add s0, s0, t0
    bne s0, s1, page
    addi s2, s2, 1
    li t0, 512
    bne s2, t0, again
    j _start
    wrong: li t0, 0x100000
    li t1, 0x13333
    sw t1, 0(t0)
    wait: j wait\n";

/// Calls a function on each page of a region of 128 MiB until it is translated, again and again.
const SPARSE: &str = ".globl _start
    _start: li s0, 0x80100000
    li s1, 0x88100000
    li s5, 4096
    page: li t0, 0x0000806700150513     # addi a0, a0, 1; ret
    sd t0, 0(s0)
    fence.i
    li s4, 24
    call: jalr ra, s0
    addi s4, s4, -1
    bnez s4, call
    add s0, s0, s5
    bne s0, s1, page
    j _start\n";

/// Evictions of the whole code cache that are waited for. `RISCOPE_SOAK_SECONDS` sets a time as
/// well, for `cargo test`, which does not end long tests.
const TURNS: u64 = 2;

/// MiB that the engine may need beyond guest memory and code cache.
const ENGINE_MIB: u64 = 32;
/// The same for the rest of the process, its program included.
const PROCESS_MIB: u64 = 24;
/// Two segments of the code cache.
const SEGMENTS_MIB: u64 = 8;

/// Value of a sample without labels or with this text in them.
fn metric(text: &str, name: &str) -> u64 {
    let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name} in {text}"));
    let value = line.rsplit(' ').next().and_then(|value| value.parse().ok());
    value.unwrap_or_else(|| panic!("no value in {line}"))
}

/// Bytes of memory of the process, each page counted once.
fn proportional_bytes(process: &Process) -> u64 {
    let path = format!("/proc/{}/smaps_rollup", process.id());
    let text = std::fs::read_to_string(&path).expect("the process is there");
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kibibytes.unwrap_or_else(|| panic!("no memory in {text}")) << 10
}

fn soak_time() -> Duration {
    let seconds = std::env::var("RISCOPE_SOAK_SECONDS").map_or(0, |text| text.parse().expect("seconds"));
    Duration::from_secs(seconds)
}

/// A machine that runs such a program.
struct Flood {
    process: Process,
    address: SocketAddr,
    _scratch: Scratch,
}

impl Flood {
    fn start(source: &str, memory: &str) -> Self {
        let scratch = Scratch::new();
        let program = assemble(&scratch, "flood", source);
        let arguments = ["run", "--memory", memory, "--listen", "127.0.0.1:0", "--bios"];
        let process = Process::start(riscope(arguments.map(Into::into).into_iter().chain([program.into_os_string()])));
        let address = process.stderr.wait_for(PATIENCE, address_in).expect("it listens");
        Self { process, address, _scratch: scratch }
    }

    /// Checks that the process has at most `bound` bytes of memory, until `enough` says so of its
    /// metrics.
    fn keeps_within(mut self, bound: u64, limit: Duration, enough: impl Fn(&str) -> bool) {
        let started = Instant::now();
        loop {
            let text = get(self.address, "/metrics").body;
            let bytes = proportional_bytes(&self.process);
            assert!(bytes <= bound, "{bytes} bytes of memory, {bound} are allowed: {text}");
            if enough(&text) {
                break;
            }
            assert!(!self.process.has_ended(), "{}", self.process.stderr.text());
            assert!(started.elapsed() < limit, "{text}");
            std::thread::sleep(Duration::from_millis(100));
        }
        // There is nothing in the guest that would answer to a power button.
        self.process.signal(Signal::TERM);
        self.process.signal(Signal::TERM);
        let _ = self.process.finish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn a_guest_that_makes_code_all_the_time_stays_within_the_code_cache() {
        let flood = Flood::start(FLOOD, "32M");
        let limit = metric(&get(flood.address, "/metrics").body, "riscope_jit_code_cache_limit_bytes");
        let (started, soak) = (Instant::now(), soak_time());
        let bound = (32 + ENGINE_MIB + PROCESS_MIB) * MIB + limit;
        flood.keeps_within(bound, PATIENCE + soak, |text| {
            let used = ["baseline", "optimised"]
                .map(|tier| metric(text, &format!("riscope_jit_code_cache_usage_bytes{{segment=\"{tier}\"}}")));
            assert!(used.iter().sum::<u64>() <= limit, "{used:?} of {limit} bytes");
            let evicted = metric(text, "riscope_jit_code_cache_evicted_bytes_total");
            evicted >= TURNS * limit && started.elapsed() >= soak
        });
    }

    #[test]
    fn a_little_code_on_each_of_many_pages_needs_little_memory() {
        let flood = Flood::start(SPARSE, "160M");
        // Its code fills less than a segment.
        let bound = (160 + ENGINE_MIB + PROCESS_MIB + SEGMENTS_MIB) * MIB;
        let pages = 128 * MIB / 4096;
        flood.keeps_within(bound, PATIENCE, |text| metric(text, "riscope_jit_code_cache_evictions_total") > pages);
    }
}
