//! Detection of the Linux kernel's panic message on a console.
//!
//! ```text
//!  [   12.345678] Kernel panic - not syncing: sysrq triggered crash
//!  ╰─ optional ─╯ ╰────── looked for ──────╯
//! ```
//!
//! The text must start its line or follow the kernel's time stamp and the caller that some
//! kernels add. The stamp may follow text that programs wrote, such as a prompt, but not the
//! start of another kernel message, such as the command line. The last line of a panic,
//! `---[ end Kernel panic - not syncing ]---`, and sentences about panics therefore do not
//! match. A program that copies a kernel log to the console prints the same line;
//! [`super::suspicion`] distinguishes the two by what the guest does next.

/// Panic message (`kernel/panic.c`), up to the reason.
const TEXT: &[u8] = b"Kernel panic - not syncing";
/// Maximum bytes between the brackets of a time stamp or caller.
const MAX_STAMP: u8 = 24;

/// Position in the current line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// At its start.
    #[default]
    Start,
    /// In a stamp, after this many bytes of it.
    Stamp(u8),
    /// After a stamp.
    Stamped,
    /// After this many bytes of the text.
    Text(u8),
    /// In the output of programs.
    Other,
    /// In another kernel message, or after the text.
    Kernel,
}

/// State machine over the bytes of a console. A step takes some nanoseconds and no memory.
#[derive(Debug, Default)]
pub(crate) struct PanicLine(State);

impl PanicLine {
    /// Processes further output; true when it completes the text.
    pub(crate) fn see(&mut self, bytes: &[u8]) -> bool {
        let mut found = false;
        for &byte in bytes {
            found |= self.step(byte);
        }
        found
    }

    fn step(&mut self, byte: u8) -> bool {
        if matches!(byte, b'\n' | b'\r') {
            self.0 = State::Start;
            return false;
        }
        self.0 = match self.0 {
            State::Stamp(_) if byte == b']' => State::Stamped,
            State::Stamp(length) if is_of_stamp(byte) && length < MAX_STAMP => State::Stamp(length + 1),
            State::Start | State::Stamped | State::Other if byte == b'[' => State::Stamp(0),
            State::Stamped if byte == b' ' => State::Stamped,
            State::Start => after(0, byte).unwrap_or(State::Other),
            State::Stamped => after(0, byte).unwrap_or(State::Kernel),
            State::Text(seen) => after(seen, byte).unwrap_or(State::Kernel),
            State::Stamp(_) | State::Other => State::Other,
            State::Kernel => State::Kernel,
        };
        let complete = matches!(self.0, State::Text(seen) if usize::from(seen) == TEXT.len());
        if complete {
            self.0 = State::Kernel;
        }
        complete
    }
}

/// Whether `byte` may be in a stamp: time stamps are numbers; callers are `T` or `C` and a
/// number.
fn is_of_stamp(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b' ' | b'.' | b'T' | b'C')
}

/// The next state if `byte` continues the text after `seen` bytes of it.
fn after(seen: u8, byte: u8) -> Option<State> {
    (TEXT.get(usize::from(seen)) == Some(&byte)).then_some(State::Text(seen + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Number of matches in `text`, written in one piece.
    fn count(text: &str) -> usize {
        let mut line = PanicLine::default();
        text.bytes().filter(|&byte| line.see(&[byte])).count()
    }

    #[test]
    fn the_line_is_found_with_and_without_stamps() {
        for line in [
            "Kernel panic - not syncing: sysrq triggered crash\n",
            "[    1.234567] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\r\n",
            "[12345.678901][    T1] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100",
            "[    0.000000] [   C0] Kernel panic - not syncing",
            "boot\n\r[    9.000001] Kernel panic - not syncing: x",
            "progress 50%\rKernel panic - not syncing: x",
            "debian login: [  100.000001] Kernel panic - not syncing: x",
            "\x1b[0m~ # [  100.000001][    T1] Kernel panic - not syncing: x",
        ] {
            assert_eq!(count(line), 1, "{line:?}");
            assert_eq!(count(&format!("login: \r\n{line}")), 1, "{line:?}");
        }
    }

    #[test]
    fn other_lines_are_not() {
        for line in [
            "---[ end Kernel panic - not syncing: sysrq triggered crash ]---\n",
            "[    1.000000] ---[ end Kernel panic - not syncing: x ]---\n",
            "grep 'Kernel panic - not syncing' log\n",
            " Kernel panic - not syncing\n",
            "Kernel panic - syncing\n",
            "Kernel panic - not \nsyncing\n",
            "[warning] Kernel panic - not syncing\n",
            "[1234567890.1234567890.1234567890] Kernel panic - not syncing\n",
            "[    1.0]Kernel panics\n",
            "[[1] Kernel panic - not syncing\n",
            "[    0.000000] Kernel command line: quiet text='[    1.0] Kernel panic - not syncing'\n",
            "Kernel command line: text=[1] Kernel panic - not syncing\n",
        ] {
            assert_eq!(count(line), 0, "{line:?}");
        }
    }

    #[test]
    fn it_is_found_wherever_writes_are_split() {
        let text = "[    1.234567] Kernel panic - not syncing: x\n";
        let end = text.find(": x").unwrap();
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let mut line = PanicLine::default();
                let pieces = [&text[..first], &text[first..second], &text[second..]];
                let found = pieces.map(|piece| line.see(piece.as_bytes()));
                assert_eq!(found.iter().filter(|found| **found).count(), 1, "{pieces:?}");
                let ends = [first, second, text.len()];
                assert!(ends.iter().zip(found).all(|(&at, found)| !found || at >= end), "{pieces:?}");
            }
        }
    }

    #[test]
    fn every_panic_is_found_and_an_endless_line_is_bearable() {
        let panic = "[    1.0] Kernel panic - not syncing: x\n";
        assert_eq!(count(&panic.repeat(3)), 3);
        assert_eq!(count(&"[".repeat(100_000)), 0);
        assert_eq!(count(&format!("{}\n{panic}", "[ 1.0] ".repeat(10_000))), 1);
    }
}
