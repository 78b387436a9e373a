//! A pair of machines, one on the interpreter and one on templates, that must not differ.

use std::sync::Arc;

use riscope_core::addr::{GuestAddr, GuestPhys};
use riscope_core::clock::Clock;
use riscope_core::counters::{CodeExit, CounterPage};
use riscope_core::engine::{Engine, EngineContext, EngineFactory, Exit};
use riscope_core::event::Tier;
use riscope_core::hart::{Hart, HartConfig, HartControl, Interrupt, PrivilegeMode};
use riscope_core::interp::InterpreterFactory;
use riscope_core::mem::GuestRam;
use riscope_core::mmio::{MmioDevice, MmioFault, MmioMap, Width};
use riscope_jit::{JitConfig, JitFactory, Tiers};
use vm_memory::{Bytes, GuestAddress};

use crate::common::assembler::Assembler;
use crate::device::Recorder;

/// Physical address of the RAM, ...
pub(crate) const RAM: u64 = 0x8000_0000;
/// ... its size, ...
pub(crate) const RAM_SIZE: u64 = 0x4_0000;
/// ... that of a device, ...
pub(crate) const DEVICE: u64 = 0x1000_0000;
/// ... and that of a [`Bell`]. Nothing else is anywhere.
pub(crate) const BELL: u64 = 0x1000_2000;
/// An address of the [`Bell`] at which writes make it panic.
pub(crate) const BROKEN: u64 = BELL + 0xff8;
pub(crate) const PAGE: u64 = 4096;

/// Memory that is compared after every step, by offset in RAM.
pub(crate) const DATA: u64 = 0x3_0000;
const DATA_BYTES: usize = 0x4000;
/// Where the routines of [`Pair::control_registers`] are.
const ROUTINES: u64 = 0x3_f000;

/// Physical address of an offset in RAM.
pub(crate) const fn at(offset: u64) -> u64 {
    RAM + offset
}

/// Engine for what runs twice.
fn engine(tiers: Tiers) -> JitFactory {
    JitFactory::new(JitConfig { tiers, hot_threshold: 2, synchronous: true, code_cache_bytes: 8 << 20 })
}

/// The one of [`Pair`].
pub(crate) fn templates() -> JitFactory {
    engine(Tiers::Baseline)
}

/// A device that interrupts the first hart when it is read, until it is written.
#[derive(Debug)]
struct Bell(Arc<HartControl>);

impl MmioDevice for Bell {
    fn read(&self, offset: u64, _width: Width) -> Result<u64, MmioFault> {
        self.0.set_line(Interrupt::MachineExternal, true);
        Ok(offset)
    }

    fn write(&self, offset: u64, _width: Width, _value: u64) -> Result<(), MmioFault> {
        assert_ne!(BELL + offset, BROKEN, "a panic, as the test wants it");
        self.0.set_line(Interrupt::MachineExternal, false);
        Ok(())
    }
}

/// A machine with some harts, whose engines run in turn.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) harts: Vec<Hart>,
    engines: Vec<Box<dyn Engine>>,
    ram: Arc<GuestRam>,
    device: Arc<Recorder>,
    counters: Vec<Arc<CounterPage>>,
}

/// What is compared: by hart registers, `pc`, mode, status and instructions, and memory.
#[derive(Debug, PartialEq, Eq)]
struct State {
    harts: Vec<([u64; 32], GuestAddr, PrivilegeMode, u64, u64)>,
    device: u64,
    memory: Vec<u8>,
}

impl Machine {
    /// A machine in `mode` at the start of its RAM.
    pub(crate) fn new(factory: &dyn EngineFactory, mode: PrivilegeMode, harts: usize) -> Self {
        let ram = Arc::new(GuestRam::new(GuestPhys(RAM), RAM_SIZE).expect("guest memory"));
        let device = Arc::new(Recorder::default());
        let mut mmio = MmioMap::default();
        mmio.insert(GuestPhys(DEVICE), PAGE, Arc::<Recorder>::clone(&device)).expect("a free address");
        let controls: Vec<Arc<HartControl>> = (0..harts).map(|_| Arc::default()).collect();
        let bell = Arc::new(Bell(Arc::clone(&controls[0])));
        mmio.insert(GuestPhys(BELL), PAGE, bell).expect("a free address");
        let (mmio, clock) = (Arc::new(mmio), Clock::manual());
        let counters: Vec<Arc<CounterPage>> = (0..harts).map(|_| Arc::default()).collect();
        let hart = |id: usize| {
            let mut hart = Hart::new(HartConfig {
                id,
                mmio: Arc::clone(&mmio),
                control: Arc::clone(&controls[id]),
                counters: Arc::clone(&counters[id]),
                ..HartConfig::alone(Arc::clone(&ram), clock.clone())
            });
            hart.reset(GuestAddr(RAM), mode, 0, 0);
            hart
        };
        let harts: Vec<_> = (0..harts).map(hart).collect();
        let engines = factory.engines(&EngineContext::alone(Arc::clone(&ram)), harts.len()).expect("engines");
        Self { harts, engines, ram, device, counters }
    }

    /// The first hart, of what has one.
    pub(crate) fn hart(&mut self) -> &mut Hart {
        &mut self.harts[0]
    }

    pub(crate) fn write(&self, offset: u64, bytes: &[u8]) {
        self.ram.memory().write_slice(bytes, GuestAddress(RAM + offset)).expect("an address in RAM");
    }

    pub(crate) fn word(&self, offset: u64) -> u64 {
        self.ram.memory().read_obj(GuestAddress(RAM + offset)).expect("an address in RAM")
    }

    /// Each hart with its engine.
    pub(crate) fn parts(&mut self) -> impl Iterator<Item = (&mut Hart, &mut Box<dyn Engine>)> {
        self.harts.iter_mut().zip(&mut self.engines)
    }

    /// Failed store-conditionals of the first hart.
    pub(crate) fn failed_stores(&self) -> u64 {
        let [failures] = self.counters[0].sc_failures();
        failures
    }

    /// Runs a hart to the limit; how often `wfi` stopped it.
    fn run(&mut self, hart: usize, limit: u64) -> usize {
        let mut stops = 0;
        let end = self.used(hart) + limit;
        while self.used(hart) < end {
            let left = end - self.used(hart);
            match self.engines[hart].run(&mut self.harts[hart], left) {
                Exit::LimitReached => break,
                _ => stops += 1,
            }
        }
        stops
    }

    /// Instructions retired and traps taken.
    fn used(&self, hart: usize) -> u64 {
        let traps: u64 = self.counters[hart].exceptions().iter().chain(&self.counters[hart].interrupts()).sum();
        self.harts[hart].instructions_retired() + traps
    }

    fn state(&self) -> State {
        let hart =
            |hart: &Hart| (hart.state().x, hart.pc(), hart.mode(), hart.state().status, hart.instructions_retired());
        let mut memory = vec![0; DATA_BYTES];
        self.ram.memory().read_slice(&mut memory, GuestAddress(RAM + DATA)).expect("an address in RAM");
        State { harts: self.harts.iter().map(hart).collect(), device: self.device.digest(), memory }
    }

    /// Instructions of a hart in generated code.
    pub(crate) fn translated(&self, hart: usize) -> u64 {
        self.counters[hart].instructions()[Tier::Baseline.index()..].iter().sum()
    }

    /// Instructions of a hart in code of this tier.
    pub(crate) fn instructions(&self, hart: usize, tier: Tier) -> u64 {
        self.counters[hart].instructions()[tier.index()]
    }

    /// How often generated code was left for this reason.
    pub(crate) fn exits(&self, exit: CodeExit) -> u64 {
        self.counters[0].code_exits()[exit.index()]
    }

    /// Exceptions of the first hart.
    pub(crate) fn exceptions(&self) -> u64 {
        self.counters[0].exceptions().iter().sum()
    }
}

/// Machines of both engines.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) interpreted: Machine,
    pub(crate) translated: Machine,
}

impl Pair {
    pub(crate) fn new(mode: PrivilegeMode) -> Self {
        Self::with_harts(mode, 1)
    }

    pub(crate) fn with_harts(mode: PrivilegeMode, harts: usize) -> Self {
        Self::with_engine(&templates(), mode, harts)
    }

    /// With an engine of other tiers than templates alone.
    pub(crate) fn with_tiers(tiers: Tiers, mode: PrivilegeMode) -> Self {
        Self::with_engine(&engine(tiers), mode, 1)
    }

    /// With an engine of its own.
    pub(crate) fn with_engine(factory: &dyn EngineFactory, mode: PrivilegeMode, harts: usize) -> Self {
        let pair = Self {
            interpreted: Machine::new(&InterpreterFactory, mode, harts),
            translated: Machine::new(factory, mode, harts),
        };
        pair.write(ROUTINES, &dump_routine(["mcause", "mepc", "mtval", "minstret"]));
        pair.write(ROUTINES + 0x100, &dump_routine(["scause", "sepc", "stval", "sscratch"]));
        pair
    }

    /// Does the same to both.
    pub(crate) fn each(&mut self, mut change: impl FnMut(&mut Machine)) {
        change(&mut self.interpreted);
        change(&mut self.translated);
    }

    pub(crate) fn write(&self, offset: u64, bytes: &[u8]) {
        self.interpreted.write(offset, bytes);
        self.translated.write(offset, bytes);
    }

    /// Runs the first hart of both; they must agree then.
    #[track_caller]
    pub(crate) fn run(&mut self, limit: u64, what: &dyn Fn() -> String) {
        self.run_hart(0, limit, what);
    }

    #[track_caller]
    pub(crate) fn run_hart(&mut self, hart: usize, limit: u64, what: &dyn Fn() -> String) {
        let stops = [&mut self.interpreted, &mut self.translated].map(|machine| machine.run(hart, limit));
        assert_eq!(stops[0], stops[1], "stops of {}", what());
        self.compare(what);
    }

    #[track_caller]
    fn compare(&self, what: &dyn Fn() -> String) {
        let (expected, found) = (self.interpreted.state(), self.translated.state());
        if expected == found {
            return;
        }
        for (n, (expected, found)) in expected.harts.iter().zip(&found.harts).enumerate() {
            for (register, (expected, found)) in expected.0.iter().zip(&found.0).enumerate() {
                assert_eq!(expected, found, "x{register} of hart {n} in {}", what());
            }
            assert_eq!(expected, found, "hart {n} in {}", what());
        }
        assert_eq!(expected.device, found.device, "accesses of the device in {}", what());
        let differs = (0..DATA_BYTES).find(|&n| expected.memory[n] != found.memory[n]);
        panic!("data differs at {differs:x?} in {}", what());
    }

    /// Compares what traps have left in the control registers of a hart in M-mode, or else
    /// in S-mode, and returns cause, address and value. The hart then is in front of a loop.
    #[track_caller]
    pub(crate) fn control_registers(&mut self, what: &dyn Fn() -> String) -> [u64; 3] {
        let routine = if self.interpreted.harts[0].mode() == PrivilegeMode::Machine { 0 } else { 0x100 };
        self.each(|machine| {
            machine.hart().set_pc(GuestAddr(at(ROUTINES + routine)));
            machine.hart().set_x(5, at(DATA));
            machine.run(0, 8);
        });
        let read = |machine: &Machine| [0, 8, 16, 24].map(|n| machine.word(DATA + n));
        let [expected, found] = [read(&self.interpreted), read(&self.translated)];
        assert_eq!(expected, found, "cause, pc, value, instructions in {}", what());
        [found[0], found[1], found[2]]
    }
}

/// Stores four control registers at `t0`.
fn dump_routine(names: [&str; 4]) -> Vec<u8> {
    let mut asm = Assembler::default();
    for (n, name) in (0..).zip(names) {
        asm.csr("csrrs", 6, csr(name), 0);
        asm.store("sd", 6, 5, 8 * n);
    }
    asm.finish()
}

/// Numbers of control registers.
pub(crate) fn csr(name: &str) -> u16 {
    match name {
        "sstatus" => 0x100,
        "sie" => 0x104,
        "stvec" => 0x105,
        "scounteren" => 0x106,
        "senvcfg" => 0x10a,
        "sscratch" => 0x140,
        "sepc" => 0x141,
        "scause" => 0x142,
        "stval" => 0x143,
        "sip" => 0x144,
        "satp" => 0x180,
        "mstatus" => 0x300,
        "mie" => 0x304,
        "mtvec" => 0x305,
        "menvcfg" => 0x30a,
        "mscratch" => 0x340,
        "mepc" => 0x341,
        "stimecmp" => 0x14d,
        "time" => 0xc01,
        "mcause" => 0x342,
        "mtval" => 0x343,
        "pmpcfg0" => 0x3a0,
        "pmpaddr0" => 0x3b0,
        "pmpaddr1" => 0x3b1,
        "minstret" => 0xb02,
        other => panic!("the number of {other}?"),
    }
}
