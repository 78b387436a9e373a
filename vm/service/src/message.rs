//! Messages of riscope on stderr; stdout belongs to the guest.

use std::fmt::Display;
use std::io::Write;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::stdio::stderr;
use rustix::termios::{OutputModes, tcgetattr};

/// Time limit at the end of the process for pending lines of [`say_aside`].
const LAST_LINES: Duration = Duration::from_millis(200);

/// Number of lines of [`say_aside`] not written yet.
static UNWRITTEN: Mutex<usize> = Mutex::new(0);
static WRITTEN: Condvar = Condvar::new();

/// Prints a line.
pub(crate) fn say(text: &impl Display) {
    // A failure of stderr cannot be reported.
    let _ = write!(std::io::stderr().lock(), "riscope: {text}{}", line_end());
}

/// Prints a line from a thread of its own, for callers that must not block on stderr.
pub(crate) fn say_aside(text: String) {
    *unwritten() += 1;
    let written = || {
        *unwritten() -= 1;
        WRITTEN.notify_all();
    };
    let say = move || {
        say(&text);
        written();
    };
    if std::thread::Builder::new().name("message".into()).spawn(say).is_err() {
        // A host without threads has more serious problems than this line.
        written();
    }
}

/// Waits until the lines of [`say_aside`] are written, for at most [`LAST_LINES`]. Call
/// before the process ends.
pub(crate) fn settle() {
    let some_left = |unwritten: &mut usize| *unwritten > 0;
    // A reader that does not read stderr does not delay the end.
    drop(WRITTEN.wait_timeout_while(unwritten(), LAST_LINES, some_left));
}

fn unwritten() -> MutexGuard<'static, usize> {
    UNWRITTEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Line feed, with a carriage return if stderr is a terminal in raw mode.
pub(crate) fn line_end() -> &'static str {
    let adds_return = OutputModes::OPOST | OutputModes::ONLCR;
    let is_raw = tcgetattr(stderr()).is_ok_and(|settings| !settings.output_modes.contains(adds_return));
    if is_raw { "\r\n" } else { "\n" }
}
