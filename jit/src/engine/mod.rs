//! JIT engine of one hart: interprets cold code, enters translations and handles their
//! exits.
//!
//! | file | holds |
//! |---|---|
//! | `hot.rs` | what becomes of hot blocks |
//! | `inline.rs` | what generated code calls instead of leaving |

mod hot;
mod inline;

use std::any::Any;
use std::panic::resume_unwind;
use std::sync::Arc;

use riscope_core::addr::GuestPhys;
use riscope_core::counters::{CodeExit, HartActivity};
use riscope_core::engine::{Engine, EngineContext, EngineFactory, EngineSetupError, Exit, run_quanta};
use riscope_core::event::{InvalidationReason, Tier};
use riscope_core::hart::Hart;
use riscope_core::interp::{BlockEnd, Interpreter};

use crate::abi::{self, Leave, Word};
use crate::baseline;
use crate::code::{CodeCache, Lookup, Online};
use crate::float_unit;
use crate::jump_cache::JumpCache;
use crate::optimised::{CompileService, Compiler, Worker};
use crate::perf::PerfLog;
use crate::sys;

/// Instructions between two polls of interrupts and requests, about ten microseconds of
/// generated code.
const QUANTUM: u32 = 16384;

/// Arrivals at a block waiting for its translation between two lookups.
const LOOKUP_PERIOD: u16 = 16;

/// Pages compared at fences for which it pays to fill the TLB with translations of stores
/// again: a page is compared at every fence for as long as a hart has one for it.
const MANY_COMPARISONS: usize = 256;

/// Tiers that an engine may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tiers {
    /// Interpreter and translation by templates. On a host without templates the same as
    /// [`Tiers::Optimised`].
    Baseline,
    /// Interpreter and optimising compiler.
    Optimised,
    /// All tiers.
    #[default]
    All,
}

impl Tiers {
    /// Engine name, as `--engine` takes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Optimised => "optimised",
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
        Self { tiers: Tiers::All, hot_threshold: 16, code_cache_bytes: 96 << 20, synchronous: false }
    }
}

/// Factory of JIT engines.
#[derive(Clone, Debug, Default)]
pub struct JitFactory {
    config: JitConfig,
    perf: Option<Arc<PerfLog>>,
}

impl JitFactory {
    /// A factory of engines with these settings.
    pub fn new(config: JitConfig) -> Self {
        Self { config, perf: None }
    }

    /// Has its engines log the code that they generate.
    #[must_use]
    pub fn log_to(self, perf: Arc<PerfLog>) -> Self {
        Self { perf: Some(perf), ..self }
    }
}

impl EngineFactory for JitFactory {
    fn name(&self) -> &'static str {
        self.config.tiers.name()
    }

    fn engines(&self, context: &EngineContext, harts: usize) -> Result<Vec<Box<dyn Engine>>, EngineSetupError> {
        let shared = Shared::new(context, self.config, self.perf.clone());
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
    fn new(context: &EngineContext, config: JitConfig, perf: Option<Arc<PerfLog>>) -> std::io::Result<Self> {
        let size = config.code_cache_bytes.max(64 << 10);
        let cache = CodeCache::new(Arc::clone(&context.ram), Arc::clone(&context.counters), size, perf)?;
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
    /// Tier 1, unless the configuration or the host goes without.
    templates: Option<Box<baseline::Translator>>,
    jump_cache: JumpCache,
    /// Code-cache epoch in which the jump cache was filled.
    filled_in: u64,
    /// Value of the hart's `fence.i` count up to which the code cache has been validated.
    fetch_fences: u64,
    /// How many of these stood for code that was written without a `fence.i`.
    unfenced_changes: u64,
    /// Whether a `fence.i` has executed that the code cache has not been validated for. The
    /// jump cache is then empty, and no code is looked up.
    unfenced: bool,
    /// Pages compared at fences since the hart last dropped its translations of stores.
    compared: usize,
    /// Whether the current quantum is a whole one.
    may_end_early: bool,
    /// Block last seen waiting for its translation.
    waiting: Option<GuestPhys>,
    /// A panic of what generated code called, which goes on behind that code.
    panic: Option<Box<dyn Any + Send>>,
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
        let templates = baseline::AVAILABLE && shared.config.tiers != Tiers::Optimised;
        Self {
            shared,
            vcpu,
            interpreter: Interpreter::default(),
            templates: templates.then(Box::default),
            jump_cache: JumpCache::default(),
            filled_in: 0,
            fetch_fences: 0,
            unfenced_changes: 0,
            unfenced: false,
            compared: 0,
            may_end_early: false,
            waiting: None,
            panic: None,
        }
    }

    /// Executes until a poll is due or the engine returns to its caller.
    fn run_quantum(&mut self, hart: &mut Hart, online: &Online<'_>) -> Option<Exit> {
        self.synchronise(hart, online);
        self.may_end_early = hart.state().countdown >= i64::from(QUANTUM);
        let state = hart.state_mut();
        state.engine[Word::Refill as usize] = self.shared.cache.thunks().refill.expose_provenance() as u64;
        state.engine[Word::Leave as usize] = self.shared.cache.thunks().leave.expose_provenance() as u64;
        baseline::set_words(state);
        inline::set_words(state);
        loop {
            let end = match self.jump_cache.get(hart.pc().0) {
                Some(code) => self.execute(hart, code, online),
                None => self.interpret(hart, Some(online)),
            };
            match end {
                BlockEnd::Jump | BlockEnd::Hot { .. } => {}
                BlockEnd::Poll => return None,
                BlockEnd::Exit(exit) => return Some(exit),
            }
        }
    }

    /// Handles `fence.i`, changed address spaces and translations, and dropped code since the last
    /// quantum.
    fn synchronise(&mut self, hart: &mut Hart, online: &Online<'_>) {
        if hart.fetch_fences() != self.fetch_fences {
            // What is dropped moves the epoch, at which the jump cache is cleared below.
            if self.compared > MANY_COMPARISONS {
                self.compared = 0;
                hart.drop_writable();
            }
            let validated = self.shared.cache.validate(self.fence_reason(hart));
            self.unfenced = validated.is_none();
            match validated {
                Some((dropped, compared)) => {
                    self.compared += compared;
                    self.fetch_fences = hart.fetch_fences();
                    self.unfenced_changes = hart.unfenced_changes();
                    self.report(dropped);
                }
                None => self.jump_cache.clear_code(),
            }
        }
        self.jump_cache.enter(hart);
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
    fn execute(&mut self, hart: &mut Hart, code: *const u8, online: &Online<'_>) -> BlockEnd {
        hart.count_retired(Tier::Interpreter);
        hart.control().set_activity(HartActivity::Code);
        let pc = hart.pc().0;
        let float_control = float_unit::control(hart.state());
        self.set_probe(hart);
        let words = &mut hart.state_mut().engine;
        words[Word::FloatControl as usize] = float_control;
        let entry = self.shared.cache.thunks().entry;
        // Generated code addresses the state through this pointer; the slow path of its
        // accesses recovers the hart from it (`Hart::of_state`). Neither `hart` nor the
        // jump cache is used until the call returns.
        let cpu = Hart::state_of(std::ptr::from_mut(hart));
        // The same holds for the engine, which `resume` and `find` get by this word.
        let engine = std::ptr::from_mut(self).expose_provenance() as u64;
        // SAFETY: the hart is borrowed mutably.
        unsafe { (*cpu).engine[Word::Engine as usize] = engine };
        // SAFETY: `code` translates the code at `pc` (jump caches are cleared whenever that
        // may have changed), the engine words are set, and no one else uses the hart until
        // the call returns.
        let left = Leave::from_code(unsafe { sys::enter(abi::anchor(cpu), code, pc, entry) });
        if let Some(panic) = self.panic.take() {
            resume_unwind(panic);
        }
        hart.control().set_activity(HartActivity::Runtime);
        let state = hart.state_mut();
        state.fflags |= u64::from(sys::float::flags(state.engine[Word::FloatControl as usize]).bits());
        inline::count_code(hart);
        hart.counters().count_code_exit(match left {
            Leave::Quantum => CodeExit::Quantum,
            Leave::Lookup | Leave::Interpreted | Leave::Dropped => CodeExit::Lookup,
            Leave::Interpret => CodeExit::Fallback,
            Leave::Abandoned => CodeExit::Access,
            Leave::Poll | Leave::Wfi | Leave::SbiCall | Leave::Hot | Leave::Resume | Leave::Unchanged => {
                CodeExit::System
            }
        });
        self.handle(hart, left, online)
    }

    /// Does what generated code was left for.
    fn handle(&mut self, hart: &mut Hart, left: Leave, online: &Online<'_>) -> BlockEnd {
        if matches!(left, Leave::Interpret | Leave::Abandoned) {
            hart.control().set_activity(HartActivity::Interpreter);
            let class = self.interpreter.class_of_next(hart);
            hart.counters().count_exit_instruction(class);
        }
        match left {
            Leave::Lookup => BlockEnd::Jump,
            Leave::Interpret => self.interpreter.step(hart),
            Leave::Abandoned => {
                // The access consumes the answer that abandoned it; no later access may.
                let end = self.interpreter.step(hart);
                hart.forget_answer();
                end
            }
            // A little early, unless there is a limit to keep to the instruction.
            Leave::Quantum if self.may_end_early => BlockEnd::Poll,
            Leave::Quantum => loop {
                hart.control().set_activity(HartActivity::Interpreter);
                match self.interpreter.run_block(hart, None) {
                    BlockEnd::Jump | BlockEnd::Hot { .. } => {}
                    end => break end,
                }
            },
            Leave::Poll | Leave::Resume | Leave::Unchanged | Leave::Interpreted => BlockEnd::Poll,
            // Without a poll: where harts poll must not depend on what is in the code cache.
            Leave::Dropped => {
                self.synchronise(hart, online);
                BlockEnd::Jump
            }
            Leave::Wfi => BlockEnd::Exit(Exit::Wfi),
            Leave::SbiCall => BlockEnd::Exit(Exit::SbiCall),
            Leave::Hot => {
                let head = GuestPhys(hart.state().engine[Word::Promoted as usize]);
                hart.control().set_activity(HartActivity::Translator);
                self.promote(hart, head, online);
                BlockEnd::Jump
            }
        }
    }

    /// Interprets the block at `pc`; looks up or makes a translation if it is hot, or requests it
    /// from the compiler if the hart is `online`.
    fn interpret(&mut self, hart: &mut Hart, online: Option<&Online<'_>>) -> BlockEnd {
        hart.control().set_activity(HartActivity::Interpreter);
        if self.unfenced {
            return self.interpreter.run_block(hart, None);
        }
        let end = self.interpreter.run_block(hart, Some(self.shared.config.hot_threshold));
        let BlockEnd::Hot { phys, heat } = end else { return end };
        if self.waiting == Some(phys) && heat != u16::MAX && !heat.is_multiple_of(LOOKUP_PERIOD) {
            return self.interpreter.run_block(hart, None);
        }
        match self.shared.cache.lookup(phys) {
            // The lock is taken; the block stays hot.
            None => {}
            Some(Lookup::Ready { code, .. }) => {
                self.jump_cache.insert(hart.pc().0, code);
                return BlockEnd::Jump;
            }
            Some(Lookup::Pending) => self.waiting = Some(phys),
            Some(Lookup::Absent) if self.templates.is_some() => {
                hart.control().set_activity(HartActivity::Translator);
                if let Some(code) = self.translate(hart, phys, heat) {
                    self.jump_cache.insert(hart.pc().0, code);
                    return BlockEnd::Jump;
                }
            }
            Some(Lookup::Absent) if heat < self.threshold() => {}
            Some(Lookup::Rejected) => self.interpreter.never_hot(hart),
            Some(Lookup::Absent) => {
                // A synchronous engine compiles here.
                if let Some(online) = online {
                    hart.control().set_activity(HartActivity::Translator);
                    self.ask(hart, phys, heat, online);
                }
            }
        }
        hart.control().set_activity(HartActivity::Interpreter);
        self.interpreter.run_block(hart, None)
    }
}

#[cfg(test)]
mod tests;
