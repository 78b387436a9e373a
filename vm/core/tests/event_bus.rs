//! Property tests of the event bus: no event is lost uncounted, filters hold, and no one
//! waits for another.

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use proptest::prelude::*;
    use riscope_core::event::{
        DomainEventBus, Envelope, Event, EventType, Family, Filter, Received, SubscriberStats, VmEventType, VmId,
        monotonic_ns, wall_ns,
    };

    /// The type of the events whose type does not matter.
    const DELETED: EventType = EventType::Vm(VmEventType::Deleted);

    fn machine(number: u64) -> VmId {
        VmId::from_u128(number.into())
    }

    /// Publishes an event of this type, of the machine with this number.
    fn publish(bus: &DomainEventBus, kind: EventType, number: u64) {
        bus.publish(machine(number), Event::blank(kind));
    }

    /// An envelope as a subscriber receives it.
    fn envelope(kind: EventType, number: u64) -> Envelope {
        Envelope {
            sequence: 0,
            monotonic_ns: 0,
            wall_ns: 0,
            vm_id: machine(number),
            event: Event::blank(kind),
            count: 1,
        }
    }

    fn stats(bus: &DomainEventBus, name: &str) -> SubscriberStats {
        bus.stats().by_name().into_iter().find(|it| &*it.name == name).expect("a subscriber of this name")
    }

    fn assert_conserved(stats: &SubscriberStats) {
        assert_eq!(stats.published, stats.delivered + stats.dropped + stats.queued, "{stats:?}");
        assert!(stats.abandoned <= stats.dropped, "{stats:?}");
    }

    #[test]
    fn every_type_and_family_arrives_as_what_it_is() {
        let bus = DomainEventBus::new();
        let all = bus.subscribe("all", Filter::all(), 64);
        for kind in EventType::ALL {
            publish(&bus, kind, 3);
            let envelope = all.try_recv().expect("the event");
            assert_eq!(envelope.event, Event::blank(kind));
            assert_eq!(envelope.event.event_type(), kind.as_str());
            assert_eq!(envelope.event.family(), kind.family());
            assert_eq!(envelope.vm_id, machine(3));
        }
        assert_eq!(bus.stats().published, [1; EventType::ALL.len()]);
    }

    #[test]
    fn nobody_hears_what_is_published_to_nobody() {
        let bus = DomainEventBus::new();
        assert!(!bus.has_subscribers());
        publish(&bus, DELETED, 1);
        let late = bus.subscribe("late", Filter::all(), 4);
        assert!(bus.has_subscribers());
        assert!(late.try_recv().is_err());
        drop(late);
        assert!(!bus.has_subscribers());
        assert_eq!(bus.stats().published, [0; EventType::ALL.len()]);
    }

    #[test]
    fn a_full_queue_drops_the_newest_and_counts_them() {
        let bus = DomainEventBus::new();
        let small = bus.subscribe("small", Filter::all(), 2);
        for vm in 0..5 {
            publish(&bus, DELETED, vm);
        }
        let full = stats(&bus, "small");
        assert_eq!((full.published, full.delivered, full.dropped, full.queued, full.capacity), (5, 0, 3, 2, 2));
        let vms: Vec<_> = small.drain().map(|envelope| envelope.vm_id.as_u128()).collect();
        assert_eq!(vms, [0, 1]);
        let empty = stats(&bus, "small");
        assert_eq!((empty.delivered, empty.dropped, empty.queued), (2, 3, 0));
    }

    #[test]
    fn what_a_leaving_subscriber_left_is_dropped_and_its_name_remembered() {
        let bus = DomainEventBus::new();
        for _ in 0..2 {
            let leaving = bus.subscribe("page", Filter::all(), 8);
            for vm in 0..3 {
                publish(&bus, DELETED, vm);
            }
            leaving.try_recv().expect("an event");
        }
        assert_eq!(bus.stats().subscribers, []);
        let sum = stats(&bus, "page");
        assert_eq!((sum.published, sum.delivered, sum.dropped, sum.abandoned), (6, 2, 4, 4));
        assert_eq!((sum.queued, sum.capacity), (0, 0));
        let again = bus.subscribe("page", Filter::all(), 8);
        publish(&bus, DELETED, 9);
        let sum = stats(&bus, "page");
        assert_eq!((sum.published, sum.queued, sum.capacity), (7, 1, 8));
        drop(again);
    }

    #[test]
    fn draining_ends_although_publishing_does_not() {
        let bus = DomainEventBus::new();
        let all = bus.subscribe("all", Filter::all(), 64);
        for vm in 0..3 {
            publish(&bus, DELETED, vm);
        }
        let drained = all.drain().inspect(|_| publish(&bus, DELETED, 9)).count();
        assert_eq!(drained, 3);
        assert_eq!(all.drain().count(), 3);
        assert_eq!(all.drain().count(), 0);
    }

    #[test]
    fn waiting_for_an_event_ends_with_another_channels_message() {
        let bus = DomainEventBus::new();
        let waiting = bus.subscribe("waiting", Filter::all(), 4);
        let (sender, other) = crossbeam_channel::bounded(1);
        publish(&bus, DELETED, 1);
        sender.send("stop").expect("a receiver");
        assert!(matches!(waiting.recv_or(&other), Received::Other(Ok("stop"))));
        assert!(matches!(waiting.recv_or(&other), Received::Event(envelope) if envelope.vm_id == machine(1)));
        thread::scope(|scope| {
            let waiter = scope.spawn(|| waiting.recv_or(&other));
            drop(sender);
            assert!(matches!(waiter.join(), Ok(Received::Other(Err(_)))));
        });
        assert_eq!(stats(&bus, "waiting").delivered, 1);
    }

    #[test]
    fn events_carry_the_time_of_their_publication() {
        let bus = DomainEventBus::new();
        let all = bus.subscribe("all", Filter::all(), 4);
        let before = monotonic_ns();
        publish(&bus, DELETED, 1);
        let envelope = all.try_recv().expect("the event");
        assert!((before..=monotonic_ns()).contains(&envelope.monotonic_ns));
        // The difference between the clocks is refreshed every second, and the host may set
        // its clock, so the test only checks the hour.
        assert!(wall_ns().abs_diff(envelope.wall_ns) < 3_600_000_000_000);
    }

    fn filters() -> impl Strategy<Value = Filter> {
        let families = prop::option::of(prop::sample::subsequence(Family::ALL.to_vec(), 0..=Family::ALL.len()));
        let types = prop::option::of(prop::sample::subsequence(EventType::ALL.to_vec(), 0..=EventType::ALL.len()));
        let vm = prop::option::of(0..3_u64);
        (families, types, vm).prop_map(|(families, types, vm)| {
            let mut filter = Filter::all();
            if let Some(families) = families {
                filter = filter.families(&families);
            }
            if let Some(types) = types {
                filter = filter.types(&types);
            }
            if let Some(vm) = vm {
                filter = filter.vm(machine(vm));
            }
            filter
        })
    }

    /// Behaviour of a subscriber in the property below.
    #[derive(Clone, Debug)]
    struct Reader {
        filter: Filter,
        capacity: usize,
        /// Unsubscribes after this many events, or stays to the end if there are fewer.
        stays_for: usize,
    }

    fn readers() -> impl Strategy<Value = Reader> {
        (filters(), prop_oneof![1..16_usize, Just(4096)], prop_oneof![0..40_usize, Just(usize::MAX)])
            .prop_map(|(filter, capacity, stays_for)| Reader { filter, capacity, stays_for })
    }

    fn published() -> impl Strategy<Value = Vec<(EventType, u64)>> {
        prop::collection::vec((prop::sample::select(EventType::ALL.to_vec()), 0..3_u64), 0..300)
    }

    fn read(reader: &Reader, bus: &DomainEventBus, name: &str, ready: &Barrier) -> Vec<Envelope> {
        let subscription = bus.subscribe(name, reader.filter, reader.capacity);
        ready.wait();
        let mut seen = Vec::new();
        while seen.len() < reader.stays_for {
            match subscription.recv_timeout(std::time::Duration::from_millis(1)) {
                Ok(envelope) => seen.push(envelope),
                // The test adds a subscriber named "end" when publishers have finished.
                Err(_) if bus.stats().subscribers.iter().any(|it| &*it.name == "end") => break,
                Err(_) => {}
            }
        }
        seen.extend(subscription.drain().take(reader.stays_for.saturating_sub(seen.len())));
        seen
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Publishers and readers on their own threads; readers have filters and queues of
        /// all sizes, and some unsubscribe while others publish.
        #[test]
        fn published_is_delivered_dropped_or_queued(
            publishers in prop::collection::vec(published(), 1..4),
            readers in prop::collection::vec(readers(), 1..4),
        ) {
            let bus = DomainEventBus::new();
            let names: Vec<_> = (0..readers.len()).map(|index| format!("reader-{index}")).collect();
            let ready = Barrier::new(readers.len() + publishers.len());
            let seen: Vec<Vec<Envelope>> = thread::scope(|scope| {
                let (bus, ready) = (&bus, &ready);
                let readers: Vec<_> = readers.iter().zip(&names)
                    .map(|(reader, name)| scope.spawn(move || read(reader, bus, name, ready)))
                    .collect();
                let publishers: Vec<_> = publishers.iter().map(|events| scope.spawn(move || {
                    ready.wait();
                    for &(kind, vm) in events {
                        publish(bus, kind, vm);
                    }
                })).collect();
                for publisher in publishers {
                    publisher.join().expect("a publisher");
                }
                let end = bus.subscribe("end", Filter::all(), 1);
                let seen = readers.into_iter().map(|reader| reader.join().expect("a reader")).collect();
                drop(end);
                seen
            });
            for ((reader, name), seen) in readers.iter().zip(&names).zip(&seen) {
                let stats = stats(&bus, name);
                assert_conserved(&stats);
                prop_assert_eq!(stats.delivered, seen.len() as u64);
                prop_assert_eq!(stats.queued, 0);
                prop_assert!(seen.iter().all(|envelope| reader.filter.matches(envelope)));
                let mut sequences: Vec<_> = seen.iter().map(|envelope| envelope.sequence).collect();
                sequences.sort_unstable();
                sequences.dedup();
                prop_assert_eq!(sequences.len(), seen.len(), "an event arrived twice");
                // A reader that stays and has a large enough queue gets every event.
                if reader.stays_for == usize::MAX && reader.capacity == 4096 {
                    let matching = publishers.iter().flatten()
                        .filter(|&&(kind, vm)| reader.filter.matches(&envelope(kind, vm))).count();
                    prop_assert_eq!(seen.len(), matching);
                    prop_assert_eq!(stats.dropped, 0);
                }
            }
        }

        /// One publisher's events arrive in its order, and with its sequence.
        #[test]
        fn order_is_kept(events in published(), filter in filters()) {
            let bus = DomainEventBus::new();
            let reader = bus.subscribe("reader", filter, 4096);
            for &(kind, vm) in &events {
                publish(&bus, kind, vm);
            }
            let expected: Vec<_> = events.iter().enumerate()
                .filter(|&(_, &(kind, vm))| filter.matches(&envelope(kind, vm)))
                .map(|(index, &(kind, vm))| (index as u64, machine(vm), Event::blank(kind)))
                .collect();
            let seen: Vec<_> =
                reader.drain().map(|envelope| (envelope.sequence, envelope.vm_id, envelope.event)).collect();
            prop_assert_eq!(seen, expected);
        }

        /// A filter lets through what each of its parts lets through.
        #[test]
        fn a_filter_is_the_conjunction_of_its_parts(
            families in prop::sample::subsequence(Family::ALL.to_vec(), 0..=Family::ALL.len()),
            types in prop::sample::subsequence(EventType::ALL.to_vec(), 0..=EventType::ALL.len()),
            vm in 0..3_u64,
        ) {
            let filter = Filter::all().families(&families).types(&types).vm(machine(vm));
            for kind in EventType::ALL {
                for of in 0..3 {
                    let expected = families.contains(&kind.family()) && types.contains(&kind) && of == vm;
                    prop_assert_eq!(filter.matches(&envelope(kind, of)), expected);
                }
            }
        }
    }
}
