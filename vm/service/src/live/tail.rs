//! Console tail: the last output of the guest, for those who look at its machine from elsewhere.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use riscope_machine::console::ConsoleBackend;

use super::plain::plain;
use super::snapshot::ConsoleView;

/// Bytes kept.
const CAPACITY: usize = 16 << 10;
/// Characters shown at most.
const SHOWN: usize = 6 << 10;

/// The last bytes that passed through.
#[derive(Debug)]
pub(crate) struct Tail {
    state: Mutex<State>,
    next: Arc<dyn ConsoleBackend>,
}

#[derive(Debug, Default)]
struct State {
    bytes: VecDeque<u8>,
    total: u64,
}

impl Tail {
    /// A tail of what is written to `next`.
    pub(crate) fn of(next: Arc<dyn ConsoleBackend>) -> Self {
        Self { state: Mutex::default(), next }
    }

    /// What it holds, as plain text.
    pub(crate) fn view(&self) -> ConsoleView {
        let (bytes, total) = {
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            (state.bytes.iter().copied().collect::<Vec<_>>(), state.total)
        };
        let text = plain(&String::from_utf8_lossy(&bytes));
        // A line of which the start was forgotten is not shown.
        let mut from = text.char_indices().rev().nth(SHOWN).map_or(0, |(at, _)| at);
        if from > 0 || total > bytes.len() as u64 {
            from = text[from..].find('\n').map_or(from, |at| from + at + 1);
        }
        ConsoleView { bytes: total, text: text[from..].to_owned() }
    }

    fn keep(&self, bytes: &[u8]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.total = state.total.wrapping_add(bytes.len() as u64);
        let kept = &bytes[bytes.len().saturating_sub(CAPACITY)..];
        let excess = (state.bytes.len() + kept.len()).saturating_sub(CAPACITY);
        state.bytes.drain(..excess);
        state.bytes.extend(kept);
    }
}

impl ConsoleBackend for Tail {
    fn write(&self, bytes: &[u8]) {
        self.keep(bytes);
        self.next.write(bytes);
    }
}

#[cfg(test)]
mod tests {
    use riscope_machine::console::CaptureBackend;

    use super::*;

    #[test]
    fn everything_passes_and_the_end_stays() {
        let next = Arc::new(CaptureBackend::default());
        let tail = Tail::of(Arc::clone(&next) as _);
        tail.write(b"first\r\n");
        tail.write(b"\x1b[31msecond\x1b[0m\r\n");
        assert_eq!(next.text(), "first\r\n\x1b[31msecond\x1b[0m\r\n");
        let view = tail.view();
        assert_eq!((view.bytes, view.text.as_str()), (24, "first\nsecond\n"));
    }

    #[test]
    fn memory_and_text_are_bounded_and_begin_with_a_line() {
        let tail = Tail::of(Arc::new(riscope_machine::console::NullBackend));
        for number in 0..100_000 {
            tail.write(format!("line {number:06}\n").as_bytes());
        }
        tail.write(&vec![b'x'; 3 * CAPACITY]);
        assert_eq!(tail.state.lock().unwrap().bytes.len(), CAPACITY);
        tail.write(b"\nline\n");
        let view = tail.view();
        assert!(view.text.len() <= SHOWN && view.text.ends_with("\nline\n") || view.text == "line\n", "{view:?}");
        for number in 0..10_000 {
            tail.write(format!("line {number:06}\n").as_bytes());
        }
        let view = tail.view();
        assert!(
            view.text.starts_with("line 00") && view.text.len() > SHOWN / 2 && view.text.len() <= SHOWN,
            "{view:?}"
        );
    }
}
