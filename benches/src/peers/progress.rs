//! Messages on stderr while a comparison runs.
#![expect(clippy::print_stderr, reason = "progress and failures are not part of the report on stdout")]

use std::fmt::Display;

/// Says what happens or has happened.
pub(super) fn say(message: impl Display) {
    eprintln!("bench-peers: {message}");
}
