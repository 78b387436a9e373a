//! What riscope itself says, on stderr: stdout belongs to the guest.

use std::fmt::Display;
use std::io::Write;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::stdio::stderr;
use rustix::termios::{OutputModes, tcgetattr};

/// Longest time that the end of the process waits for lines of [`say_aside`].
const LAST_LINES: Duration = Duration::from_millis(200);

/// Lines of [`say_aside`] that are not written yet.
static UNWRITTEN: Mutex<usize> = Mutex::new(0);
static WRITTEN: Condvar = Condvar::new();

/// Prints one line.
pub(crate) fn say(text: &impl Display) {
    // There is nobody to tell that stderr is gone.
    let _ = write!(std::io::stderr().lock(), "riscope: {text}{}", line_end());
}

/// Prints one line from a thread of its own, for callers that must not wait for a reader
/// of stderr.
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
        // A host that is out of threads has more to say than this line.
        written();
    }
}

/// Waits until the lines of [`say_aside`] are written, at most [`LAST_LINES`]: to be called
/// before the process ends.
pub(crate) fn settle() {
    let some_left = |unwritten: &mut usize| *unwritten > 0;
    // Who does not read stderr does not hold up the end.
    drop(WRITTEN.wait_timeout_while(unwritten(), LAST_LINES, some_left));
}

fn unwritten() -> MutexGuard<'static, usize> {
    UNWRITTEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A line feed, and what it takes on a terminal that somebody made raw altogether to go
/// back to the first column.
fn line_end() -> &'static str {
    let adds_return = OutputModes::OPOST | OutputModes::ONLCR;
    let is_raw = tcgetattr(stderr()).is_ok_and(|settings| !settings.output_modes.contains(adds_return));
    if is_raw { "\r\n" } else { "\n" }
}
