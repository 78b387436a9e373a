//! Waiting for file descriptors, even non-blocking ones: any process that shares stdin or
//! stdout can change their mode at any time.

use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, write};

/// Delay if the host cannot poll.
const PAUSE: Duration = Duration::from_millis(10);

/// Waits until `descriptor` is ready for `what`, or in an error state that the next access
/// reports.
pub(crate) fn wait_until_ready(descriptor: &impl AsFd, what: PollFlags) {
    match poll(&mut [PollFd::new(descriptor, what)], None) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(_) => std::thread::sleep(PAUSE),
    }
}

/// Whether `descriptor` becomes ready for `what` within `limit`.
pub(crate) fn is_ready(descriptor: &impl AsFd, what: PollFlags, limit: Duration) -> bool {
    let limit = Timespec::try_from(limit).ok();
    poll(&mut [PollFd::new(descriptor, what)], limit.as_ref()).is_ok_and(|ready| ready > 0)
}

/// Writes all of `bytes`, however long the reader takes.
///
/// # Errors
/// The host's, for example a closed pipe or a full disk. The rest of `bytes` is dropped.
pub(crate) fn write_all(sink: &impl AsFd, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match write(sink, bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            // Another process may have made the descriptor non-blocking.
            Err(Errno::AGAIN) => wait_until_ready(sink, PollFlags::OUT),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
