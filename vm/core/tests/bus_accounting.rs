//! Test of the event bus at length: the accounts of eight subscribers of different kinds are
//! exact, while events are published and afterwards.

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;
    use std::time::Duration;

    use riscope_core::event::{
        DomainEventBus, Envelope, ExecutionEvent, Family, Filter, Queue, SubscriberStats, Subscription, Tier, VmId,
        WhenFull,
    };

    /// Published events, half of them by each of two machines; `RISCOPE_BUS_EVENTS` sets another
    /// number.
    const EVENTS: u64 = 10_000_000;
    const MACHINES: u64 = 2;
    /// Blocks that the events are about, so that many of them are about the same one.
    const BLOCKS: u64 = 97;
    /// Events after which one of the subscribers panics, if there are as many.
    const PANICS_AFTER: u64 = 1000;
    /// Capacity of the subscriber that takes none.
    const STALLED_CAPACITY: u64 = 1000;

    fn vm(number: u64) -> VmId {
        VmId::from_u128(number.into())
    }

    fn hotspot(n: u64) -> ExecutionEvent {
        let (from, to) = (Tier::Interpreter, Tier::Baseline);
        ExecutionEvent::HotspotDetected { vcpu: 0, pc: n, phys: n % BLOCKS, execution_count: n, from, to }
    }

    /// What a subscriber has seen, counted by itself.
    #[derive(Debug, Default)]
    struct Seen {
        envelopes: u64,
        /// Events that they stand for.
        events: u64,
        last: HashMap<VmId, u64>,
    }

    impl Seen {
        fn see(&mut self, envelope: &Envelope) {
            self.envelopes += 1;
            self.events += u64::from(envelope.count);
            let last = self.last.insert(envelope.vm_id, envelope.sequence);
            assert!(last < Some(envelope.sequence), "{last:?} came before {envelope:?}");
        }
    }

    fn assert_balanced(stats: &SubscriberStats) {
        let sum = stats.delivered + stats.dropped + stats.coalesced + stats.queued;
        assert_eq!(stats.published, sum, "{stats:?}");
    }

    /// The statistics of the subscriber of this name.
    fn stats(bus: &DomainEventBus, name: &str) -> SubscriberStats {
        bus.stats().by_name().into_iter().find(|it| &*it.name == name).expect("it has subscribed")
    }

    /// Takes what is left after the publishers are done: as much as the statistics say, which
    /// compute that from the other numbers.
    fn read_rest(subscription: &Subscription, seen: &mut Seen, bus: &DomainEventBus, name: &str) {
        let (queued, before) = (stats(bus, name).queued, seen.envelopes);
        while let Ok(envelope) = subscription.try_recv() {
            seen.see(&envelope);
        }
        assert_eq!(seen.envelopes - before, queued, "{name}");
    }

    /// Takes events until the publishers are done and none is left.
    fn read(
        subscription: Subscription,
        done: &AtomicBool,
        bus: &DomainEventBus,
        name: &str,
        pause: Option<Duration>,
    ) -> Seen {
        let mut seen = Seen::default();
        loop {
            if done.load(Ordering::Acquire) {
                read_rest(&subscription, &mut seen, bus, name);
                return seen;
            }
            subscription.drain().for_each(|envelope| seen.see(&envelope));
            match pause {
                Some(pause) => thread::sleep(pause),
                None => {
                    if let Ok(envelope) = subscription.recv_timeout(Duration::from_millis(1)) {
                        seen.see(&envelope);
                    }
                }
            }
        }
    }

    /// Name, queue and filter of the subscribers that read to the end, with the pause after each
    /// time that they have emptied their queue.
    fn readers() -> [(&'static str, usize, WhenFull, Filter, Option<Duration>); 6] {
        use WhenFull::{Coalesce, DropNewest, DropOldest};
        let (all, slow) = (Filter::all(), Some(Duration::from_millis(5)));
        [
            ("newest", 1 << 14, DropNewest, all, None),
            ("newest, slow", 64, DropNewest, all, slow),
            ("oldest", 256, DropOldest, all, slow),
            ("coalesces", 64, Coalesce, all, slow),
            ("coalesces, of one machine", 512, Coalesce, all.vm(vm(1)), None),
            ("of another family", 16, DropOldest, all.families(&[Family::Device]), slow),
        ]
    }

    /// How many machines have their events selected.
    fn machines(filter: &Filter) -> u64 {
        let envelope = |machine| Envelope {
            sequence: 0,
            monotonic_ns: 0,
            wall_ns: 0,
            vm_id: vm(machine),
            event: hotspot(0).into(),
            count: 1,
        };
        (0..MACHINES).filter(|&machine| filter.matches(&envelope(machine))).count() as u64
    }

    #[test]
    fn the_accounts_of_eight_subscribers_are_exact_at_any_moment() {
        let events = std::env::var("RISCOPE_BUS_EVENTS").map_or(EVENTS, |text| text.parse().expect("a number"));
        check_accounts(events / MACHINES);
    }

    #[test]
    fn the_accounts_of_few_events_are_exact_too() {
        [0, 1, 10].into_iter().for_each(check_accounts);
    }

    /// Publishes this number of events of each machine.
    fn check_accounts(of_each: u64) {
        let events = of_each * MACHINES;
        let panics_after = PANICS_AFTER.min(events);
        let bus = DomainEventBus::new();
        let capacity = usize::try_from(STALLED_CAPACITY).expect("a small number");
        let stalled = bus.subscribe("stalled", Filter::all(), Queue { capacity, when_full: WhenFull::DropOldest });
        let fragile = bus.subscribe("panics", Filter::all(), 1 << 12);
        let subscriptions = readers()
            .map(|(name, capacity, when_full, filter, _)| bus.subscribe(name, filter, Queue { capacity, when_full }));
        let done = AtomicBool::new(false);
        let seen = thread::scope(|scope| {
            let (bus, done) = (&bus, &done);
            let publishers: Vec<_> = (0..MACHINES)
                .map(|machine| scope.spawn(move || (0..of_each).for_each(|n| bus.publish(vm(machine), hotspot(n)))))
                .collect();
            let panics = scope.spawn(move || {
                let mut seen = Seen::default();
                while seen.envelopes < panics_after {
                    seen.see(&fragile.recv().expect("the bus is there"));
                }
                panic!("a panic, as the test wants it");
            });
            let readers: Vec<_> = subscriptions
                .into_iter()
                .zip(readers())
                .map(|(subscription, (name, .., pause))| {
                    scope.spawn(move || read(subscription, done, bus, name, pause))
                })
                .collect();
            while publishers.iter().any(|publisher| !publisher.is_finished()) {
                bus.stats().by_name().iter().for_each(assert_balanced);
                thread::sleep(Duration::from_millis(1));
            }
            publishers.into_iter().for_each(|publisher| publisher.join().expect("it does not panic"));
            assert!(panics.join().is_err());
            done.store(true, Ordering::Release);
            readers.into_iter().map(|reader| reader.join().expect("it does not panic")).collect::<Vec<_>>()
        });
        let all = bus.stats().by_name();
        assert_eq!(all.len(), 8);
        all.iter().for_each(assert_balanced);
        for ((name, .., filter, _), seen) in readers().into_iter().zip(&seen) {
            let stats = stats(&bus, name);
            assert_eq!(stats.published, of_each * machines(&filter), "{name}");
            assert_eq!((stats.delivered, stats.queued, stats.abandoned), (seen.envelopes, 0, 0), "{name}");
            assert_eq!(stats.delivered + stats.coalesced, seen.events, "{name}");
            assert_eq!(stats.published, seen.events + stats.dropped, "{name}");
        }
        let (stuck, gone) = (stats(&bus, "stalled"), stats(&bus, "panics"));
        assert_eq!((stuck.published, stuck.delivered), (events, 0));
        assert_eq!((gone.delivered, gone.panics, gone.capacity), (panics_after, 1, 0));
        let mut seen = Seen::default();
        read_rest(&stalled, &mut seen, &bus, "stalled");
        assert_eq!(seen.envelopes, events.min(STALLED_CAPACITY));
    }
}
