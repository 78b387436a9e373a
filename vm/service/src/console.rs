//! The guest's console on this process's stdin and stdout.

use std::io::{IsTerminal, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use riscope_machine::console::{Console, ConsoleBackend};
use rustix::termios::{InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

use crate::message::say;
use crate::stop::Stopper;

/// Writes guest output to stdout.
#[derive(Debug)]
struct Stdout;

impl ConsoleBackend for Stdout {
    fn write(&self, bytes: &[u8]) {
        let mut stdout = std::io::stdout().lock();
        // When nobody reads stdout any more, the guest's output is lost: it has to go
        // on all the same.
        let _ = stdout.write_all(bytes).and_then(|()| stdout.flush());
    }
}

/// A console that writes to stdout.
pub(crate) fn stdout_console() -> Arc<Console> {
    Console::new(Arc::new(Stdout))
}

/// Keeps the terminal in raw mode; gives back its settings when dropped.
#[derive(Debug)]
pub(crate) struct RawTerminal {
    before: Option<Termios>,
}

impl RawTerminal {
    /// Lets every key reach the guest, if stdin is a terminal. Output processing
    /// stays on, so that lines of riscope itself stay readable.
    pub(crate) fn enter() -> Self {
        let stdin = std::io::stdin();
        let before = if stdin.is_terminal() { tcgetattr(&stdin).ok() } else { None };
        if let Some(before) = &before {
            let mut raw = before.clone();
            raw.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG | LocalModes::IEXTEN;
            raw.input_modes -= InputModes::ICRNL | InputModes::IXON | InputModes::BRKINT;
            raw.special_codes[SpecialCodeIndex::VMIN] = 1;
            raw.special_codes[SpecialCodeIndex::VTIME] = 0;
            // A terminal that cannot be set is used as it is.
            let _ = tcsetattr(&stdin, OptionalActions::Now, &raw);
            say(&"Ctrl-A x ends the machine");
        }
        Self { before }
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // As above.
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, before);
        }
    }
}

/// Feeds stdin to the guest from a thread of its own, which ends with stdin or with
/// the process: a read from a terminal cannot be called off.
pub(crate) fn feed_stdin(console: Arc<Console>, stopper: Stopper) -> std::io::Result<()> {
    let escapes = std::io::stdin().is_terminal();
    std::thread::Builder::new().name("stdin".into()).spawn(move || {
        let mut keys = Keys { escapes, escaped: false };
        let mut buffer = [0; 1024];
        while let Ok(count @ 1..) = std::io::stdin().lock().read(&mut buffer) {
            for &byte in &buffer[..count] {
                match keys.press(byte) {
                    Key::Guest(byte) => push(&console, byte),
                    Key::Nothing => {}
                    Key::End => stopper.stop(),
                }
            }
        }
    })?;
    Ok(())
}

/// Waits for room: the guest reads at its own pace.
fn push(console: &Console, byte: u8) {
    while console.push_input(&[byte]) == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
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
