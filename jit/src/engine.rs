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
use crate::worker::{CompileService, Request, Worker};

/// Instructions between two looks at interrupts and requests of other threads:
/// about ten microseconds of generated code.
const QUANTUM: u32 = 16384;

/// A hot block that waits for its compilation is looked up at every so many
/// arrivals: the lookup takes a lock.
const LOOKUP_PERIOD: u16 = 16;

/// Arrivals at which a block is hot however busy the compiler is.
const MAX_THRESHOLD: u16 = 16_384;

/// Waiting compilations that raise the threshold by its initial value: when the
/// compiler falls behind, only what is hotter is worth adding.
const QUEUE_STEP: u64 = 16;

/// What can be set about the engine.
#[derive(Clone, Copy, Debug)]
pub struct JitConfig {
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
        Self { hot_threshold: 32, code_cache_bytes: 64 << 20, synchronous: false }
    }
}

/// Makes translating engines.
#[derive(Clone, Copy, Debug, Default)]
pub struct JitFactory {
    /// Settings of the engines to make.
    pub config: JitConfig,
}

const NAME: &str = "tiered";

impl EngineFactory for JitFactory {
    fn name(&self) -> &'static str {
        NAME
    }

    fn engines(&self, context: &EngineContext, harts: usize) -> Result<Vec<Box<dyn Engine>>, EngineSetupError> {
        let shared = Shared::new(context, self.config);
        let shared = shared.map_err(|error| EngineSetupError { engine: NAME, reason: error.to_string() })?;
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
        let worker = if config.synchronous { Worker::none(service) } else { Worker::start(service)? };
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
    fetch_fences: u64,
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
            self.fetch_fences = hart.fetch_fences();
            self.report(self.shared.cache.validate());
            self.jump_cache.clear();
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
        let end = self.interpreter.run_block(hart, Some(self.shared.config.hot_threshold));
        let BlockEnd::Hot { phys, heat } = end else { return end };
        if self.waiting == Some(phys) && !heat.is_multiple_of(LOOKUP_PERIOD) {
            return self.interpreter.run_block(hart, None);
        }
        match self.shared.cache.lookup(phys) {
            Lookup::Ready(code) => {
                self.jump_cache.insert(hart.pc().0, hart.mode(), code);
                return BlockEnd::Jump;
            }
            Lookup::Pending => self.waiting = Some(phys),
            Lookup::Absent if heat < self.threshold() => {}
            Lookup::Rejected => self.interpreter.never_hot(hart),
            Lookup::Absent => self.ask(hart, phys, heat, online),
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

    /// Asks for the compilation of the block at `pc`: it is a hotspot.
    fn ask(&mut self, hart: &mut Hart, phys: GuestPhys, heat: u16, online: &Online<'_>) {
        let shared = Arc::clone(&self.shared);
        self.report(shared.cache.refresh(phys));
        let Some(claim) = shared.cache.claim(phys) else { return };
        let executed = self.interpreter.executed(hart);
        let request = Request { claim, pc: hart.pc().0, asked_ns: monotonic_ns(), executed };
        let hotspot = ExecutionEvent::HotspotDetected {
            vcpu: self.vcpu,
            pc: request.pc,
            phys: phys.0,
            execution_count: u64::from(heat),
            from: Tier::Interpreter,
            to: Tier::Baseline,
        };
        if shared.config.synchronous {
            self.publish(hotspot);
            online.while_absent(|| shared.worker.serve(request));
            online.quiesce(&mut self.jump_cache, &mut self.filled_in);
            return;
        }
        // Said before it is asked for, because the compiler may be done before `ask`
        // returns; but not if nothing can come of it.
        let room = shared.worker.has_room();
        if room {
            self.publish(hotspot);
        }
        if !(room && shared.worker.ask(request)) {
            shared.cache.unclaim(claim);
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
