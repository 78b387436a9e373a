//! Tests that invalidation events report the actual reason.

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::Ordering;

    use riscope_core::addr::{GuestAddr, GuestPhys};
    use riscope_core::clock::Clock;
    use riscope_core::counters::{EVENT_BURST, EVENTS_PER_SECOND, EngineCounters, EventSums, Fact};
    use riscope_core::engine::{Engine, EngineContext, EngineFactory, Exit};
    use riscope_core::event::{
        DomainEventBus, Event, ExecutionEvent, ExecutionEventType, Filter, InvalidationReason, Publisher, Subscription,
        Tier, VmId,
    };
    use riscope_core::hart::{Hart, HartConfig, PrivilegeMode};
    use riscope_core::mem::GuestRam;
    use riscope_jit::{JitConfig, JitFactory};
    use vm_memory::{Bytes, GuestAddress};

    const RAM: u64 = 0x8000_0000;
    /// Two loops on one page, ...
    const FIRST: u64 = RAM;
    const SECOND: u64 = RAM + 64;
    /// ... and on another one code that changes the first of them.
    const PATCH: u64 = RAM + 0x1000;

    /// `addi a0, a0, 1; j .-4`
    const LOOP: [u32; 2] = [0x0015_0513, 0xffdf_f06f];
    /// `sw t1, 0(t0)`
    const STORE: u32 = 0x0062_a023;
    /// `addi a0, a0, 2`
    const OTHER: u64 = 0x0025_0513;
    const FENCE_I: u32 = 0x0000_100f;
    const SFENCE_VMA: u32 = 0x1200_0073;

    struct Bench {
        ram: Arc<GuestRam>,
        hart: Hart,
        engine: Box<dyn Engine>,
        events: Subscription,
        counters: Arc<EngineCounters>,
    }

    impl Bench {
        /// A machine whose first loop is translated.
        fn new() -> Self {
            let ram = Arc::new(GuestRam::new(GuestPhys(RAM), 0x2000).expect("memory"));
            let bus = DomainEventBus::new();
            let events = bus.subscribe("test", Filter::all(), 1 << 20);
            let context = EngineContext {
                events: Publisher::new(VmId::default(), Some(bus)),
                ..EngineContext::alone(Arc::clone(&ram))
            };
            let counters = Arc::clone(&context.counters);
            let config = JitConfig { hot_threshold: 2, synchronous: true, ..JitConfig::default() };
            let engine = JitFactory::new(config).engines(&context, 1).expect("an engine").remove(0);
            let mut hart = Hart::new(HartConfig::alone(Arc::clone(&ram), Clock::manual()));
            hart.reset(GuestAddr(RAM), PrivilegeMode::Machine, 0, 0);
            let mut bench = Self { ram, hart, engine, events, counters };
            bench.write(FIRST, &LOOP);
            bench.write(SECOND, &LOOP);
            bench.write(PATCH, &[STORE]);
            bench.run(FIRST, 100);
            assert_eq!(bench.dropped(), []);
            bench
        }

        fn write(&self, at: u64, words: &[u32]) {
            for (n, &word) in (0..).zip(words) {
                self.ram.memory().write_obj(word, GuestAddress(at + 4 * n)).expect("it is in RAM");
            }
        }

        fn run(&mut self, pc: u64, instructions: u64) {
            self.hart.state_mut().pc = pc;
            assert_eq!(self.engine.run(&mut self.hart, instructions), Exit::LimitReached);
        }

        /// Changes the first loop by a store.
        fn patch(&mut self) {
            let registers = &mut self.hart.state_mut().x;
            (registers[5], registers[6]) = (FIRST, OTHER);
            self.run(PATCH, 1);
        }

        /// Why translations were dropped since the last time.
        fn dropped(&self) -> Vec<InvalidationReason> {
            let reason = |event: &Event| match event {
                Event::Execution(ExecutionEvent::CodeBlocksInvalidated { reason, blocks: 1.., .. }) => Some(*reason),
                _ => None,
            };
            self.events.drain().filter_map(|envelope| reason(&envelope.event)).collect()
        }

        /// The first loop does what it was changed to.
        fn expect_changed(&mut self) {
            let before = self.hart.x(10);
            self.run(FIRST, 200);
            assert_eq!(self.hart.x(10), before + 200);
        }
    }

    #[test]
    fn a_fence_drops_changed_code() {
        let mut bench = Bench::new();
        bench.write(PATCH + 4, &[FENCE_I]);
        bench.patch();
        assert_eq!(bench.dropped(), []);
        bench.run(PATCH + 4, 1);
        bench.expect_changed();
        assert_eq!(bench.dropped(), [InvalidationReason::FenceI]);
    }

    #[test]
    fn code_whose_writer_is_gone_is_dropped_without_a_fence() {
        let mut bench = Bench::new();
        bench.write(PATCH + 4, &[SFENCE_VMA]);
        bench.patch();
        assert_eq!(bench.dropped(), []);
        bench.run(PATCH + 4, 1);
        bench.expect_changed();
        assert_eq!(bench.dropped(), [InvalidationReason::CodeChanged]);
    }

    #[test]
    fn code_that_a_device_wrote_is_dropped_without_a_fence() {
        let mut bench = Bench::new();
        bench.ram.memory().write_obj(u32::try_from(OTHER).expect("an instruction"), GuestAddress(FIRST)).expect("RAM");
        bench.expect_changed();
        assert_eq!(bench.dropped(), [InvalidationReason::CodeChanged]);
    }

    #[test]
    fn a_fence_beside_such_writes_is_what_dropped_the_code() {
        let mut bench = Bench::new();
        bench.write(PATCH + 4, &[FENCE_I]);
        bench.patch();
        bench.run(PATCH + 4, 1);
        bench.write(SECOND, &LOOP);
        bench.expect_changed();
        assert_eq!(bench.dropped(), [InvalidationReason::FenceI]);
    }

    #[test]
    fn more_code_on_the_page_drops_changed_code() {
        let mut bench = Bench::new();
        bench.patch();
        bench.run(SECOND, 100);
        assert_eq!(bench.dropped(), [InvalidationReason::CodeChanged]);
    }

    #[test]
    fn a_guest_that_rewrites_its_code_all_the_time_is_told_of_in_few_events_and_exact_sums() {
        const ROUNDS: u64 = 3 * EVENT_BURST;
        let mut bench = Bench::new();
        bench.write(PATCH + 4, &[FENCE_I]);
        let resident = |bench: &Bench| -> u64 {
            bench.counters.resident_blocks.iter().map(|blocks| blocks.load(Ordering::Relaxed)).sum()
        };
        let before = resident(&bench);
        let started = std::time::Instant::now();
        for round in 0..ROUNDS {
            let registers = &mut bench.hart.state_mut().x;
            (registers[5], registers[6]) = (FIRST, if round % 2 == 0 { OTHER } else { u64::from(LOOP[0]) });
            bench.run(PATCH, 2);
            bench.run(FIRST, 20);
        }
        let most = EVENT_BURST + EVENTS_PER_SECOND * (started.elapsed().as_secs() + 1);
        let mut published = EventSums::default();
        for envelope in bench.events.drain() {
            let Event::Execution(event) = envelope.event else { panic!("{envelope:?}") };
            published.add(&event);
        }
        let coalesced = bench.counters.coalesced.read();
        let mut sums = published.clone();
        sums.add_all(&coalesced);
        let invalidated = sums.of(Fact::Invalidated(InvalidationReason::FenceI));
        assert!(invalidated >= ROUNDS, "{invalidated} blocks in {ROUNDS} rounds");
        let compiled: u64 = Tier::ALL.iter().map(|&tier| sums.of(Fact::Blocks(tier))).sum();
        assert_eq!(before + compiled, invalidated + resident(&bench), "every block is counted");
        for kind in [ExecutionEventType::CodeBlockCompiled, ExecutionEventType::CodeBlocksInvalidated] {
            let fact = Fact::Events(kind);
            assert!(published.of(fact) >= EVENT_BURST, "{kind:?}: {}", published.of(fact));
            assert!(published.of(fact) <= most, "{kind:?}: {} in {:?}", published.of(fact), started.elapsed());
            assert!(coalesced.of(fact) > 0 || most >= ROUNDS, "{kind:?}");
        }
    }
}
