//! JIT engine of one hart: interprets cold code, enters translations and handles their
//! exits.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use riscope_core::addr::GuestPhys;
use riscope_core::counters::CodeExit;
use riscope_core::engine::{Engine, EngineContext, EngineFactory, EngineSetupError, Exit, run_quanta};
use riscope_core::event::{ExecutionEvent, InvalidationReason, Tier, monotonic_ns};
use riscope_core::fp::RoundingMode;
use riscope_core::hart::{Hart, HartState, status};
use riscope_core::interp::{BlockEnd, Interpreter};

use crate::abi::{Leave, Word};
use crate::code::{CodeCache, Dropped, Lookup, Online};
use crate::compile::Compiler;
use crate::jump_cache::JumpCache;
use crate::sys;
use crate::worker::{CompileService, Request, Worker, serve_here};

/// Instructions between two polls of interrupts and requests, about ten microseconds of
/// generated code.
const QUANTUM: u32 = 16384;

/// Arrivals at a block waiting for its translation between two lookups.
const LOOKUP_PERIOD: u16 = 16;

/// Upper bound on the hot threshold.
const MAX_THRESHOLD: u16 = 16_384;

/// Queue length that raises the hot threshold by its configured value, so that a compiler
/// under load receives only hotter blocks.
const QUEUE_STEP: u64 = 16;

/// Tiers that an engine may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tiers {
    /// Interpreter and baseline translations.
    Baseline,
    /// All tiers. The same as [`Tiers::Baseline`] while there is no optimising tier.
    #[default]
    All,
}

impl Tiers {
    /// Engine name, as `--engine` takes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::All => "tiered",
        }
    }
}

/// Settings of the JIT engine.
#[derive(Clone, Copy, Debug)]
pub struct JitConfig {
    /// Tiers that it may use.
    pub tiers: Tiers,
    /// Arrivals at a block before it is compiled, 1 to 65534.
    pub hot_threshold: u16,
    /// Size of a machine's code cache in bytes; at least 64 KiB.
    pub code_cache_bytes: usize,
    /// Whether harts compile hot blocks themselves and wait for the result. What is
    /// compiled, and when, then depends only on the guest, so that runs are reproducible.
    pub synchronous: bool,
}

impl Default for JitConfig {
    fn default() -> Self {
        Self { tiers: Tiers::All, hot_threshold: 32, code_cache_bytes: 64 << 20, synchronous: false }
    }
}

/// Factory of JIT engines.
#[derive(Clone, Copy, Debug, Default)]
pub struct JitFactory {
    /// Settings of the engines that it makes.
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

/// State shared by the engines of one machine.
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

/// JIT engine of one hart.
#[derive(Debug)]
struct JitEngine {
    shared: Arc<Shared>,
    /// Index of the hart.
    vcpu: u32,
    interpreter: Interpreter,
    jump_cache: JumpCache,
    /// Code-cache epoch in which the jump cache was filled.
    filled_in: u64,
    translation_epoch: u64,
    /// Value of the hart's `fence.i` count up to which the code cache has been validated.
    fetch_fences: u64,
    /// How many of these stood for code that was written without a `fence.i`.
    unfenced_changes: u64,
    /// Whether a `fence.i` has executed that the code cache has not been validated for. The
    /// jump cache is then empty, and no code is looked up.
    unfenced: bool,
    /// Block last seen waiting for its translation.
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
            unfenced_changes: 0,
            unfenced: false,
            waiting: None,
        }
    }

    /// Executes until a poll is due or the engine returns to its caller.
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

    /// Handles `fence.i`, changed address translations and dropped code since the last
    /// quantum.
    fn synchronise(&mut self, hart: &Hart, online: &Online<'_>) {
        if hart.fetch_fences() != self.fetch_fences {
            self.jump_cache.clear();
            let dropped = self.shared.cache.validate(self.fence_reason(hart));
            self.unfenced = dropped.is_none();
            if let Some(dropped) = dropped {
                self.fetch_fences = hart.fetch_fences();
                self.unfenced_changes = hart.unfenced_changes();
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

    /// Why the code cache has to be validated: for a `fence.i`, if there was one among the
    /// events treated as such.
    fn fence_reason(&self, hart: &Hart) -> InvalidationReason {
        let fences = hart.fetch_fences().wrapping_sub(self.fetch_fences);
        let changes = hart.unfenced_changes().wrapping_sub(self.unfenced_changes);
        if fences == changes { InvalidationReason::CodeChanged } else { InvalidationReason::FenceI }
    }

    /// Enters generated code and handles the reason of its exit.
    fn execute(&mut self, hart: &mut Hart, code: *const u8) -> BlockEnd {
        hart.count_retired(Tier::Interpreter);
        let pc = hart.pc().0;
        let jump_cache = self.jump_cache.base(hart.mode());
        let float_control = float_control(hart.state());
        let words = &mut hart.state_mut().engine;
        words[Word::JumpCache as usize] = jump_cache.expose_provenance() as u64;
        words[Word::FloatControl as usize] = float_control;
        let entry = self.shared.cache.thunks().entry;
        // Generated code addresses the state through this pointer; the slow path of its
        // accesses recovers the hart from it (`Hart::of_state`). Neither `hart` nor the
        // jump cache is used until the call returns.
        let cpu = Hart::state_of(std::ptr::from_mut(hart));
        // SAFETY: `code` translates the code at `pc` (jump caches are cleared whenever that
        // may have changed), the engine words are set, and no one else uses the hart until
        // the call returns.
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
                // The access consumes the answer that abandoned it; no later access may.
                let end = self.interpreter.step(hart);
                hart.forget_answer();
                end
            }
            // The block is longer than the rest of the quantum.
            Leave::Quantum => self.interpreter.run_block(hart, None),
        }
    }

    /// Interprets the block at `pc`; looks up or requests a translation if it is hot.
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
            // The lock is taken; the block stays hot.
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

    /// Hot threshold under the compiler's present load.
    fn threshold(&self) -> u16 {
        let JitConfig { hot_threshold, .. } = self.shared.config;
        let waiting = self.shared.context.counters.queue_depth.load(Ordering::Relaxed);
        let factor = u16::try_from(1 + waiting / QUEUE_STEP).unwrap_or(u16::MAX);
        hot_threshold.saturating_mul(factor).min(MAX_THRESHOLD)
    }

    /// Requests a translation of the block at `pc` and publishes it as a hotspot. Does
    /// nothing if the code cache is locked or the queue is full; the block stays hot.
    fn ask(&mut self, hart: &mut Hart, phys: GuestPhys, heat: u16, online: &Online<'_>) {
        let shared = Arc::clone(&self.shared);
        match &shared.worker {
            Worker::Thread(thread) => {
                let Some(place) = thread.reserve() else { return };
                let Some(request) = self.claim(hart, phys) else { return };
                // Published before the request is sent, as the compiler may finish before
                // `ask` returns.
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

    /// Claims the code at `phys`, the physical address of `pc`, for compilation.
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

/// Host floating-point control register for the guest's code. 0 if floating point must be
/// interpreted: `FS` is off or must become dirty, or the host lacks the rounding mode.
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

    /// Time after which a wait fails its test.
    const PATIENCE: Duration = Duration::from_secs(60);

    /// `addi a0, a0, 1; j .-4`
    const LOOP: [u32; 2] = [0x0015_0513, 0xffdf_f06f];

    /// `addi a0, a0, 1; fence.i; j .-8`
    const FENCES: [u32; 3] = [0x0015_0513, 0x0000_100f, 0xff9f_f06f];

    /// A hart on its own thread, with the state that its engine shares with the compiler
    /// thread.
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

        /// Executes `limit` instructions; returns the instructions retired so far, by tier.
        fn run(&self, limit: u64) -> [u64; Tier::ALL.len()] {
            self.limits.send(limit).expect("the hart is there");
            self.retired.recv_timeout(PATIENCE).expect("the hart waits for the code cache")
        }

        /// Executes until generated code has retired instructions.
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
        // Code valid before the first fence may run up to that fence.
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
