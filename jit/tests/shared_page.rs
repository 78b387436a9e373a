//! Tests that stores to data on a page with code invalidate no translation.

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use riscope_core::addr::{GuestAddr, GuestPhys};
    use riscope_core::clock::Clock;
    use riscope_core::engine::{EngineContext, EngineFactory, Exit};
    use riscope_core::event::{DomainEventBus, Event, ExecutionEvent, Filter, Publisher, VmId};
    use riscope_core::hart::{Hart, HartConfig, PrivilegeMode};
    use riscope_core::mem::GuestRam;
    use riscope_jit::{JitConfig, JitFactory};
    use vm_memory::{Bytes, GuestAddress};

    const RAM: u64 = 0x8000_0000;
    /// Blocks in the loop; the page has room for them and the counter.
    const BLOCKS: i32 = 16;

    /// `auipc s0, 0`; then blocks of `addi t0, t0, 1; sd t0, 1024(s0); j .+8; unimp`; the
    /// last jumps back to the first.
    fn program() -> Vec<u32> {
        const COUNT: [u32; 2] = [0x0012_8293, 0x4054_3023];
        const SKIP: [u32; 2] = [0x0080_006f, 0];
        let mut words = vec![0x0000_0417];
        (0..BLOCKS).for_each(|_| words.extend(COUNT.iter().chain(&SKIP)));
        // jal zero, back over all blocks.
        let back = (-16 * BLOCKS).cast_unsigned();
        words.push(
            (back >> 20 & 1) << 31 | (back >> 1 & 0x3ff) << 21 | (back >> 11 & 1) << 20 | (back & 0xff000) | 0x6f,
        );
        words
    }

    #[test]
    fn a_counter_beside_hot_code_has_nothing_compiled_again() {
        let ram = Arc::new(GuestRam::new(GuestPhys(RAM), 4096).unwrap());
        for (n, word) in program().into_iter().enumerate() {
            ram.memory().write_obj(word, GuestAddress(RAM + 4 * n as u64)).unwrap();
        }
        let mut hart = Hart::new(HartConfig::alone(Arc::clone(&ram), Clock::manual()));
        hart.reset(GuestAddr(RAM), PrivilegeMode::Machine, 0, 0);
        let bus = DomainEventBus::new();
        let events = bus.subscribe("test", Filter::all(), 1 << 16);
        let context = EngineContext {
            events: Publisher::new(VmId::default(), Some(bus)),
            ..EngineContext::alone(Arc::clone(&ram))
        };
        let config = JitConfig { hot_threshold: 2, synchronous: true, ..JitConfig::default() };
        let mut engine = JitFactory::new(config).engines(&context, 1).unwrap().remove(0);
        // In small pieces, so that execution also begins in the middle of blocks.
        for _ in 0..20_000 {
            assert_eq!(engine.run(&mut hart, 97), Exit::LimitReached);
        }
        let counter: u64 = ram.memory().read_obj(GuestAddress(RAM + 1024)).unwrap();
        assert!(counter > 500_000, "it counted to {counter}");
        let compiled = |event: &Event| matches!(event, Event::Execution(ExecutionEvent::CodeBlockCompiled { .. }));
        let compilations = events.drain().filter(|envelope| compiled(&envelope.event)).count();
        let instructions = program().len();
        assert!((1..=instructions).contains(&compilations), "{compilations} for {instructions} instructions");
    }
}
