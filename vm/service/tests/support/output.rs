//! Output of a process, collected while it runs.

use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    ended: bool,
}

/// One stream of a process.
#[derive(Debug)]
pub(crate) struct Output {
    shared: Arc<(Mutex<State>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Output {
    /// Collects what `stream` yields until its end.
    pub(crate) fn of(mut stream: impl Read + Send + 'static) -> Self {
        let shared = Arc::<(Mutex<State>, Condvar)>::default();
        let filled = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                // A terminal whose other end is closed ends with an error.
                let count = stream.read(&mut buffer).unwrap_or(0);
                let mut state = filled.0.lock().unwrap_or_else(PoisonError::into_inner);
                state.bytes.extend_from_slice(&buffer[..count]);
                state.ended = count == 0;
                filled.1.notify_all();
                if state.ended {
                    return;
                }
            }
        });
        Self { shared, thread: Some(thread) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything so far.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.state().bytes).into_owned()
    }

    /// Waits until `found` returns something for the text so far, or the end of the stream or `limit` comes.
    pub(crate) fn wait_for<T>(&self, limit: Duration, found: impl Fn(&str) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + limit;
        let mut state = self.state();
        loop {
            let result = found(&String::from_utf8_lossy(&state.bytes));
            let left = deadline.saturating_duration_since(Instant::now());
            if result.is_some() || state.ended || left.is_zero() {
                return result;
            }
            state = self.shared.1.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Everything, once the stream has ended.
    pub(crate) fn finish(mut self) -> String {
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the collector does not panic");
        }
        self.text()
    }
}
