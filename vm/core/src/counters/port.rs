//! Counter pages of virtqueues and consoles.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::labels;

/// Counters of the virtqueues of one device. One thread at a time counts, the one that holds the
/// device; any thread may read. 64-bit words, which may live in memory shared with another process.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub struct QueuePage {
    notifications: AtomicU64,
    used: AtomicU64,
}

impl QueuePage {
    /// Counts a notification by the driver.
    pub fn count_notification(&self) {
        self.notifications.store(self.notifications().wrapping_add(1), Ordering::Relaxed);
    }

    /// Counts a descriptor chain that was returned to the driver.
    pub fn count_used(&self) {
        self.used.store(self.used().wrapping_add(1), Ordering::Relaxed);
    }

    /// Notifications by the driver.
    pub fn notifications(&self) -> u64 {
        self.notifications.load(Ordering::Relaxed)
    }

    /// Descriptor chains that were returned to the driver.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }
}

labels! {
    /// What is at a console.
    pub enum ConsolePeer {
        /// Nothing that types: its input has ended, or there never was any.
        Nobody "nobody",
        /// A terminal.
        Terminal "terminal",
        /// Another program, or a file.
        Pipe "pipe",
    }
}

/// Counters of a console. Any thread may count and read. 64-bit words, which may live in memory
/// shared with another process.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub struct ConsolePage {
    output_bytes: AtomicU64,
    output_lines: AtomicU64,
    input_bytes: AtomicU64,
    /// Position in [`ConsolePeer::ALL`].
    peer: AtomicU64,
}

impl ConsolePage {
    /// Counts output of the guest.
    pub fn count_output(&self, bytes: &[u8]) {
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
        self.output_bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        if lines > 0 {
            self.output_lines.fetch_add(lines as u64, Ordering::Relaxed);
        }
    }

    /// Counts `bytes` bytes of input that were accepted for the guest.
    pub fn count_input(&self, bytes: usize) {
        self.input_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Records what is at the console.
    pub fn attach(&self, peer: ConsolePeer) {
        self.peer.store(peer.index() as u64, Ordering::Relaxed);
    }

    /// Bytes of output.
    pub fn output_bytes(&self) -> u64 {
        self.output_bytes.load(Ordering::Relaxed)
    }

    /// Lines of output that have ended.
    pub fn output_lines(&self) -> u64 {
        self.output_lines.load(Ordering::Relaxed)
    }

    /// Bytes of input.
    pub fn input_bytes(&self) -> u64 {
        self.input_bytes.load(Ordering::Relaxed)
    }

    /// What is at the console.
    pub fn peer(&self) -> ConsolePeer {
        let peer = usize::try_from(self.peer.load(Ordering::Relaxed)).unwrap_or(usize::MAX);
        ConsolePeer::ALL.get(peer).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_counted_in_bytes_and_lines() {
        let page = ConsolePage::default();
        page.count_output(b"a\nb");
        page.count_output(b"c\n");
        page.count_input(3);
        assert_eq!((page.output_bytes(), page.output_lines(), page.input_bytes()), (5, 2, 3));
    }

    #[test]
    fn nobody_is_at_a_console_until_somebody_comes() {
        let page = ConsolePage::default();
        assert_eq!(page.peer(), ConsolePeer::Nobody);
        for peer in ConsolePeer::ALL {
            page.attach(*peer);
            assert_eq!(page.peer(), *peer);
        }
    }

    #[test]
    fn queues_count_notifications_and_what_was_used() {
        let page = QueuePage::default();
        page.count_notification();
        page.count_used();
        page.count_used();
        assert_eq!((page.notifications(), page.used()), (1, 2));
    }
}
