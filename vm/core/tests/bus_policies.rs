//! Tests of the event bus: full queues, ways to consume, subscribers that panic, order.

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::task::{Context, Poll, Wake, Waker};
    use std::thread::{self, Thread};
    use std::time::{Duration, Instant};

    use riscope_core::event::{
        DeviceEvent, DomainEventBus, Envelope, Event, EventType, ExecutionEvent, Filter, InvalidationReason, Queue,
        SubscriberStats, Subscription, Tier, VmEvent, VmId, WhenFull,
    };

    const PATIENCE: Duration = Duration::from_secs(60);

    fn vm(number: u64) -> VmId {
        VmId::from_u128(number.into())
    }

    fn queue(capacity: usize, when_full: WhenFull) -> Queue {
        Queue { capacity, when_full }
    }

    fn reset(bus: &DomainEventBus, machine: u64, boots: u64) {
        bus.publish(vm(machine), VmEvent::Reset { boots });
    }

    fn boots(envelope: &Envelope) -> u64 {
        match envelope.event {
            Event::Vm(VmEvent::Reset { boots }) => boots,
            ref other => panic!("{other:?} was not published"),
        }
    }

    fn invalidated(bus: &DomainEventBus, machine: u64, blocks: u32, reason: InvalidationReason) {
        bus.publish(vm(machine), ExecutionEvent::CodeBlocksInvalidated { blocks, reason });
    }

    fn stats(bus: &DomainEventBus, name: &str) -> SubscriberStats {
        let stats = bus.stats().by_name().into_iter().find(|it| &*it.name == name).expect("a subscriber of this name");
        assert_eq!(stats.published, stats.delivered + stats.dropped + stats.coalesced + stats.queued, "{stats:?}");
        stats
    }

    /// What is in the queue, whatever the statistics say of that.
    fn left(subscription: &Subscription) -> impl Iterator<Item = Envelope> {
        std::iter::from_fn(|| subscription.try_recv().ok())
    }

    #[test]
    fn a_queue_may_keep_the_latest_events() {
        let bus = DomainEventBus::new();
        let latest = bus.subscribe("latest", Filter::all(), queue(3, WhenFull::DropOldest));
        (1..=10).for_each(|boots| reset(&bus, 1, boots));
        let full = stats(&bus, "latest");
        assert_eq!((full.published, full.dropped, full.queued, full.capacity), (10, 7, 3, 3));
        assert_eq!(left(&latest).map(|it| boots(&it)).collect::<Vec<_>>(), [8, 9, 10]);
        assert_eq!(stats(&bus, "latest").delivered, 3);
    }

    #[test]
    fn a_queue_may_coalesce_what_tells_of_the_same() {
        use InvalidationReason::{CodeChanged, FenceI};
        let bus = DomainEventBus::new();
        let merging = bus.subscribe("merging", Filter::all(), queue(2, WhenFull::Coalesce));
        invalidated(&bus, 1, 1, FenceI);
        invalidated(&bus, 1, 2, FenceI);
        // The channel is full.
        invalidated(&bus, 1, 4, FenceI);
        invalidated(&bus, 2, 8, FenceI);
        invalidated(&bus, 1, 16, FenceI);
        // Both parts are full, but what joins an entry needs no room.
        invalidated(&bus, 1, 32, CodeChanged);
        invalidated(&bus, 2, 64, FenceI);
        let full = stats(&bus, "merging");
        assert_eq!((full.published, full.coalesced, full.dropped, full.queued, full.capacity), (7, 2, 1, 4, 6));
        let seen: Vec<_> = left(&merging)
            .map(|envelope| match envelope.event {
                Event::Execution(ExecutionEvent::CodeBlocksInvalidated { blocks, .. }) => {
                    (envelope.sequence, envelope.vm_id, blocks, envelope.count)
                }
                other => panic!("{other:?} was not published"),
            })
            .collect();
        let expected = [(0, vm(1), 1, 1), (1, vm(1), 2, 1), (4, vm(1), 4 + 16, 2), (6, vm(2), 8 + 64, 2)];
        assert_eq!(seen, expected);
        // It is empty, and begins anew.
        invalidated(&bus, 1, 1, FenceI);
        assert_eq!(merging.try_recv().map(|it| it.count), Ok(1));
        assert!(merging.try_recv().is_err());
    }

    #[test]
    fn a_queue_that_coalesces_holds_no_more_than_its_capacity() {
        let bus = DomainEventBus::new();
        let merging = bus.subscribe("merging", Filter::all(), queue(3, WhenFull::Coalesce));
        // Both parts are filled, then the second one is taken but for what is still to be told.
        (0..6).for_each(|boots| reset(&bus, 1, boots));
        assert_eq!(left(&merging).take(4).map(|it| boots(&it)).collect::<Vec<_>>(), [0, 1, 2, 3]);
        (6..20).for_each(|boots| reset(&bus, 1, boots));
        let full = stats(&bus, "merging");
        assert_eq!((full.queued, full.dropped, full.capacity), (8, 8, 9));
        assert_eq!(left(&merging).map(|it| boots(&it)).collect::<Vec<_>>(), [4, 5, 6, 7, 8, 9, 10, 11]);
        assert_eq!(stats(&bus, "merging").queued, 0);
    }

    /// What becomes of two events of machine 1 in a queue that coalesces, after others have
    /// filled the first part of it.
    fn coalesced(first: impl Into<Event>, second: impl Into<Event>) -> Vec<Envelope> {
        let bus = DomainEventBus::new();
        let merging = bus.subscribe("merging", Filter::all(), queue(2, WhenFull::Coalesce));
        reset(&bus, 9, 1);
        reset(&bus, 9, 2);
        bus.publish(vm(1), first);
        bus.publish(vm(1), second);
        merging.drain().skip(2).collect()
    }

    #[test]
    fn events_are_coalesced_by_what_their_family_says() {
        let compiled = |phys, tier, compile_ns| match Event::blank(EventType::ALL[0]) {
            Event::Execution(ExecutionEvent::CodeBlockCompiled { trigger, .. }) => ExecutionEvent::CodeBlockCompiled {
                pc: compile_ns,
                phys,
                block_size: 4,
                instructions: 1,
                host_size: 8,
                tier,
                trigger,
                queue_wait_ns: 1,
                compile_ns,
            },
            other => panic!("{other:?} is not the first type"),
        };
        let merged = coalesced(compiled(7, Tier::Baseline, 10), compiled(7, Tier::Baseline, 20));
        assert_eq!(merged.len(), 1);
        assert_eq!(merged[0].count, 2);
        let Event::Execution(ExecutionEvent::CodeBlockCompiled { pc, compile_ns, queue_wait_ns, .. }) = merged[0].event
        else {
            panic!("{merged:?}")
        };
        assert_eq!((pc, compile_ns, queue_wait_ns), (20, 30, 2), "the newest state, the sum of the times");
        assert_eq!(coalesced(compiled(7, Tier::Baseline, 1), compiled(7, Tier::Optimised, 1)).len(), 2);
        assert_eq!(coalesced(compiled(7, Tier::Baseline, 1), compiled(8, Tier::Baseline, 1)).len(), 2);
        let failed = |name: &str| DeviceEvent::Failed { device: "virtio-blk", name: name.into(), error: "read" };
        assert_eq!(coalesced(failed("root"), failed("root")).len(), 1);
        assert_eq!(coalesced(failed("root"), failed("data")).len(), 2);
        assert_eq!(coalesced(VmEvent::Reset { boots: 2 }, VmEvent::Reset { boots: 2 }).len(), 2, "each matters");
    }

    #[test]
    fn no_event_is_coalesced_with_one_of_another_type() {
        for first in EventType::ALL {
            for second in EventType::ALL {
                let events = coalesced(Event::blank(first), Event::blank(second));
                assert!(events.len() == 2 || first == second, "{} {}", first.as_str(), second.as_str());
            }
        }
    }

    #[test]
    fn a_subscriber_whose_thread_panics_is_removed_and_counted() {
        let bus = DomainEventBus::new();
        let other = bus.subscribe("other", Filter::all(), 16);
        let fragile = bus.subscribe("fragile", Filter::all(), 16);
        (1..=5).for_each(|boots| reset(&bus, 1, boots));
        let panicked = thread::scope(|scope| {
            let consumer = scope.spawn(move || {
                for envelope in &fragile {
                    assert_ne!(boots(&envelope), 2, "a panic, as the test wants it");
                }
            });
            consumer.join().is_err()
        });
        assert!(panicked);
        reset(&bus, 1, 6);
        let gone = stats(&bus, "fragile");
        assert_eq!((gone.published, gone.delivered, gone.dropped, gone.abandoned), (5, 2, 3, 3));
        assert_eq!((gone.panics, gone.capacity), (1, 0));
        assert_eq!(bus.stats().subscribers.len(), 1);
        assert_eq!(other.drain().count(), 6);
        assert_eq!(stats(&bus, "other").panics, 0);
    }

    #[test]
    fn a_loop_over_events_ends_when_it_is_told_to() {
        let bus = DomainEventBus::new();
        let all = bus.subscribe("all", Filter::all(), 16);
        let (quit, quitting) = crossbeam_channel::bounded::<()>(0);
        thread::scope(|scope| {
            let consumer = scope.spawn(|| all.iter_until(&quitting).map(|it| boots(&it)).collect::<Vec<_>>());
            (1..=3).for_each(|boots| reset(&bus, 1, boots));
            while stats(&bus, "all").delivered < 3 {
                thread::yield_now();
            }
            drop(quit);
            assert_eq!(consumer.join().expect("it does not panic"), [1, 2, 3]);
        });
        (4..=5).for_each(|boots| reset(&bus, 1, boots));
        assert_eq!(all.iter().take(2).map(|it| boots(&it)).collect::<Vec<_>>(), [4, 5]);
    }

    #[test]
    fn a_subscriber_of_a_machine_hears_of_no_other() {
        let bus = DomainEventBus::new();
        let of = [1, 2, 3].map(|machine| bus.subscribe("of one", Filter::all().vm(vm(machine)), 64));
        let all = bus.subscribe("of all", Filter::all(), 64);
        for boots in 0..10 {
            reset(&bus, boots % 3, boots);
        }
        let heard = of.each_ref().map(|it| it.drain().map(|it| boots(&it)).collect::<Vec<_>>());
        assert_eq!(heard, [vec![1, 4, 7], vec![2, 5, 8], vec![]]);
        assert_eq!(all.drain().count(), 10);
    }

    /// Wakes a thread, and counts how often.
    struct Alarm {
        thread: Thread,
        rings: AtomicU64,
    }

    impl Wake for Alarm {
        fn wake(self: Arc<Self>) {
            self.rings.fetch_add(1, Ordering::Relaxed);
            self.thread.unpark();
        }
    }

    impl Alarm {
        fn new() -> Arc<Self> {
            Arc::new(Self { thread: thread::current(), rings: AtomicU64::new(0) })
        }

        /// Waits on the alarm's thread for a ring after the first `heard`; whether one came.
        fn wait(&self, heard: u64, patience: Duration) -> bool {
            let deadline = Instant::now() + patience;
            while self.rings.load(Ordering::Relaxed) == heard {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return false;
                }
                thread::park_timeout(left);
            }
            true
        }
    }

    /// Runs a future on this thread, and polls it only after it was woken. `None` if nobody wakes
    /// it, which is found out after `patience`.
    fn block_on<T>(future: impl Future<Output = T>, patience: Duration) -> Option<T> {
        let alarm = Alarm::new();
        let waker = Waker::from(Arc::clone(&alarm));
        let mut future = pin!(future);
        loop {
            let heard = alarm.rings.load(Ordering::Relaxed);
            match future.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(value) => return Some(value),
                Poll::Pending if alarm.wait(heard, patience) => {}
                Poll::Pending => return None,
            }
        }
    }

    #[test]
    fn a_wake_up_that_is_lost_is_noticed() {
        let mut polls = 0;
        let nobody_wakes = std::future::poll_fn(|_| {
            polls += 1;
            if polls == 1 { Poll::Pending } else { Poll::Ready(()) }
        });
        assert_eq!(block_on(nobody_wakes, Duration::from_millis(1)), None);
        assert_eq!(polls, 1);
    }

    #[test]
    fn asynchronous_code_gets_every_event() {
        const EVENTS: u64 = 20_000;
        for when_full in [WhenFull::DropNewest, WhenFull::Coalesce] {
            let bus = DomainEventBus::new();
            let mut stream = bus.subscribe("stream", Filter::all(), queue(1 << 15, when_full)).into_stream();
            let received = AtomicU64::new(0);
            thread::scope(|scope| {
                // Each event but for a few follows when the one before it was received, so that no
                // other wake-up makes up for one that is lost.
                scope.spawn(|| {
                    for boots in 0..EVENTS {
                        let awaited = if boots % 64 < 4 { boots / 64 * 64 } else { boots };
                        while received.load(Ordering::Acquire) < awaited {
                            thread::yield_now();
                        }
                        reset(&bus, 1, boots);
                    }
                });
                let all = async {
                    for expected in 0..EVENTS {
                        let received_now = boots(&stream.next().await);
                        if received_now != expected {
                            return Err((received_now, expected));
                        }
                        received.store(expected + 1, Ordering::Release);
                    }
                    Ok(())
                };
                let heard = block_on(all, PATIENCE);
                // The publisher ends in any case.
                received.store(EVENTS, Ordering::Release);
                assert_eq!(heard, Some(Ok(())), "nothing if a wake-up was lost");
            });
            assert!(stream.try_next().is_none());
            assert_eq!(stats(&bus, "stream").delivered, EVENTS);
            drop(stream);
            assert!(!bus.has_subscribers());
        }
    }

    #[test]
    fn a_task_is_woken_once_for_what_it_waits_for() {
        let bus = DomainEventBus::new();
        let mut stream = bus.subscribe("stream", Filter::all(), 8).into_stream();
        let alarm = Alarm::new();
        let waker = Waker::from(Arc::clone(&alarm));
        let context = Context::from_waker(&waker);
        reset(&bus, 1, 1);
        assert!(stream.poll_next(&context).is_ready());
        assert_eq!(alarm.rings.load(Ordering::Relaxed), 0, "nobody waits");
        assert!(stream.poll_next(&context).is_pending());
        (2..=4).for_each(|boots| reset(&bus, 1, boots));
        assert_eq!(alarm.rings.load(Ordering::Relaxed), 1);
        assert!(stream.poll_next(&context).is_ready());
    }

    #[test]
    fn an_executor_that_panics_or_drops_the_subscription_does_not_disturb_who_publishes() {
        /// Drops what it has, and panics.
        struct Hostile(std::sync::Mutex<Option<riscope_core::event::EventStream>>);
        impl Wake for Hostile {
            fn wake(self: Arc<Self>) {
                drop(self.0.lock().expect("it is not poisoned").take());
                panic!("a panic, as the test wants it");
            }
        }
        let bus = DomainEventBus::new();
        let other = bus.subscribe("other", Filter::all(), 8);
        let hostile = Arc::new(Hostile(std::sync::Mutex::new(None)));
        let mut stream = bus.subscribe("stream", Filter::all(), 8).into_stream();
        let waker = Waker::from(Arc::clone(&hostile));
        assert!(stream.poll_next(&Context::from_waker(&waker)).is_pending());
        *hostile.0.lock().expect("nobody has panicked yet") = Some(stream);
        (1..=3).for_each(|boots| reset(&bus, 1, boots));
        assert_eq!(other.drain().count(), 3);
        assert_eq!((stats(&bus, "stream").published, stats(&bus, "stream").dropped), (1, 1));
    }

    #[test]
    fn events_are_in_the_order_of_their_publication_also_across_threads() {
        const TURNS: u64 = 20_000;
        let bus = DomainEventBus::new();
        let policies = [WhenFull::DropNewest, WhenFull::DropOldest, WhenFull::Coalesce];
        let small = policies.map(|policy| bus.subscribe("small", Filter::all(), queue(16, policy)));
        let turn = AtomicU64::new(0);
        thread::scope(|scope| {
            // Two threads of one machine, which hand the turn to each other.
            for parity in 0..2 {
                let (bus, turn) = (&bus, &turn);
                scope.spawn(move || {
                    for boots in (parity..TURNS).step_by(2) {
                        while turn.load(Ordering::Acquire) != boots {
                            thread::yield_now();
                        }
                        reset(bus, 1, boots);
                        turn.store(boots + 1, Ordering::Release);
                    }
                });
            }
            for subscription in &small {
                let turn = &turn;
                scope.spawn(move || {
                    let mut last = None;
                    loop {
                        let is_over = turn.load(Ordering::Acquire) == TURNS;
                        for envelope in subscription.drain() {
                            assert!(last < Some(boots(&envelope)), "{last:?} came before {envelope:?}");
                            last = Some(boots(&envelope));
                        }
                        if is_over {
                            return;
                        }
                        thread::yield_now();
                    }
                });
            }
        });
    }

    #[test]
    fn whoever_subscribes_and_leaves_does_not_disturb_others() {
        let bus = DomainEventBus::new();
        let all = bus.subscribe("all", Filter::all(), 1 << 16);
        let done = AtomicU64::new(0);
        thread::scope(|scope| {
            for machine in 1..=2 {
                let (bus, done) = (&bus, &done);
                scope.spawn(move || {
                    (0..10_000).for_each(|boots| reset(bus, machine, boots));
                    done.fetch_add(1, Ordering::Release);
                });
            }
            loop {
                let guest = bus.subscribe("guest", Filter::all().vm(vm(1)), queue(4, WhenFull::DropOldest));
                let _ = guest.try_recv();
                if done.load(Ordering::Acquire) == 2 {
                    break;
                }
            }
        });
        assert_eq!(all.drain().count(), 20_000);
        let guests = stats(&bus, "guest");
        assert_eq!((guests.queued, guests.capacity), (0, 0));
    }
}
