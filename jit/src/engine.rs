//! The engine of one hart: interprets what is cold, enters what is compiled.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use riscope_core::addr::GuestPhys;
use riscope_core::counters::CodeExit;
use riscope_core::engine::{Engine, EngineContext, EngineFactory, EngineSetupError, Exit, run_quanta};
use riscope_core::event::{ExecutionEvent, Tier, monotonic_ns};
use riscope_core::fp::RoundingMode;
use riscope_core::hart::{Hart, HartState, status};
use riscope_core::interp::{BlockEnd, Interpreter};

use crate::abi::{Leave, Word};
use crate::code::{CodeCache, Dropped, Lookup, Online};
use crate::compile::Compiler;
use crate::jump_cache::JumpCache;
use crate::sys;
use crate::worker::{CompileService, Request, Worker, serve_here};

/// Instructions between two looks at interrupts and requests of other threads:
/// about ten microseconds of generated code.
const QUANTUM: u32 = 16384;

/// A hot block that waits for its compilation is looked up at every so many
/// arrivals.
const LOOKUP_PERIOD: u16 = 16;

/// Arrivals at which a block is hot however busy the compiler is.
const MAX_THRESHOLD: u16 = 16_384;

/// Waiting compilations that raise the threshold by its initial value: when the
/// compiler falls behind, only what is hotter is worth adding.
const QUEUE_STEP: u64 = 16;

/// Which tiers an engine may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tiers {
    /// The interpreter and one translation of what is hot.
    Baseline,
    /// All that there are. There is no optimising tier yet, so they are those of
    /// [`Tiers::Baseline`].
    #[default]
    All,
}

impl Tiers {
    /// Name of an engine with these tiers, as `--engine` takes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::All => "tiered",
        }
    }
}

/// What can be set about the engine.
#[derive(Clone, Copy, Debug)]
pub struct JitConfig {
    /// Which tiers it may use.
    pub tiers: Tiers,
    /// Arrivals at a block before it is compiled, 1 to 65534.
    pub hot_threshold: u16,
    /// Bytes of generated code that a machine may keep; at least 64 KiB.
    pub code_cache_bytes: usize,
    /// Whether a hart compiles a hot block itself, at once, and waits for it. What
    /// is compiled when then depends on the guest alone, so runs are reproducible.
    pub synchronous: bool,
}

impl Default for JitConfig {
    fn default() -> Self {
        Self { tiers: Tiers::All, hot_threshold: 32, code_cache_bytes: 64 << 20, synchronous: false }
    }
}

/// Makes translating engines.
#[derive(Clone, Copy, Debug, Default)]
pub struct JitFactory {
    /// Settings of the engines to make.
    pub config: JitConfig,
}

impl EngineFactory for JitFactory {
    fn name(&self) -> &'static str {
        self.config.tiers.name()
    }

    fn engines(&self, context: &EngineContext, harts: usize) -> Result<Vec<Box<dyn Engine>>, EngineSetupError> {
        let shared = Shared::new(context, self.config);
        let shared = shared.map_err(|error| EngineSetupError { engine: self.name(), reason: error.to_string() })?;
        let shared = Arc::new(shared);
        Ok((0..)
            .take(harts)
            .map(|vcpu| Box::new(JitEngine::new(Arc::clone(&shared), vcpu)) as Box<dyn Engine>)
            .collect())
    }
}

/// What the engines of one machine share.
#[derive(Debug)]
struct Shared {
    config: JitConfig,
    context: EngineContext,
    cache: Arc<CodeCache>,
    worker: Worker,
}

impl Shared {
    fn new(context: &EngineContext, config: JitConfig) -> std::io::Result<Self> {
        let size = config.code_cache_bytes.max(64 << 10);
        let cache = CodeCache::new(Arc::clone(&context.ram), Arc::clone(&context.counters), size)?;
        let cache = Arc::new(cache);
        let service = CompileService::new(context, &cache, Compiler::new()?);
        let worker = if config.synchronous { Worker::hart(service) } else { Worker::thread(service)? };
        Ok(Self { config, context: context.clone(), cache, worker })
    }
}

/// The engine of one hart.
#[derive(Debug)]
struct JitEngine {
    shared: Arc<Shared>,
    /// Index of the hart.
    vcpu: u32,
    interpreter: Interpreter,
    jump_cache: JumpCache,
    /// Epoch of the code cache in which the jump cache was filled.
    filled_in: u64,
    translation_epoch: u64,
    /// The hart's fences up to which the code cache has been validated.
    fetch_fences: u64,
    /// Whether it has not been validated since the hart's last fence: then the jump cache
    /// is empty, and nothing is looked up.
    unfenced: bool,
    /// The block that was last found waiting for its compilation.
    waiting: Option<GuestPhys>,
}

impl Engine for JitEngine {
    fn run(&mut self, hart: &mut Hart, limit: u64) -> Exit {
        let shared = Arc::clone(&self.shared);
        let online = Online::new(&shared.cache, self.vcpu as usize);
        run_quanta(hart, limit, QUANTUM, |hart| self.run_quantum(hart, &online))
    }
}

impl JitEngine {
    fn new(shared: Arc<Shared>, vcpu: u32) -> Self {
        Self {
            shared,
            vcpu,
            interpreter: Interpreter::default(),
            jump_cache: JumpCache::default(),
            filled_in: 0,
            translation_epoch: 0,
            fetch_fences: 0,
            unfenced: false,
            waiting: None,
        }
    }

    /// Runs until a poll is due or the hart leaves guest execution.
    fn run_quantum(&mut self, hart: &mut Hart, online: &Online<'_>) -> Option<Exit> {
        self.synchronise(hart, online);
        hart.state_mut().engine[Word::Refill as usize] = self.shared.cache.thunks().refill.expose_provenance() as u64;
        loop {
            let end = match self.jump_cache.get(hart.pc().0, hart.mode()) {
                Some(code) => self.execute(hart, code),
                None => self.interpret(hart, online),
            };
            match end {
                BlockEnd::Jump | BlockEnd::Hot { .. } => {}
                BlockEnd::Poll => return None,
                BlockEnd::Exit(exit) => return Some(exit),
            }
        }
    }

    /// Acts on what happened since the last quantum: fences, changed translations,
    /// dropped code.
    fn synchronise(&mut self, hart: &Hart, online: &Online<'_>) {
        if hart.fetch_fences() != self.fetch_fences {
            self.jump_cache.clear();
            let dropped = self.shared.cache.validate();
            self.unfenced = dropped.is_none();
            if let Some(dropped) = dropped {
                self.fetch_fences = hart.fetch_fences();
                self.report(dropped);
            }
        }
        if hart.translation_epoch() != self.translation_epoch {
            match hart.flushed_pages_since(self.translation_epoch) {
                Some(pages) => pages.for_each(|page| self.jump_cache.forget_page(page)),
                None => self.jump_cache.clear(),
            }
            self.translation_epoch = hart.translation_epoch();
        }
        online.quiesce(&mut self.jump_cache, &mut self.filled_in);
    }

    /// Enters generated code and deals with the reason that it was left for.
    fn execute(&mut self, hart: &mut Hart, code: *const u8) -> BlockEnd {
        hart.count_retired(Tier::Interpreter);
        let pc = hart.pc().0;
        let jump_cache = self.jump_cache.base(hart.mode());
        let float_control = float_control(hart.state());
        let words = &mut hart.state_mut().engine;
        words[Word::JumpCache as usize] = jump_cache.expose_provenance() as u64;
        words[Word::FloatControl as usize] = float_control;
        let entry = self.shared.cache.thunks().entry;
        // One pointer, from which generated code has the state and the slow path of its
        // accesses the hart (`Hart::of_state`). Neither `hart` nor the jump cache is used
        // before the call has returned.
        let cpu = Hart::state_of(std::ptr::from_mut(hart));
        // SAFETY: `code` is a translation of what is at `pc` (jump caches are cleared
        // whenever that may have changed), the engine words are set, and the hart is
        // not used by anybody else until the call returns.
        let left = Leave::from_code(unsafe { sys::enter(cpu, code, pc, entry) });
        let state = hart.state_mut();
        state.fflags |= u64::from(sys::float::flags(state.engine[Word::FloatControl as usize]).bits());
        hart.count_retired(Tier::Baseline);
        hart.counters().count_code_exit(match left {
            Leave::Quantum => CodeExit::Quantum,
            Leave::Lookup => CodeExit::Lookup,
            Leave::Interpret => CodeExit::Fallback,
            Leave::Abandoned => CodeExit::Access,
        });
        match left {
            Leave::Lookup => BlockEnd::Jump,
            Leave::Interpret => self.interpreter.step(hart),
            Leave::Abandoned => {
                // Its access finds the answer that abandoned it, and nothing later does.
                let end = self.interpreter.step(hart);
                hart.forget_answer();
                end
            }
            // The block is longer than what is left of the quantum.
            Leave::Quantum => self.interpreter.run_block(hart, None),
        }
    }

    /// Interprets the block at `pc`, or finds the code of a hot one.
    fn interpret(&mut self, hart: &mut Hart, online: &Online<'_>) -> BlockEnd {
        if self.unfenced {
            return self.interpreter.run_block(hart, None);
        }
        let end = self.interpreter.run_block(hart, Some(self.shared.config.hot_threshold));
        let BlockEnd::Hot { phys, heat } = end else { return end };
        if self.waiting == Some(phys) && !heat.is_multiple_of(LOOKUP_PERIOD) {
            return self.interpreter.run_block(hart, None);
        }
        match self.shared.cache.lookup(phys) {
            // Somebody else looks: it stays hot.
            None => {}
            Some(Lookup::Ready(code)) => {
                self.jump_cache.insert(hart.pc().0, hart.mode(), code);
                return BlockEnd::Jump;
            }
            Some(Lookup::Pending) => self.waiting = Some(phys),
            Some(Lookup::Absent) if heat < self.threshold() => {}
            Some(Lookup::Rejected) => self.interpreter.never_hot(hart),
            Some(Lookup::Absent) => self.ask(hart, phys, heat, online),
        }
        self.interpreter.run_block(hart, None)
    }

    /// Arrivals that make a block hot as long as the compiler is this busy.
    fn threshold(&self) -> u16 {
        let JitConfig { hot_threshold, .. } = self.shared.config;
        let waiting = self.shared.context.counters.queue_depth.load(Ordering::Relaxed);
        let factor = u16::try_from(1 + waiting / QUEUE_STEP).unwrap_or(u16::MAX);
        hot_threshold.saturating_mul(factor).min(MAX_THRESHOLD)
    }

    /// Asks for the compilation of the block at `pc`: it is a hotspot. Nothing happens if
    /// the code cache is in use or the queue full; the block stays hot.
    fn ask(&mut self, hart: &mut Hart, phys: GuestPhys, heat: u16, online: &Online<'_>) {
        let shared = Arc::clone(&self.shared);
        match &shared.worker {
            Worker::Thread(thread) => {
                let Some(place) = thread.reserve() else { return };
                let Some(request) = self.claim(hart, phys) else { return };
                // Said before it is asked for, because the compiler may be done before `ask`
                // returns.
                self.publish(self.hotspot(&request, heat));
                place.ask(request);
            }
            Worker::Hart(service) => {
                let Some(request) = self.claim(hart, phys) else { return };
                self.publish(self.hotspot(&request, heat));
                online.while_absent(|| serve_here(service, request));
                online.quiesce(&mut self.jump_cache, &mut self.filled_in);
            }
        }
    }

    /// Claims the code at `phys`, where `pc` is, for compilation.
    fn claim(&mut self, hart: &mut Hart, phys: GuestPhys) -> Option<Request> {
        let (dropped, claim) = self.shared.cache.claim(phys)?;
        self.report(dropped);
        let executed = self.interpreter.executed(hart);
        Some(Request { claim: claim?, pc: hart.pc().0, asked_ns: monotonic_ns(), executed })
    }

    fn hotspot(&self, request: &Request, heat: u16) -> ExecutionEvent {
        ExecutionEvent::HotspotDetected {
            vcpu: self.vcpu,
            pc: request.pc,
            phys: request.claim.phys.0,
            execution_count: u64::from(heat),
            from: Tier::Interpreter,
            to: Tier::Baseline,
        }
    }

    fn report(&self, dropped: Dropped) {
        if let Some(event) = dropped.event() {
            self.publish(event);
        }
    }

    fn publish(&self, event: ExecutionEvent) {
        self.shared.context.events.publish(event);
    }
}

/// The host's floating-point control register for the guest's code, or 0 if that must leave
/// floating point to the interpreter: because it is off, because its state is to be marked
/// dirty, or because of the rounding mode.
fn float_control(state: &HartState) -> u64 {
    if state.status & status::FS != status::FS {
        return 0;
    }
    u8::try_from(state.frm).ok().and_then(RoundingMode::from_bits).map_or(0, sys::float::control)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::{Duration, Instant};

    use riscope_core::addr::GuestAddr;
    use riscope_core::clock::Clock;
    use riscope_core::hart::{HartConfig, PrivilegeMode};
    use riscope_core::mem::GuestRam;
    use vm_memory::{Bytes, GuestAddress};

    use super::*;

    const RAM: u64 = 0x8000_0000;

    /// Only a failing test waits this long.
    const PATIENCE: Duration = Duration::from_secs(60);

    /// `addi a0, a0, 1; j .-4`
    const LOOP: [u32; 2] = [0x0015_0513, 0xffdf_f06f];

    /// `addi a0, a0, 1; fence.i; j .-8`
    const FENCES: [u32; 3] = [0x0015_0513, 0x0000_100f, 0xff9f_f06f];

    /// A hart on a thread of its own, as it always is, with what its engine shares with the
    /// compiler thread.
    struct Running {
        shared: Arc<Shared>,
        limits: mpsc::Sender<u64>,
        /// Instructions retired so far, by tier.
        retired: mpsc::Receiver<[u64; Tier::ALL.len()]>,
    }

    impl Running {
        fn new(program: &[u32]) -> Self {
            let ram = Arc::new(GuestRam::new(GuestPhys(RAM), 1 << 16).expect("memory"));
            for (n, &word) in (0..).zip(program) {
                ram.memory().write_obj(word, GuestAddress(RAM + 4 * n)).expect("it is in RAM");
            }
            let mut hart = Hart::new(HartConfig::alone(Arc::clone(&ram), Clock::manual()));
            hart.reset(GuestAddr(RAM), PrivilegeMode::Machine, 0, 0);
            let context = EngineContext::alone(ram);
            let shared = Arc::new(Shared::new(&context, JitConfig::default()).expect("an engine"));
            let mut engine = JitEngine::new(Arc::clone(&shared), 0);
            let (limits, wanted) = mpsc::channel();
            let (report, retired) = mpsc::channel();
            let thread = std::thread::Builder::new().name("hart".into());
            let work = move || {
                for limit in wanted {
                    engine.run(&mut hart, limit);
                    let _ = report.send(hart.counters().instructions());
                }
            };
            thread.spawn(work).expect("a thread");
            Self { shared, limits, retired }
        }

        /// Lets the hart execute a number of instructions, and returns those that it has
        /// executed so far, by tier.
        fn run(&self, limit: u64) -> [u64; Tier::ALL.len()] {
            self.limits.send(limit).expect("the hart is there");
            self.retired.recv_timeout(PATIENCE).expect("the hart waits for the code cache")
        }

        /// Lets the hart execute until some of it was generated code.
        fn run_until_translated(&self) -> [u64; Tier::ALL.len()] {
            let [_, before, ..] = self.run(1);
            let started = Instant::now();
            loop {
                let retired = self.run(100_000);
                if retired[Tier::Baseline.index()] > before {
                    return retired;
                }
                assert!(started.elapsed() < PATIENCE, "nothing is translated: {retired:?}");
            }
        }
    }

    #[test]
    fn a_hart_goes_on_while_the_compiler_has_the_code_cache() {
        let hart = Running::new(&LOOP);
        let held = hart.shared.cache.hold();
        let [interpreted, translated, ..] = hart.run(1_000_000);
        assert_eq!((interpreted, translated), (1_000_000, 0));
        drop(held);
        hart.run_until_translated();
    }

    #[test]
    fn a_fence_is_passed_by_interpreting_while_the_compiler_has_the_code_cache() {
        let hart = Running::new(&FENCES);
        let [interpreted, translated, ..] = hart.run_until_translated();
        let held = hart.shared.cache.hold();
        let [interpreted_then, translated_then, ..] = hart.run(100_000);
        // Up to the first fence, code that was valid may run.
        assert!(translated_then <= translated + u64::from(QUANTUM), "{translated_then} after {translated}");
        assert_eq!(interpreted_then + translated_then, interpreted + translated + 100_000);
        assert!(interpreted_then >= interpreted + 100_000 - u64::from(QUANTUM));
        drop(held);
        hart.run_until_translated();
    }

    #[test]
    fn an_engine_is_called_what_it_was_asked_for() {
        for (tiers, name) in [(Tiers::Baseline, "baseline"), (Tiers::All, "tiered")] {
            let factory = JitFactory { config: JitConfig { tiers, ..JitConfig::default() } };
            assert_eq!(factory.name(), name);
        }
        assert_eq!(JitFactory::default().name(), "tiered", "the default of `--engine`");
    }
}
