//! Guest output on its way to stdout.
//!
//! ```text
//!  hart ── write ──► queue of at most CAPACITY bytes ──► thread `stdout` ──► stdout
//!          waits for room                                waits for the reader
//! ```
//!
//! The guest is subject to the back pressure of stdout, until the machine is to end: see
//! [`Output::release`]. Output that the host refuses, for example on a full disk, is dropped
//! and the guest runs on; one line on stderr reports the first loss, and [`Output::failure`]
//! affects the exit status.

use std::io;
use std::os::fd::AsFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use riscope_machine::console::ConsoleBackend;

use rustix::io::Errno;

use super::descriptor::write_all;
use crate::message::say_aside;

/// Capacity of the queue in bytes.
const CAPACITY: usize = 64 << 10;
/// Time limit for pending output when the machine is to end.
pub(crate) const LAST_WORDS: Duration = Duration::from_secs(1);

/// Output queue.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// Held while output is queued, so that writes of different harts do not interleave.
    turn: Mutex<()>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    queue: Vec<u8>,
    /// Whether the thread holds bytes that it has not written yet.
    writing: bool,
    /// Time of the release, after which no one waits for the reader.
    released: Option<Instant>,
    /// The host's last refusal of output.
    failure: Option<Errno>,
}

impl Output {
    /// Output that a thread of its own writes to `sink`. The thread ends with the process,
    /// as a write cannot be cancelled.
    ///
    /// # Errors
    /// When the host cannot create a thread.
    pub(crate) fn to(sink: impl AsFd + Send + 'static) -> io::Result<Arc<Self>> {
        let output = Arc::<Self>::default();
        let source = Arc::clone(&output);
        std::thread::Builder::new().name("stdout".into()).spawn(move || {
            loop {
                let bytes = source.take();
                match write_all(&sink, &bytes) {
                    // Without a reader, output is dropped.
                    Ok(()) | Err(Errno::PIPE) => {}
                    Err(error) => source.fail(error),
                }
            }
        })?;
        Ok(output)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the next bytes to write, after the previous ones are written.
    fn take(&self) -> Vec<u8> {
        let mut state = self.lock();
        state.writing = false;
        self.changed.notify_all();
        while state.queue.is_empty() {
            state = self.wait(state);
        }
        state.writing = true;
        self.changed.notify_all();
        std::mem::take(&mut state.queue)
    }

    /// Records that output was lost, and reports the first loss.
    fn fail(&self, error: Errno) {
        let is_first = self.lock().failure.replace(error).is_none();
        if is_first {
            say_aside(format!("cannot write to stdout: {}; output of the guest is lost", io::Error::from(error)));
        }
    }

    /// The host's last error, if it refused output. A closed pipe is no error.
    pub(crate) fn failure(&self) -> Option<io::Error> {
        self.lock().failure.map(io::Error::from)
    }

    /// Ends all waits for the reader: output that does not fit the queue is dropped from
    /// now on, and the rest has [`LAST_WORDS`] to be written.
    pub(crate) fn release(&self) {
        self.lock().released.get_or_insert_with(Instant::now);
        self.changed.notify_all();
    }

    /// Waits until everything is written. False if that takes longer than the limit after
    /// [`Output::release`].
    pub(crate) fn drain(&self) -> bool {
        let begin = Instant::now();
        let mut state = self.lock();
        while state.writing || !state.queue.is_empty() {
            let Some(released) = state.released else {
                state = self.wait(state);
                continue;
            };
            let left = (released.max(begin) + LAST_WORDS).saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

impl ConsoleBackend for Output {
    fn write(&self, mut bytes: &[u8]) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.lock();
        while !bytes.is_empty() {
            let count = bytes.len().min(CAPACITY - state.queue.len());
            let (now, later) = bytes.split_at(count);
            state.queue.extend_from_slice(now);
            bytes = later;
            self.changed.notify_all();
            if !bytes.is_empty() {
                if state.released.is_some() {
                    return;
                }
                state = self.wait(state);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::os::fd::OwnedFd;

    use rustix::fs::{OFlags, fcntl_setfl};
    use rustix::io::write;
    use rustix::pipe::pipe;

    use super::*;

    /// More than the queue, the thread's share and the pipe hold together.
    const MUCH: usize = 1 << 20;

    fn output() -> (OwnedFd, OwnedFd, Arc<Output>) {
        let (reader, writer) = pipe().unwrap();
        let output = Output::to(writer.try_clone().unwrap()).unwrap();
        (reader, writer, output)
    }

    fn numbers(count: usize) -> Vec<u8> {
        (0..count).map(|i| u8::try_from(i % 251).unwrap()).collect()
    }

    #[test]
    fn everything_arrives_in_order_whoever_waits() {
        for flags in [OFlags::empty(), OFlags::NONBLOCK] {
            let (reader, writer, output) = output();
            fcntl_setfl(&writer, flags).unwrap();
            let sender = Arc::clone(&output);
            let thread = std::thread::spawn(move || {
                for piece in numbers(MUCH).chunks(100_000) {
                    sender.write(piece);
                }
                assert!(sender.drain());
            });
            let mut read = vec![0; MUCH];
            File::from(reader).read_exact(&mut read).unwrap();
            assert!(read == numbers(MUCH), "{flags:?}");
            thread.join().unwrap();
        }
    }

    #[test]
    fn who_waits_for_a_reader_is_released() {
        let (reader, writer, output) = output();
        fcntl_setfl(&writer, OFlags::NONBLOCK).unwrap();
        while write(&writer, &[0]).is_ok() {}
        fcntl_setfl(&writer, OFlags::empty()).unwrap();
        let sender = Arc::clone(&output);
        let thread = std::thread::spawn(move || sender.write(&numbers(MUCH)));
        // The thread blocks eventually, at whichever point.
        output.release();
        thread.join().unwrap();
        output.write(&numbers(MUCH));
        assert!(!output.drain(), "nobody reads");
        drop(reader);
        while !output.drain() {}
    }

    #[test]
    fn a_closed_reader_costs_output_only() {
        let (reader, _writer, output) = output();
        drop(reader);
        output.write(&numbers(MUCH));
        assert!(output.drain());
        assert!(output.failure().is_none());
    }

    #[test]
    fn output_that_the_host_refuses_is_remembered_and_keeps_nobody_waiting() {
        let output = Output::to(File::options().write(true).open("/dev/full").unwrap()).unwrap();
        assert!(output.failure().is_none());
        output.write(&numbers(MUCH));
        assert!(output.drain());
        assert_eq!(output.failure().unwrap().raw_os_error(), Some(Errno::NOSPC.raw_os_error()));
    }
}
