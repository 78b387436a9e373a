//! Open connections.
//!
//! Scrapers keep their connections, within limits, and slow or silent clients do not delay
//! others:
//!
//! - an idle connection is closed after `FIRST_TIMEOUT`, or after `IDLE_TIMEOUT` if it has
//!   served a request; a request with its response takes at most `REQUEST_TIMEOUT`; after
//!   `MAX_REQUESTS` the client must reconnect (`connection.rs`);
//! - with [`MAX_CONNECTIONS`] open, a new one replaces the longest idle one, or else the
//!   one with the oldest request, once that has had [`GRACE`].

use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::connection::Connection;

/// Maximum number of open connections.
const MAX_CONNECTIONS: usize = 64;
/// Time for which a connection or request cannot be replaced: enough for a scrape on a busy
/// host, and short enough that hundreds of silent clients do not delay others beyond a
/// scrape time-out.
const GRACE: Duration = Duration::from_millis(250);

/// Open connections.
#[derive(Debug, Default)]
pub(super) struct OpenConnections(Vec<(Connection, AbortHandle)>);

impl OpenConnections {
    /// Adds a connection with the task that serves it.
    pub(super) fn add(&mut self, connection: Connection, task: AbortHandle) {
        self.0.push((connection, task));
    }

    /// Waits for room for another connection, at most [`GRACE`].
    pub(super) async fn make_room(&mut self) {
        self.forget_ended();
        if self.0.len() < MAX_CONNECTIONS {
            return;
        }
        if let Some(since) = self.0.iter().map(|(connection, _)| connection.since()).min() {
            tokio::time::sleep_until(since + GRACE).await;
        }
        self.forget_ended();
        if self.0.len() >= MAX_CONNECTIONS
            && let Some(index) = self.least_useful()
        {
            self.0.swap_remove(index).1.abort();
        }
    }

    /// The longest idle connection among those that have had [`GRACE`], or else the one
    /// with the oldest request.
    fn least_useful(&self) -> Option<usize> {
        let latest = Instant::now().checked_sub(GRACE);
        let order = |(connection, _): &(Connection, AbortHandle)| {
            let since = connection.since();
            let is_idle = connection.is_idle() && latest.is_some_and(|latest| since <= latest);
            (!is_idle, since)
        };
        (0..self.0.len()).min_by_key(|&index| order(&self.0[index]))
    }

    fn forget_ended(&mut self) {
        self.0.retain(|(_, task)| !task.is_finished());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn full() -> OpenConnections {
        let mut open = OpenConnections::default();
        for _ in 0..MAX_CONNECTIONS {
            open.add(Connection::default(), tokio::spawn(std::future::pending::<()>()).abort_handle());
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        open
    }

    #[tokio::test(start_paused = true)]
    async fn the_one_that_has_been_idle_for_longest_makes_room() {
        let mut open = full().await;
        tokio::time::advance(GRACE).await;
        let (first, second) = (open.0[0].1.clone(), open.0[1].1.clone());
        // The first connection is serving a request now.
        open.0[0].0.request_begins();
        open.make_room().await;
        tokio::task::yield_now().await;
        assert_eq!((open.0.len(), first.is_finished(), second.is_finished()), (MAX_CONNECTIONS - 1, false, true));
    }

    #[tokio::test(start_paused = true)]
    async fn each_has_its_grace_however_many_come() {
        let (before, mut open) = (Instant::now(), full().await);
        open.make_room().await;
        assert!(before.elapsed() >= GRACE);
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_request_makes_room_when_none_is_idle() {
        let mut open = full().await;
        for (connection, _) in &open.0 {
            connection.request_begins();
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        let first = open.0[0].1.clone();
        open.make_room().await;
        tokio::task::yield_now().await;
        assert!(first.is_finished());
    }
}
