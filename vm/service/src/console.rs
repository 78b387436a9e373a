//! Input of the guest's console from this process's stdin.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use riscope_machine::console::Console;
use rustix::event::PollFlags;
use rustix::io::{Errno, read};
use rustix::stdio::stdin;

use crate::stop::Stopper;
use crate::terminal::descriptor::{is_ready, wait_until_ready};

/// Pause between two offers to a guest that has no room.
const PAUSE: Duration = Duration::from_millis(5);
/// Keys that are kept at most for a guest that does not read; more are lost.
const MAX_KEYS: usize = 64 << 10;

/// Feeds stdin to the guest from a thread of its own, which ends with stdin or with
/// the process: a read from a terminal cannot be called off. The escape key means
/// something if `escapes`, also while the guest does not read. Otherwise, what writes to
/// stdin waits for the guest.
///
/// # Errors
/// When the host is out of threads.
pub(crate) fn feed_stdin(console: Arc<Console>, stopper: Stopper, escapes: bool) -> std::io::Result<()> {
    std::thread::Builder::new().name("stdin".into()).spawn(move || {
        let mut keys = Keys { escapes, escaped: false };
        let mut waiting = VecDeque::new();
        let mut buffer = [0; 1024];
        loop {
            offer(&console, &mut waiting);
            if !waiting.is_empty() {
                if !escapes {
                    std::thread::sleep(PAUSE);
                    continue;
                }
                if !is_ready(&stdin(), PollFlags::IN, PAUSE) {
                    continue;
                }
            }
            let count = match read(stdin(), &mut buffer) {
                Ok(count) if count > 0 => count,
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => {
                    wait_until_ready(&stdin(), PollFlags::IN);
                    continue;
                }
                Ok(_) | Err(_) => break,
            };
            for &byte in &buffer[..count] {
                match keys.press(byte) {
                    Key::Guest(byte) if waiting.len() < MAX_KEYS => waiting.push_back(byte),
                    Key::Guest(_) | Key::Nothing => {}
                    Key::End => stopper.stop(),
                }
            }
        }
        while !waiting.is_empty() {
            offer(&console, &mut waiting);
            std::thread::sleep(PAUSE);
        }
    })?;
    Ok(())
}

/// Gives the guest what it has room for: it reads at its own pace.
fn offer(console: &Console, waiting: &mut VecDeque<u8>) {
    let taken = console.push_input(waiting.make_contiguous());
    waiting.drain(..taken);
}

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Guest(u8),
    Nothing,
    End,
}

/// Ctrl-A, the escape key.
const ESCAPE: u8 = 1;

/// Recognises the escape key.
#[derive(Debug)]
struct Keys {
    /// Whether the escape key means anything: on a terminal only.
    escapes: bool,
    escaped: bool,
}

impl Keys {
    fn press(&mut self, byte: u8) -> Key {
        if !self.escapes {
            return Key::Guest(byte);
        }
        match (std::mem::take(&mut self.escaped), byte) {
            (true, b'x') => Key::End,
            (true, byte) => Key::Guest(byte),
            (false, ESCAPE) => {
                self.escaped = true;
                Key::Nothing
            }
            (false, byte) => Key::Guest(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press_all(escapes: bool, bytes: &[u8]) -> Vec<Key> {
        let mut keys = Keys { escapes, escaped: false };
        bytes.iter().map(|&byte| keys.press(byte)).collect()
    }

    #[test]
    fn the_escape_key_works_on_terminals_only() {
        assert_eq!(press_all(true, &[1, b'x']), [Key::Nothing, Key::End]);
        assert_eq!(press_all(true, &[1, 1, b'x']), [Key::Nothing, Key::Guest(1), Key::Guest(b'x')]);
        assert_eq!(press_all(false, &[1, b'x']), [Key::Guest(1), Key::Guest(b'x')]);
    }
}
