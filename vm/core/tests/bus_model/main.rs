//! Model of the concurrent parts of the event bus: every interleaving of a few threads, with the
//! visibility of stores that the memory model allows, by loom.
//!
//! The files of the bus are compiled here against loom's primitives (`sync.rs`).
#![allow(dead_code, unreachable_pub, reason = "the files are those of a library")]

#[path = "../../src/event/bus/attempt.rs"]
mod attempt;
#[path = "../../src/event/bus/backlog.rs"]
mod backlog;
#[path = "../../src/event/bus/ledger.rs"]
mod ledger;
#[path = "../../src/event/bus/queue.rs"]
mod queue;
#[path = "../../src/event/bus/shared.rs"]
mod shared;
mod sync;

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use loom::sync::Arc;
    use loom::sync::atomic::{AtomicBool, Ordering};
    use loom::thread::{self, JoinHandle};

    use crate::backlog::Coalesce;
    use crate::queue::{EventQueue, WhenFull};
    use crate::shared::Shared;

    /// An event: its machine, its place, and how many it stands for.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct Item {
        machine: u64,
        place: u64,
        count: u64,
    }

    impl Coalesce for Item {
        fn subject(&self) -> Option<u64> {
            Some(self.machine)
        }

        fn has_subject_of(&self, other: &Self) -> bool {
            self.machine == other.machine
        }

        fn add(&mut self, older: &Self) {
            self.count += older.count;
        }

        fn place(&self) -> u64 {
            self.place
        }
    }

    type Queue = Arc<EventQueue<Item>>;

    /// Runs `model` in every interleaving with at most `preemptions`.
    fn check(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(preemptions);
        builder.check(model);
    }

    fn queue(when_full: WhenFull) -> Queue {
        Arc::new(EventQueue::new(1, when_full))
    }

    /// A thread that publishes `events` events of one machine.
    fn publisher(queue: &Queue, machine: u64, events: u64) -> JoinHandle<()> {
        let queue = Arc::clone(queue);
        thread::spawn(move || {
            for n in 0..events {
                if let Some(waker) = queue.offer(Item { machine, place: 10 * n + machine, count: 1 }) {
                    waker.wake();
                }
            }
        })
    }

    /// A thread that publishes until `events` of its events have not been dropped.
    fn insistent_publisher(queue: &Queue, events: u64) -> JoinHandle<()> {
        let queue = Arc::clone(queue);
        thread::spawn(move || {
            let mut place = 0;
            while place - queue.balance().dropped < events {
                assert!(queue.offer(Item { machine: 1, place, count: 1 }).is_none(), "nobody polls");
                place += 1;
                thread::yield_now();
            }
        })
    }

    /// Takes what is there; returns it. Events of a machine are in order.
    fn take_all(queue: &Queue, seen: &mut Vec<Item>) {
        while let Some(item) = queue.take() {
            let earlier = seen.iter().rev().find(|it| it.machine == item.machine);
            assert!(earlier.is_none_or(|earlier| earlier.place < item.place), "{seen:?} {item:?}");
            seen.push(item);
        }
    }

    fn is_balanced(queue: &Queue) -> bool {
        let it = queue.balance();
        it.published == it.delivered + it.dropped + it.coalesced + it.queued
    }

    /// Two machines publish two and one events to a queue of one, while the subscriber takes
    /// events and the balance is read.
    fn three_events(when_full: WhenFull) {
        check(2, move || {
            let queue = queue(when_full);
            let publishers = [publisher(&queue, 1, 2), publisher(&queue, 2, 1)];
            let mut seen = Vec::new();
            take_all(&queue, &mut seen);
            assert!(is_balanced(&queue));
            publishers.into_iter().for_each(|it| it.join().expect("it does not panic"));
            assert!(is_balanced(&queue));
            let (queued, before) = (queue.balance().queued, seen.len());
            take_all(&queue, &mut seen);
            assert_eq!(queued, (seen.len() - before) as u64, "what is said to be in the queue is there");
            let end = queue.balance();
            assert_eq!((end.published, end.queued), (3, 0));
            assert_eq!(end.delivered, seen.len() as u64);
            assert_eq!(end.delivered + end.coalesced, seen.iter().map(|item| item.count).sum::<u64>());
            assert_eq!(end.dropped + end.coalesced + end.delivered, 3);
            if when_full != WhenFull::Coalesce {
                assert_eq!(end.coalesced, 0);
            }
        });
    }

    #[test]
    fn a_queue_that_drops_the_newest_is_balanced_and_in_order() {
        three_events(WhenFull::DropNewest);
    }

    #[test]
    fn a_queue_that_drops_the_oldest_is_balanced_and_in_order() {
        three_events(WhenFull::DropOldest);
    }

    #[test]
    fn nobody_waits_for_a_publisher_that_has_lost_its_cpu() {
        check(2, || {
            let queue = queue(WhenFull::DropOldest);
            let turn = queue.hold_turn().expect("it drops the oldest");
            publisher(&queue, 1, 2).join().expect("it does not panic");
            assert_eq!((queue.balance().dropped, queue.balance().queued), (2, 0));
            drop(turn);
            publisher(&queue, 1, 2).join().expect("it does not panic");
            let end = queue.balance();
            assert_eq!((end.published, end.dropped, end.queued), (4, 3, 1));
            assert_eq!(queue.take().map(|item| item.place), Some(11), "the latest");
            assert!(queue.take().is_none());
        });
    }

    #[test]
    fn a_queue_that_coalesces_is_balanced_and_in_order() {
        three_events(WhenFull::Coalesce);
    }

    #[test]
    fn whoever_waits_for_a_queue_that_coalesces_gets_everything() {
        check(3, || {
            let queue = queue(WhenFull::Coalesce);
            // Channel, backlog, and joining what is there.
            let publisher = insistent_publisher(&queue, 3);
            let mut heard = 0;
            while heard < 3 {
                let item = queue.take().unwrap_or_else(|| {
                    let item = queue.arrivals().recv();
                    queue.received();
                    item
                });
                heard += item.count;
            }
            assert_eq!(heard, 3);
            publisher.join().expect("it does not panic");
            assert_eq!(queue.balance().queued, 0);
        });
    }

    #[test]
    fn whoever_polls_is_woken_by_each_event() {
        for when_full in [WhenFull::DropNewest, WhenFull::Coalesce] {
            check(2, move || {
                let queue: Queue = Arc::new(EventQueue::new(2, when_full));
                queue.allow_polling();
                let publishers = [publisher(&queue, 1, 1), publisher(&queue, 2, 1)];
                let mut machines = [0, 0].map(|_| {
                    let item = loom::future::block_on(poll_fn(|context| queue.poll(context)));
                    item.machine
                });
                machines.sort_unstable();
                assert_eq!(machines, [1, 2]);
                publishers.into_iter().for_each(|it| it.join().expect("it does not panic"));
            });
        }
    }

    #[test]
    fn what_has_been_replaced_is_read_no_more() {
        check(3, || {
            let in_use = || Arc::new(AtomicBool::new(true));
            let first = in_use();
            let shared = Arc::new(Shared::new(Arc::clone(&first)));
            let readers = [0; 2].map(|_| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || assert!(shared.read().load(Ordering::Relaxed)))
            });
            let second = in_use();
            shared.replace(Arc::clone(&second));
            first.store(false, Ordering::Relaxed);
            shared.replace(in_use());
            second.store(false, Ordering::Relaxed);
            readers.into_iter().for_each(|it| it.join().expect("it reads what is in use"));
        });
    }
}
