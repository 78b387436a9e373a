//! Machine that runs a test program on an engine, with the state that is compared.

use std::fmt::Write;
use std::sync::Arc;

use riscope_core::addr::{GuestAddr, GuestPhys};
use riscope_core::clock::Clock;
use riscope_core::counters::{CounterPage, EngineCounters};
use riscope_core::engine::{Engine, EngineContext, EngineFactory, Exit};
use riscope_core::event::{
    DomainEventBus, Event, EventType, ExecutionEvent, ExecutionEventType, Filter, Publisher, Subscription, VmId,
};
use riscope_core::hart::{Exception, ExceptionCause, Hart, HartConfig, PrivilegeMode};
use riscope_core::interp::Interpreter;
use riscope_core::mem::GuestRam;
use riscope_core::mmio::MmioMap;
use vm_memory::{Bytes, GuestAddress};

use super::device::Recorder;
use super::firmware;
use super::layout::{CODE, COPIED, COPIES, DEVICE, DUMP, DUMP_ROUTINE, END, PAGE, RAM, RAM_SIZE, SETUP, SUPERPAGE};
use super::program::Program;

/// A machine with one hart.
#[derive(Debug)]
pub(crate) struct Machine {
    hart: Hart,
    engine: Box<dyn Engine>,
    ram: Arc<GuestRam>,
    device: Arc<Recorder>,
    clock: Clock,
    /// Of the hart.
    pub(crate) counters: Arc<CounterPage>,
    /// Of the engine.
    pub(crate) engine_counters: Arc<EngineCounters>,
    evictions: Subscription,
}

impl Machine {
    /// A machine with `program` in its memory, at the start of the set-up.
    ///
    /// # Panics
    /// If the host has no memory left.
    pub(crate) fn new(program: &Program, factory: &dyn EngineFactory) -> Self {
        let ram = Arc::new(GuestRam::new(GuestPhys(RAM), RAM_SIZE).expect("guest memory"));
        load(&ram, program);
        let device = Arc::new(Recorder::default());
        let mut mmio = MmioMap::default();
        mmio.insert(GuestPhys(DEVICE), PAGE, Arc::<Recorder>::clone(&device)).expect("a free address");
        let (counters, engine_counters) = (Arc::default(), Arc::default());
        let clock = Clock::manual();
        let mut hart = Hart::new(HartConfig {
            mmio: Arc::new(mmio),
            counters: Arc::clone(&counters),
            ..HartConfig::alone(Arc::clone(&ram), clock.clone())
        });
        hart.reset(GuestAddr(RAM + SETUP), PrivilegeMode::Machine, 0, 0);
        for (n, value) in program.integers.iter().enumerate() {
            hart.set_x(n + 1, *value);
        }
        for (n, value) in program.floats.iter().enumerate() {
            hart.set_f(n, *value);
        }
        let bus = DomainEventBus::new();
        let evicted = EventType::Execution(ExecutionEventType::CodeCacheEvicted);
        let evictions = bus.subscribe("evictions", Filter::all().types(&[evicted]), 4096);
        let context = EngineContext {
            ram: Arc::clone(&ram),
            counters: Arc::clone(&engine_counters),
            events: Publisher::new(VmId::default(), Some(bus)),
        };
        let engine = factory.engines(&context, 1).expect("an engine").remove(0);
        Self { hart, engine, ram, device, clock, counters, engine_counters, evictions }
    }

    /// Translations evicted since the last call.
    pub(crate) fn evicted(&self) -> u64 {
        let blocks = |event| match event {
            Event::Execution(ExecutionEvent::CodeCacheEvicted { blocks, .. }) => u64::from(blocks),
            _ => 0,
        };
        self.evictions.drain().map(|envelope| blocks(envelope.event)).sum()
    }

    /// Runs `instructions` more and returns how often and where `wfi` stopped it.
    pub(crate) fn run(&mut self, instructions: u64) -> Vec<(Exit, u64)> {
        let end = self.hart.instructions_retired().wrapping_add(instructions);
        let mut left = instructions;
        let mut exits = Vec::new();
        while left > 0 {
            let before = self.used();
            let exit = self.engine.run(&mut self.hart, left);
            left = left.saturating_sub(self.used() - before);
            if exit == Exit::LimitReached {
                break;
            }
            // `wfi` does not sleep: the program continues as after a spurious wake-up.
            exits.push((exit, end.wrapping_sub(self.hart.instructions_retired())));
        }
        exits
    }

    /// Instructions retired and traps taken.
    fn used(&self) -> u64 {
        let traps: u64 = self.counters.exceptions().iter().chain(&self.counters.interrupts()).sum();
        self.hart.instructions_retired() + traps
    }

    /// State that can be read without changing it.
    pub(crate) fn state(&self) -> State {
        let state = self.hart.state();
        State {
            x: state.x,
            f: state.f,
            named: [
                ("used", self.used()),
                ("pc", self.hart.pc().0),
                ("mode", self.hart.mode() as u64),
                ("retired", self.hart.instructions_retired()),
                ("status", state.status),
                ("fflags", state.fflags),
                ("frm", state.frm),
                ("time", self.clock.now()),
                ("device", self.device.digest()),
            ],
            memory: [digest(&self.ram, 0, END), digest(&self.ram, SUPERPAGE, END)],
        }
    }

    /// CSRs by number. The machine cannot continue afterwards, as the hart is taken to
    /// M-mode.
    pub(crate) fn control_registers(&mut self) -> Vec<(u16, u64)> {
        self.hart.take_exception(Exception::new(ExceptionCause::MachineEcall, 0));
        self.hart.set_pc(GuestAddr(RAM + DUMP_ROUTINE));
        Interpreter::default().run(&mut self.hart, firmware::dump_length());
        let read = |n: u64| self.ram.memory().read_obj(GuestAddress(RAM + DUMP + 8 * n)).expect("an address in RAM");
        (0..).zip(firmware::dumped_registers()).map(|(n, number)| (number, read(n))).collect()
    }

    /// The word of RAM at a physical address.
    pub(crate) fn word(&self, at: u64) -> u64 {
        self.ram.memory().read_obj(GuestAddress(at)).expect("an address in RAM")
    }

    /// Where the memories of two machines differ: offset and words.
    pub(crate) fn memory_differences(&self, other: &Self) -> Vec<(u64, u64, u64)> {
        let read = |ram: &GuestRam, at: u64| -> u64 {
            ram.memory().read_obj(GuestAddress(RAM + at)).expect("an address in RAM")
        };
        let offsets = (0..END).chain(SUPERPAGE..SUPERPAGE + END).step_by(8);
        let pairs = offsets.map(|at| (at, read(&self.ram, at), read(&other.ram, at)));
        pairs.filter(|(_, a, b)| a != b).collect()
    }
}

fn load(ram: &GuestRam, program: &Program) {
    let write = |offset: u64, bytes: &[u8]| {
        ram.memory().write_slice(bytes, GuestAddress(RAM + offset)).expect("an address in RAM");
    };
    for (offset, code) in firmware::images(&program.control) {
        write(offset, &code);
    }
    write(CODE, &program.code());
    let altered = program.altered_code();
    for (n, at) in (0..).zip(COPIED) {
        write(COPIES + n * PAGE, &altered[at as usize..(at + PAGE) as usize]);
    }
    for (at, words) in program.plan.save_areas() {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        write(at - RAM, &bytes);
    }
    for (at, word) in &program.memory {
        write(at - RAM, &word.to_le_bytes());
    }
}

/// Digest of a region of memory.
fn digest(ram: &GuestRam, offset: u64, len: u64) -> u64 {
    let mut bytes = vec![0; len as usize];
    ram.memory().read_slice(&mut bytes, GuestAddress(RAM + offset)).expect("an address in RAM");
    let words = bytes.chunks_exact(8).map(|chunk| u64::from_le_bytes(std::array::from_fn(|i| chunk[i])));
    words.fold(0u64, |digest, word| (digest.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95))
}

/// State compared after every step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    x: [u64; 32],
    f: [u64; 32],
    named: [(&'static str, u64); 9],
    memory: [u64; 2],
}

impl State {
    /// Lines that tell the difference between what was expected and what was found.
    pub(crate) fn difference(&self, found: &Self) -> String {
        let mut text = String::new();
        let mut line = |name: String, a: u64, b: u64| {
            if a != b {
                let _ = writeln!(text, "  {name}: {a:#x}, but {b:#x}");
            }
        };
        for n in 0..32 {
            line(format!("x{n}"), self.x[n], found.x[n]);
            line(format!("f{n}"), self.f[n], found.f[n]);
        }
        for ((name, a), (_, b)) in self.named.iter().zip(&found.named) {
            line((*name).to_owned(), *a, *b);
        }
        line("memory digest".to_owned(), self.memory[0], found.memory[0]);
        line("superpage digest".to_owned(), self.memory[1], found.memory[1]);
        text
    }
}
