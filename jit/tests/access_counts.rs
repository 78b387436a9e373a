//! Tests that an access which does not hit RAM causes one page walk, one count and one
//! device access, translated or not.

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use riscope_core::addr::{GuestAddr, GuestPhys};
    use riscope_core::clock::Clock;
    use riscope_core::counters::{CodeExit, CounterPage};
    use riscope_core::engine::{Engine, EngineContext, EngineFactory, Exit};
    use riscope_core::event::Tier;
    use riscope_core::hart::{Hart, HartConfig, PrivilegeMode};
    use riscope_core::interp::InterpreterFactory;
    use riscope_core::mem::GuestRam;
    use riscope_core::mmio::{MmioDevice, MmioFault, MmioMap, Width};
    use riscope_jit::{JitConfig, JitFactory, Tiers};
    use vm_memory::{Bytes, GuestAddress};

    const RAM: u64 = 0x8000_0000;
    const DEVICE: u64 = 0x1000_0000;
    /// Offset of the trap handler.
    const HANDLER: u64 = 0x100;
    /// Virtual pages: two of RAM, the device's, one without translation.
    const FIRST: u64 = 0x1000;
    const SECOND: u64 = 0x2000;
    const REGISTERS: u64 = 0x3000;
    const UNMAPPED: u64 = 0x4000;
    /// Rounds of the loop in a measurement.
    const ROUNDS: u64 = 200;

    /// `ld a0,0(a1)`, `sd a0,0(a1)`, `amoadd.d a0,a4,(a1)`
    const LOAD: u32 = 0x0005_b503;
    const STORE: u32 = 0x00a5_b023;
    const ATOMIC: u32 = 0x00e5_b52f;

    /// Counts its accesses.
    #[derive(Debug, Default)]
    struct Registers(AtomicU64);

    impl MmioDevice for Registers {
        fn read(&self, _offset: u64, _width: Width) -> Result<u64, MmioFault> {
            Ok(self.0.fetch_add(1, Ordering::Relaxed))
        }

        fn write(&self, _offset: u64, _width: Width, _value: u64) -> Result<(), MmioFault> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
    }

    /// Counters of a measurement. Fetches are excluded, as the engines look code up at
    /// different times.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct Counts {
        walks: u64,
        faulting_walks: u64,
        load_misses: u64,
        store_misses: u64,
        device: u64,
        exceptions: u64,
    }

    const NOTHING: Counts =
        Counts { walks: 0, faulting_walks: 0, load_misses: 0, store_misses: 0, device: 0, exceptions: 0 };

    struct Bench {
        hart: Hart,
        engine: Box<dyn Engine>,
        counters: Arc<CounterPage>,
        device: Arc<Registers>,
    }

    impl Bench {
        /// A hart in S-mode with Sv39, in front of a loop around `instruction` whose base
        /// register `a1` the test sets.
        fn new(factory: &dyn EngineFactory, instruction: u32) -> Self {
            let ram = Arc::new(GuestRam::new(GuestPhys(RAM), 0x8000).unwrap());
            // csrw stvec,t1; csrw satp,t2; [instruction]; addi a2,a2,1; bne a2,a3,-8
            let main = [0x1053_1073, 0x1803_9073, instruction, 0x0016_0613, 0xfed6_1ce3];
            // csrr t0,sepc; addi t0,t0,4; csrw sepc,t0; sret
            let handler: [u32; 4] = [0x1410_22f3, 0x0042_8293, 0x1412_9073, 0x1020_0073];
            ram.memory().write_obj(main, GuestAddress(RAM)).unwrap();
            ram.memory().write_obj(handler, GuestAddress(RAM + HANDLER)).unwrap();
            // All of RAM by an identity-mapped leaf of the root; the others by tables.
            let entries = [
                (0x1000 + 8 * 2, RAM, 0xcf),
                (0x1000, RAM + 0x2000, 1),
                (0x2000, RAM + 0x3000, 1),
                (0x3000 + 8, RAM + 0x5000, 0xc7),
                (0x3000 + 16, RAM + 0x6000, 0xc7),
                (0x3000 + 24, DEVICE, 0xc7),
            ];
            for (at, target, bits) in entries {
                ram.memory().write_obj(target >> 2 | bits, GuestAddress(RAM + at)).unwrap();
            }
            let device: Arc<Registers> = Arc::default();
            let mut mmio = MmioMap::default();
            mmio.insert(GuestPhys(DEVICE), 0x1000, Arc::<Registers>::clone(&device)).unwrap();
            let counters: Arc<CounterPage> = Arc::default();
            let mut hart = Hart::new(HartConfig {
                mmio: Arc::new(mmio),
                counters: Arc::clone(&counters),
                ..HartConfig::alone(Arc::clone(&ram), Clock::manual())
            });
            hart.reset(GuestAddr(RAM), PrivilegeMode::Supervisor, 0, 0);
            hart.set_x(6, RAM + HANDLER);
            hart.set_x(7, 8 << 60 | (RAM + 0x1000) >> 12);
            let engine = factory.engines(&EngineContext::alone(ram), 1).unwrap().remove(0);
            let mut bench = Self { hart, engine, counters, device };
            bench.run(2);
            bench
        }

        fn run(&mut self, instructions: u64) {
            assert_eq!(self.engine.run(&mut self.hart, instructions), Exit::LimitReached);
        }

        fn counts(&self) -> Counts {
            let [ok, page_fault, access_fault] = self.counters.page_walks();
            let [_, load_misses, store_misses] = self.counters.tlb_misses();
            let device = self.device.0.load(Ordering::Relaxed);
            assert_eq!(self.counters.device_accesses(), [device], "counted as they arrive");
            Counts {
                walks: ok,
                faulting_walks: page_fault + access_fault,
                load_misses,
                store_misses,
                device,
                exceptions: self.counters.exceptions().iter().sum(),
            }
        }

        /// Counts of [`ROUNDS`] iterations with the access at `address`.
        fn measure(&mut self, address: u64, instructions_a_round: u64) -> Counts {
            self.hart.set_x(11, address);
            let before = self.counts();
            self.run(ROUNDS * instructions_a_round);
            let after = self.counts();
            Counts {
                walks: after.walks - before.walks,
                faulting_walks: after.faulting_walks - before.faulting_walks,
                load_misses: after.load_misses - before.load_misses,
                store_misses: after.store_misses - before.store_misses,
                device: after.device - before.device,
                exceptions: after.exceptions - before.exceptions,
            }
        }
    }

    /// Instructions of an iteration, and of one whose access traps: the trap counts as one.
    const PLAIN: u64 = 3;
    const TRAPPING: u64 = 2 + 1 + 4;

    /// Checks both engines, after a warm-up in RAM.
    fn check(instruction: u32, address: u64, instructions_a_round: u64, expected: Counts) {
        let translator = |tiers| -> Box<dyn EngineFactory> {
            let config = JitConfig { tiers, hot_threshold: 2, synchronous: true, ..JitConfig::default() };
            Box::new(JitFactory::new(config))
        };
        let engines = [Box::new(InterpreterFactory), translator(Tiers::Baseline), translator(Tiers::Optimised)];
        for factory in engines {
            let translates = factory.name() != "interpreter";
            let mut bench = Bench::new(&*factory, instruction);
            bench.measure(FIRST, PLAIN);
            assert_eq!(bench.measure(FIRST, PLAIN), NOTHING, "{} engine, in the TLB", factory.name());
            let counted = bench.measure(address, instructions_a_round);
            assert_eq!(counted, expected, "{} engine, {instruction:#x} at {address:#x}", factory.name());
            let translated: u64 = bench.counters.instructions()[Tier::Baseline.index()..].iter().sum();
            assert_eq!(translated > ROUNDS, translates, "{translated} translated instructions");
            let left = bench.counters.code_exits()[CodeExit::Access.index()];
            assert_eq!(left > ROUNDS / 2, translates, "generated code was left {left} times");
        }
    }

    #[test]
    fn an_access_to_a_device_walks_once_and_reaches_it_once() {
        let expected = Counts { walks: ROUNDS, device: ROUNDS, ..NOTHING };
        check(LOAD, REGISTERS, PLAIN, expected);
        check(STORE, REGISTERS, PLAIN, expected);
    }

    #[test]
    fn an_atomic_operation_on_a_device_walks_once_and_faults() {
        check(ATOMIC, REGISTERS, TRAPPING, Counts { walks: ROUNDS, exceptions: ROUNDS, ..NOTHING });
    }

    #[test]
    fn a_faulting_access_walks_once_and_misses_once() {
        let faults = Counts { faulting_walks: ROUNDS, exceptions: ROUNDS, ..NOTHING };
        check(LOAD, UNMAPPED, TRAPPING, Counts { load_misses: ROUNDS, ..faults });
        check(STORE, UNMAPPED, TRAPPING, Counts { store_misses: ROUNDS, ..faults });
        check(ATOMIC, UNMAPPED, TRAPPING, Counts { store_misses: ROUNDS, ..faults });
    }

    #[test]
    fn an_access_over_a_page_boundary_walks_once_for_a_page_that_is_not_in_the_tlb() {
        let once = Counts { walks: 1, ..NOTHING };
        check(LOAD, SECOND - 3, PLAIN, Counts { load_misses: 1, ..once });
        check(STORE, SECOND - 3, PLAIN, Counts { store_misses: 1, ..once });
    }

    #[test]
    fn an_access_over_the_end_of_ram_faults_once_a_page() {
        let both = Counts { walks: ROUNDS, exceptions: ROUNDS, ..NOTHING };
        // The first part hits the TLB, the second a device.
        check(LOAD, REGISTERS - 3, TRAPPING, Counts { walks: ROUNDS + 1, load_misses: 1, ..both });
        check(STORE, REGISTERS - 3, TRAPPING, Counts { walks: ROUNDS + 1, store_misses: 1, ..both });
    }
}
