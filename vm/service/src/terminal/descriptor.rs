//! Waiting for file descriptors, even non-blocking ones: any process that shares stdin or
//! stdout can change their mode at any time.

use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

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
