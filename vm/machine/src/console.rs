//! Host side of a guest console.
//!
//! ```text
//!  serial port, virtio console, SBI, HTIF ──output──► ConsoleBackend (host)
//!                    ▲                                       │
//!                    └── take_input ── bounded queue ◄── push_input
//! ```
//!
//! Input has back pressure: [`Console::push_input`] accepts as many bytes as fit and
//! returns their number, so that a guest that does not read does not grow the host's
//! memory. The backend decides about output: it may drop bytes or block the hart.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use riscope_core::counters::ConsolePage;

use crate::sync::lock;

/// Capacity of the input queue in bytes.
pub const INPUT_CAPACITY: usize = 4096;

/// Destination of guest console output. Harts call it from their own threads.
pub trait ConsoleBackend: Send + Sync + fmt::Debug {
    /// Writes guest output. The writing hart waits for it: a backend that blocks must
    /// return when the machine ends.
    fn write(&self, bytes: &[u8]);
}

/// Size of the terminal that shows a console, in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TerminalSize {
    /// Columns; 0 if unknown.
    pub columns: u16,
    /// Rows; 0 if unknown.
    pub rows: u16,
}

/// Observer of guest output, called before the backend.
pub(crate) trait OutputWatcher: Send {
    /// Called with `bytes` that the guest wrote, in order.
    fn see(&mut self, bytes: &[u8]);
}

/// Callback for new input or a changed size, called on the thread that caused it.
type Listener = Box<dyn Fn() + Send + Sync>;

/// Guest console: an output backend, an input queue and a terminal size.
pub struct Console {
    backend: Arc<dyn ConsoleBackend>,
    page: Arc<ConsolePage>,
    watcher: Mutex<Option<Box<dyn OutputWatcher>>>,
    input: Mutex<VecDeque<u8>>,
    listener: Mutex<Option<Arc<Listener>>>,
    size: Mutex<TerminalSize>,
    size_listener: Mutex<Option<Arc<Listener>>>,
}

impl Console {
    /// A console that writes to `backend`, with no input.
    pub fn new(backend: Arc<dyn ConsoleBackend>) -> Arc<Self> {
        Arc::new(Self {
            backend,
            page: Arc::default(),
            watcher: Mutex::default(),
            input: Mutex::default(),
            listener: Mutex::default(),
            size: Mutex::default(),
            size_listener: Mutex::default(),
        })
    }

    /// Counters of the console.
    pub fn page(&self) -> &Arc<ConsolePage> {
        &self.page
    }

    /// Passes guest output to the backend.
    pub fn output(&self, bytes: &[u8]) {
        self.page.count_output(bytes);
        if let Some(watcher) = &mut *lock(&self.watcher) {
            watcher.see(bytes);
        }
        self.backend.write(bytes);
    }

    /// Sets the observer of guest output, replacing any previous one.
    pub(crate) fn set_watcher(&self, watcher: impl OutputWatcher + 'static) {
        *lock(&self.watcher) = Some(Box::new(watcher));
    }

    /// Size of the terminal that shows the console.
    pub fn size(&self) -> TerminalSize {
        *lock(&self.size)
    }

    /// Sets the size of the terminal that shows the console.
    pub fn set_size(&self, size: TerminalSize) {
        if std::mem::replace(&mut *lock(&self.size), size) != size {
            call(&self.size_listener);
        }
    }

    /// Sets the callback for size changes, replacing any previous one.
    pub(crate) fn set_size_listener(&self, listener: impl Fn() + Send + Sync + 'static) {
        *lock(&self.size_listener) = Some(Arc::new(Box::new(listener)));
    }

    /// Queues input for the guest; returns the number of bytes accepted, 0 to
    /// `bytes.len()`. The caller retries the rest later.
    pub fn push_input(&self, bytes: &[u8]) -> usize {
        let taken = {
            let mut input = lock(&self.input);
            // Returned input may exceed the capacity a little.
            let room = INPUT_CAPACITY.saturating_sub(input.len());
            let taken = room.min(bytes.len());
            input.extend(&bytes[..taken]);
            taken
        };
        if taken > 0 {
            self.page.count_input(taken);
            // Called without the queue's lock, because the listener takes input.
            call(&self.listener);
        }
        taken
    }

    /// Takes up to `limit` bytes of queued input, oldest first.
    pub fn take_input(&self, limit: usize) -> Vec<u8> {
        let mut input = lock(&self.input);
        let count = limit.min(input.len());
        input.drain(..count).collect()
    }

    /// Returns input that was taken but not used to the front of the queue.
    pub(crate) fn return_input(&self, bytes: &[u8]) {
        if !bytes.is_empty() {
            let mut input = lock(&self.input);
            bytes.iter().rev().for_each(|&byte| input.push_front(byte));
        }
    }

    /// Whether input is waiting.
    pub fn has_input(&self) -> bool {
        !lock(&self.input).is_empty()
    }

    /// Sets the callback for new input, replacing any previous one.
    pub(crate) fn set_listener(&self, listener: impl Fn() + Send + Sync + 'static) {
        *lock(&self.listener) = Some(Arc::new(Box::new(listener)));
    }
}

/// Calls a listener, if set, without holding its lock.
fn call(listener: &Mutex<Option<Arc<Listener>>>) {
    let listener = lock(listener).clone();
    if let Some(listener) = listener {
        listener();
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").field("backend", &self.backend).finish_non_exhaustive()
    }
}

/// Backend that discards output.
#[derive(Debug, Default)]
pub struct NullBackend;

impl ConsoleBackend for NullBackend {
    fn write(&self, _bytes: &[u8]) {}
}

/// Backend that keeps all output, for tests and short runs.
#[derive(Debug, Default)]
pub struct CaptureBackend {
    bytes: Mutex<Vec<u8>>,
    grown: Condvar,
}

impl CaptureBackend {
    /// All output so far, with invalid UTF-8 replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&lock(&self.bytes)).into_owned()
    }

    /// Waits until the output contains `wanted`; false if it does not within `limit`.
    pub fn wait_for(&self, wanted: &str, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        let mut bytes = lock(&self.bytes);
        loop {
            if String::from_utf8_lossy(&bytes).contains(wanted) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            bytes = self.grown.wait_timeout(bytes, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl ConsoleBackend for CaptureBackend {
    fn write(&self, bytes: &[u8]) {
        lock(&self.bytes).extend_from_slice(bytes);
        self.grown.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn input_beyond_the_capacity_is_left_to_the_caller() {
        let console = Console::new(Arc::new(NullBackend));
        assert_eq!(console.push_input(&[b'x'; INPUT_CAPACITY - 1]), INPUT_CAPACITY - 1);
        assert_eq!(console.push_input(b"ab"), 1);
        assert_eq!(console.push_input(b"c"), 0);
        assert_eq!(console.take_input(INPUT_CAPACITY).last(), Some(&b'a'));
        assert_eq!(console.push_input(b"c"), 1);
    }

    #[test]
    fn returned_input_comes_first_even_if_the_queue_is_full() {
        let console = Console::new(Arc::new(NullBackend));
        console.push_input(b"abc");
        let taken = console.take_input(2);
        assert_eq!(console.push_input(&[b'x'; INPUT_CAPACITY]), INPUT_CAPACITY - 1);
        console.return_input(&taken);
        assert_eq!(console.push_input(b"y"), 0);
        assert_eq!(console.take_input(4), b"abcx");
    }

    #[test]
    fn the_listener_hears_of_accepted_input_and_may_take_it() {
        let console = Console::new(Arc::new(NullBackend));
        let taken = Arc::new(AtomicUsize::new(0));
        {
            let (weak, taken) = (Arc::downgrade(&console), Arc::clone(&taken));
            console.set_listener(move || {
                let console = weak.upgrade().unwrap();
                taken.fetch_add(console.take_input(16).len(), Ordering::SeqCst);
            });
        }
        console.push_input(b"hello");
        console.push_input(b"");
        assert_eq!(taken.load(Ordering::SeqCst), 5);
    }

    #[test]
    fn a_size_is_told_when_it_changes() {
        let console = Console::new(Arc::new(NullBackend));
        assert_eq!(console.size(), TerminalSize { columns: 0, rows: 0 });
        let told = Arc::new(AtomicUsize::new(0));
        {
            let told = Arc::clone(&told);
            console.set_size_listener(move || {
                told.fetch_add(1, Ordering::SeqCst);
            });
        }
        for columns in [100, 100, 80] {
            console.set_size(TerminalSize { columns, rows: 40 });
            assert_eq!(console.size().columns, columns);
        }
        assert_eq!(told.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn captured_output_can_be_waited_for_across_writes() {
        let capture = Arc::new(CaptureBackend::default());
        let console = Console::new(Arc::clone(&capture) as Arc<dyn ConsoleBackend>);
        let writer = std::thread::spawn(move || {
            console.output(b"log");
            console.output(b"in: ");
        });
        assert!(capture.wait_for("login: ", Duration::from_secs(60)));
        writer.join().unwrap();
        assert!(!capture.wait_for("password", Duration::ZERO));
    }
}
