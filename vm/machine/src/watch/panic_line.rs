//! Finds the line on a console with which a Linux kernel panics.
//!
//! ```text
//!  [   12.345678] Kernel panic - not syncing: sysrq triggered crash
//!  ╰─ optional ─╯ ╰────── looked for ──────╯
//! ```
//!
//! The text has to begin its line; the kernel's time stamp, and the caller that some
//! kernels add to it, may come before. So the last line of a panic, `---[ end Kernel panic
//! - not syncing ]---`, is none, and neither is a sentence about panics. A program that
//! copies a kernel's log to the console shows the same line; what a guest does afterwards
//! tells the two apart, see [`super::suspicion`].

/// What the kernel prints (`kernel/panic.c`), up to the reason.
const TEXT: &[u8] = b"Kernel panic - not syncing";
/// Bytes in the brackets of a time stamp or caller at most.
const MAX_STAMP: u8 = 24;

/// Where in a line the console is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// At its start, or behind stamps.
    #[default]
    Start,
    /// In a stamp, behind this many bytes of it.
    Stamp(u8),
    /// Behind a stamp.
    Stamped,
    /// Behind this many bytes of the text.
    Text(u8),
    /// In a line that is another one.
    Other,
}

/// Looks at every byte of a console. A step costs some nanoseconds and needs no memory.
#[derive(Debug, Default)]
pub(crate) struct PanicLine(State);

impl PanicLine {
    /// Looks at what the guest wrote next; true when the text became complete in it.
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
            State::Other => State::Other,
            State::Stamp(_) if byte == b']' => State::Stamped,
            State::Stamp(length) if is_of_stamp(byte) && length < MAX_STAMP => State::Stamp(length + 1),
            State::Stamp(_) => State::Other,
            State::Stamped if byte == b' ' => State::Start,
            State::Start | State::Stamped if byte == b'[' => State::Stamp(0),
            State::Start | State::Stamped => after(0, byte),
            State::Text(seen) => after(seen, byte),
        };
        let complete = matches!(self.0, State::Text(seen) if usize::from(seen) == TEXT.len());
        if complete {
            self.0 = State::Other;
        }
        complete
    }
}

/// Time stamps are numbers; callers are `T` or `C` and a number.
fn is_of_stamp(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b' ' | b'.' | b'T' | b'C')
}

fn after(seen: u8, byte: u8) -> State {
    if TEXT.get(usize::from(seen)) == Some(&byte) { State::Text(seen + 1) } else { State::Other }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often `text`, written in one piece, has the line.
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
