//! Guest console input from stdin.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use riscope_core::counters::ConsolePeer;
use riscope_machine::console::Console;
use rustix::event::PollFlags;
use rustix::io::{Errno, read};
use rustix::stdio::stdin;

use crate::stop::Stopper;
use crate::terminal::descriptor::{is_ready, wait_until_ready};

/// Time between two attempts to pass input to a guest without room.
const PAUSE: Duration = Duration::from_millis(5);
/// Maximum keys buffered for a guest that does not read; more are dropped.
const MAX_KEYS: usize = 64 << 10;

/// Passes stdin to the guest on a thread of its own, which ends with stdin or with the
/// process, because a read from a terminal cannot be cancelled. With `escapes`, the escape
/// key works even while the guest does not read; otherwise writers to stdin are subject to
/// the guest's back pressure.
///
/// # Errors
/// When the host cannot create a thread.
pub(crate) fn feed_stdin(console: Arc<Console>, stopper: Stopper, escapes: bool) -> std::io::Result<()> {
    console.page().attach(if escapes { ConsolePeer::Terminal } else { ConsolePeer::Pipe });
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
        console.page().attach(ConsolePeer::Nobody);
    })?;
    Ok(())
}

/// Passes as much input to the guest as it has room for.
fn offer(console: &Console, waiting: &mut VecDeque<u8>) {
    let taken = console.push_input(waiting.make_contiguous());
    waiting.drain(..taken);
}

/// Meaning of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Guest(u8),
    Nothing,
    End,
}

/// The escape key, Ctrl-A.
const ESCAPE: u8 = 1;

/// Recogniser of the escape key.
#[derive(Debug)]
struct Keys {
    /// Whether the escape key is active: on a terminal only.
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
