//! Tests of instruction limits: both engines stop exactly at the limit, and the clock is
//! unaffected by intermediate stops.

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use riscope_core::addr::{GuestAddr, GuestPhys};
    use riscope_core::clock::Clock;
    use riscope_core::engine::{Engine, EngineContext, EngineFactory, Exit};
    use riscope_core::hart::{Hart, HartConfig, PrivilegeMode};
    use riscope_core::interp::InterpreterFactory;
    use riscope_core::mem::GuestRam;
    use riscope_jit::{JitConfig, JitFactory};
    use vm_memory::{Bytes, GuestAddress};

    const RAM: u64 = 0x8000_0000;

    /// A loop of translated instructions around one that is only interpreted:
    /// `addi ra,ra,1; csrr sp,time; addi gp,gp,1; j` to the first.
    const LOOP: [u32; 4] = [0x0010_8093, 0xc010_2173, 0x0011_8193, 0xff5f_f06f];

    fn hart_and_engine(factory: &dyn EngineFactory) -> (Hart, Box<dyn Engine>) {
        let ram = Arc::new(GuestRam::new(GuestPhys(RAM), 4096).unwrap());
        ram.memory().write_obj(LOOP, GuestAddress(RAM)).unwrap();
        let mut hart = Hart::new(HartConfig::alone(Arc::clone(&ram), Clock::manual()));
        hart.reset(GuestAddr(RAM), PrivilegeMode::Machine, 0, 0);
        let context = EngineContext::alone(ram);
        let engine = factory.engines(&context, 1).unwrap().remove(0);
        (hart, engine)
    }

    fn engines() -> [Box<dyn EngineFactory>; 2] {
        let config = JitConfig { hot_threshold: 2, synchronous: true, ..JitConfig::default() };
        [Box::new(InterpreterFactory), Box::new(JitFactory::new(config))]
    }

    #[test]
    fn a_limit_is_met_exactly() {
        for factory in engines() {
            let (mut hart, mut engine) = hart_and_engine(&*factory);
            let mut retired = 0;
            for limit in (1..100).chain([5000, 1, 2, 3]) {
                assert_eq!(engine.run(&mut hart, limit), Exit::LimitReached);
                retired += limit;
                assert_eq!(hart.instructions_retired(), retired, "{} engine, limit {limit}", factory.name());
            }
        }
    }

    #[test]
    fn interpreted_instructions_do_not_end_the_quantum() {
        for factory in engines() {
            let (mut hart, mut engine) = hart_and_engine(&*factory);
            // A manual clock moves on when a quantum ends, so no read sees it move.
            engine.run(&mut hart, 8000);
            assert_eq!(hart.x(2), 0, "{} engine", factory.name());
            engine.run(&mut hart, 8000);
            assert_eq!(hart.x(2), 80, "{} engine", factory.name());
        }
    }
}
