//! What riscope itself says, on stderr: stdout belongs to the guest.

use std::fmt::Display;
use std::io::Write;

/// Prints one line. On a raw terminal a line feed alone would not go back to the
/// first column.
pub(crate) fn say(text: &impl Display) {
    // There is nobody to tell that stderr is gone.
    let _ = write!(std::io::stderr().lock(), "riscope: {text}\r\n");
}
