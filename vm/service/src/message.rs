//! What riscope itself says, on stderr: stdout belongs to the guest.

use std::fmt::Display;
use std::io::Write;

use rustix::stdio::stderr;
use rustix::termios::{OutputModes, tcgetattr};

/// Prints one line.
pub(crate) fn say(text: &impl Display) {
    // There is nobody to tell that stderr is gone.
    let _ = write!(std::io::stderr().lock(), "riscope: {text}{}", line_end());
}

/// Prints one line from a thread of its own, for callers that must not wait for a reader
/// of stderr.
pub(crate) fn say_aside(text: String) {
    // A host that is out of threads has more to say than this line.
    let _ = std::thread::Builder::new().name("message".into()).spawn(move || say(&text));
}

/// A line feed, and what it takes on a terminal that somebody made raw altogether to go
/// back to the first column.
fn line_end() -> &'static str {
    let adds_return = OutputModes::OPOST | OutputModes::ONLCR;
    let is_raw = tcgetattr(stderr()).is_ok_and(|settings| !settings.output_modes.contains(adds_return));
    if is_raw { "\r\n" } else { "\n" }
}
