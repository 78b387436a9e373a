//! Check of the host's limits (`ulimit`) before anything is built.
//!
//! Some libraries panic, and allocation aborts, when the host refuses a descriptor, a
//! thread or memory. The needs of a command are therefore tried or compared first, and a
//! one-line message names the limit that is too low. Limits reached later, such as the size
//! of a file or the number of connections, are errors where they occur.

use std::fs::{self, File};
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use riscope_core::mem::share_heap;
use rustix::io::Errno;
use rustix::param::page_size;
use rustix::process::{Resource, getrlimit};

/// Descriptors of stdin, stdout and stderr.
const STREAMS: usize = 3;
/// Descriptors of every command besides those of its machine: streams, event loop and
/// wake-ups, signals, and one for files opened temporarily.
const BASE_FILES: usize = 14;
/// Descriptors of the HTTP endpoint: listener and connections.
const LISTEN_FILES: usize = 4;
/// Descriptors of the OTLP exporter of a signal: event loop, connection, resolver.
const OTLP_FILES: usize = 8;
/// Descriptors of the client of Alertmanager: event loop, connection, resolver.
const ALERTMANAGER_FILES: usize = 8;
/// Threads of every command besides those of its machine.
const BASE_THREADS: usize = 12;
/// Threads of the OTLP exporter of a signal.
const OTLP_THREADS: usize = 4;
/// Threads of the client of Alertmanager.
const ALERTMANAGER_THREADS: usize = 4;
/// Address space of every command in bytes, besides its threads and machine.
const BASE_SPACE: u64 = 32 << 20;
/// Address space of a hart in bytes, besides its thread: decoded code and TLBs.
const HART_SPACE: u64 = 64 << 20;
/// Address space of the JIT in bytes, besides its thread: both views of the arena, and the
/// compiler.
const JIT_SPACE: u64 = 320 << 20;

/// Where threads allocate memory.
#[derive(Clone, Copy, Debug)]
enum Heap {
    /// Each thread in a malloc arena of its own, which is faster.
    Own,
    /// All threads in one arena.
    Shared,
}

impl Heap {
    /// Address space of a thread in bytes: its stack and its malloc arena.
    fn thread_space(self) -> u64 {
        match self {
            Self::Own => 67 << 20,
            Self::Shared => 3 << 20,
        }
    }

    /// Address space of the JIT in bytes.
    fn jit_space(self) -> u64 {
        self.thread_space() + JIT_SPACE
    }
}

/// Resources that a command needs of its host.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Needs {
    /// Harts of its machine.
    pub(crate) harts: usize,
    /// Guest memory in bytes.
    pub(crate) memory: u64,
    /// Disks of its machine.
    pub(crate) disks: usize,
    /// Whether it writes a trace.
    pub(crate) traces: bool,
    /// Whether it serves HTTP.
    pub(crate) listens: bool,
    /// Signals that it may export to OTLP receivers.
    pub(crate) signals: usize,
    /// Whether it evaluates alerts, on a thread.
    pub(crate) evaluates: bool,
    /// Whether it sends alerts.
    pub(crate) notifies: bool,
}

impl Needs {
    fn files(&self) -> usize {
        let listen = if self.listens { LISTEN_FILES } else { 0 };
        let alertmanager = if self.notifies { ALERTMANAGER_FILES } else { 0 };
        BASE_FILES + self.disks + usize::from(self.traces) + listen + self.signals * OTLP_FILES + alertmanager
    }

    fn threads(&self) -> usize {
        let alertmanager = if self.notifies { ALERTMANAGER_THREADS } else { 0 };
        BASE_THREADS + self.harts + self.signals * OTLP_THREADS + usize::from(self.evaluates) + alertmanager
    }

    /// Address space in bytes, without the JIT.
    fn space(&self, heap: Heap) -> u64 {
        let threads = (self.threads() - self.harts) as u64 * heap.thread_space();
        self.machine_space(heap).saturating_add(BASE_SPACE + threads)
    }

    fn machine_space(&self, heap: Heap) -> u64 {
        self.memory.saturating_add(self.harts as u64 * (heap.thread_space() + HART_SPACE))
    }
}

/// A limit is too low.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LimitError {
    #[error("the host allows too few open files: riscope needs {needed} here; raise the limit (ulimit -n)")]
    Files { needed: usize },
    #[error("the host allows too few threads: riscope needs {needed} here; raise the limit (ulimit -u): {source}")]
    Threads { needed: usize, source: io::Error },
    #[error(
        "the host allows too little memory: riscope needs about {} MiB here of which {} MiB are left; \
         raise the limit (ulimit {option}) or choose less --memory",
        needed >> 20, left >> 20
    )]
    Space { needed: u64, left: u64, option: &'static str },
}

/// Makes writes beyond the file size limit fail with an error instead of ending the
/// process.
///
/// # Errors
/// The host's, if it does not allow handling the signal.
pub(crate) fn survive_file_size_limit() -> io::Result<()> {
    // Only the presence of a handler matters; the flag is not read.
    signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::new(AtomicBool::new(false))).map(drop)
}

/// Checks that the host's limits allow what a command needs.
///
/// # Errors
/// [`LimitError`], which names the limit that is too low.
pub(crate) fn check(needs: &Needs) -> Result<(), LimitError> {
    check_space(|heap| needs.space(heap), Heap::jit_space)?;
    check_files(needs.files())?;
    check_threads(needs.threads())
}

/// Opens as many files as needed besides the streams.
fn check_files(needed: usize) -> Result<(), LimitError> {
    let mut files = Vec::with_capacity(needed);
    for _ in STREAMS..needed {
        match File::open("/dev/null") {
            Ok(file) => files.push(file),
            Err(error) if is_out_of_files(&error) => return Err(LimitError::Files { needed }),
            // There is no file to try with.
            Err(_) => break,
        }
    }
    Ok(())
}

fn is_out_of_files(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

/// Starts as many threads as needed at the same time.
fn check_threads(needed: usize) -> Result<(), LimitError> {
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let held = Arc::new(std::sync::Mutex::new(held));
    let mut threads = Vec::with_capacity(needed);
    let mut refusal = None;
    for _ in 0..needed {
        let held = Arc::clone(&held);
        // Waits until the other end is dropped.
        let wait = move || drop(held.lock().map(|held| held.recv()));
        match std::thread::Builder::new().name("limits".into()).spawn(wait) {
            Ok(thread) => threads.push(thread),
            Err(source) => {
                refusal = Some(LimitError::Threads { needed, source });
                break;
            }
        }
    }
    drop(hold);
    for thread in threads {
        // The thread cannot panic.
        let _ = thread.join();
    }
    refusal.map_or(Ok(()), Err)
}

/// Whether there is address space for the machine and for generated code. Call after
/// everything else has been started.
pub(crate) fn has_space_for_jit(needs: &Needs) -> bool {
    check_space(|heap| needs.machine_space(heap).saturating_add(heap.jit_space()), |_| 0).is_ok()
}

/// Checks for the address space that is `needed`. If there is no room for what is `wanted`
/// in addition, threads share one heap from now on.
fn check_space(needed: impl Fn(Heap) -> u64, wanted: impl Fn(Heap) -> u64) -> Result<(), LimitError> {
    compare_space(needed(Heap::Own).saturating_add(wanted(Heap::Own))).or_else(|_| {
        share_heap();
        compare_space(needed(Heap::Shared))
    })
}

/// Compares with the limits of address space and data size.
fn compare_space(needed: u64) -> Result<(), LimitError> {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = |field: usize| -> u64 { statm.split(' ').nth(field).and_then(|n| n.parse().ok()).unwrap_or(0) };
    for (resource, field, option) in [(Resource::As, 0, "-v"), (Resource::Data, 5, "-d")] {
        let Some(limit) = getrlimit(resource).current else { continue };
        let left = limit.saturating_sub(pages(field).saturating_mul(page_size() as u64));
        if left < needed {
            return Err(LimitError::Space { needed, left, option });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_grows_with_what_is_asked_for() {
        let small = Needs { harts: 1, memory: 1 << 20, ..Needs::default() };
        let large = Needs { harts: 8, memory: 1 << 30, disks: 8, traces: true, listens: true, signals: 1, ..small };
        let large = Needs { evaluates: true, notifies: true, ..large };
        assert!(large.files() >= small.files() + 9 + LISTEN_FILES + OTLP_FILES + ALERTMANAGER_FILES);
        assert!(large.threads() >= small.threads() + 7 + OTLP_THREADS + 1 + ALERTMANAGER_THREADS);
        for heap in [Heap::Own, Heap::Shared] {
            assert!(large.space(heap) >= small.space(heap) + (1023 << 20));
        }
        assert!(small.space(Heap::Shared) < 256 << 20, "a small machine needs little");
    }

    #[test]
    fn what_the_host_has_is_enough() {
        check(&Needs { harts: 1, memory: 1 << 20, ..Needs::default() }).unwrap();
    }

    #[test]
    fn what_no_host_has_is_named() {
        let error = LimitError::Space { needed: 3 << 20, left: 1 << 20, option: "-v" };
        assert!(error.to_string().contains("3 MiB here of which 1 MiB are left"), "{error}");
    }
}
