//! What generated code calls instead of returning to the engine's loop.

use std::panic::{AssertUnwindSafe, catch_unwind};

use riscope_core::addr::{GuestAddr, to_usize};
use riscope_core::counters::HartActivity;
use riscope_core::event::Tier;
use riscope_core::hart::{Hart, HartState, Polled};
use riscope_core::interp::{BlockEnd, Flow, finish};
use riscope_core::isa::OpClass;

use super::{JitEngine, QUANTUM};
use crate::abi::{Ask, Leave, Resume, WayOn, Word};
use crate::code::Lookup;
use crate::float_unit;

/// Bytes of an instruction on two pages.
const INSTRUCTION_BYTES: u64 = 4;

impl JitEngine {
    /// Polls in the middle of generated code, see [`crate::abi::Resume`].
    fn resume(&mut self, hart: &mut Hart) -> Leave {
        if hart.state().countdown <= 0 && !hart.renew_quantum(QUANTUM) {
            return Leave::Poll;
        }
        let before = (hart.pc(), hart.mode(), hart.state().status);
        if hart.poll_within_quantum() == Polled::Stop {
            return Leave::Poll;
        }
        let mut unchanged = before == (hart.pc(), hart.mode(), hart.state().status);
        // Code may have been dropped: announce it from outside generated code.
        if hart.fetch_fences() != self.fetch_fences || self.has_older_code() {
            return Leave::Poll;
        }
        unchanged &= self.jump_cache.enter(hart);
        self.set_probe(hart);
        float_unit::update(hart.state_mut());
        if unchanged { Leave::Unchanged } else { Leave::Resume }
    }

    /// Whether the jump cache may have code that was dropped.
    fn has_older_code(&self) -> bool {
        self.shared.cache.epoch() != self.filled_in
    }

    /// Starts another quantum, see [`Word::Renew`].
    fn renew(&mut self, hart: &mut Hart, link: u64) -> WayOn {
        if !hart.renew_quantum(QUANTUM) {
            return WayOn::leave(Leave::Quantum);
        }
        count_code(hart);
        match self.resume(hart) {
            left if left.goes_on() => self.go_on(hart, left, link),
            _ => WayOn::leave(Leave::Quantum),
        }
    }

    /// Executes an instruction on two pages, see [`Word::Across`].
    fn across(&mut self, hart: &mut Hart, link: u64) -> WayOn {
        float_unit::take_flags(hart.state_mut());
        let (flow, class) = self.interpreter.execute_across(hart);
        hart.counters().count_handler_call(class);
        float_unit::update(hart.state_mut());
        let left = match (flow, finish(hart, flow, INSTRUCTION_BYTES)) {
            (Flow::Jump, _) if hart.state().countdown > 0 => Leave::Unchanged,
            (_, end) => match Leave::from_end(end) {
                Leave::Poll => self.resume_elsewhere(hart),
                left => left,
            },
        };
        if left.goes_on() {
            return self.go_on(hart, left, link);
        }
        hart.counters().count_exit_instruction(class);
        WayOn::leave(left)
    }

    /// As [`JitEngine::resume`], behind an instruction that may have changed what that does not
    /// compare.
    fn resume_elsewhere(&mut self, hart: &mut Hart) -> Leave {
        match self.resume(hart) {
            Leave::Unchanged => Leave::Resume,
            left => left,
        }
    }

    /// Goes on at `pc`.
    fn go_on(&mut self, hart: &mut Hart, left: Leave, link: u64) -> WayOn {
        match self.jump_cache.get(hart.pc().0) {
            Some(code) => WayOn::code(code, left),
            None => self.find(hart, left, link),
        }
    }

    /// Goes on at `pc`, which the jump cache does not know, see [`Word::Find`].
    fn find(&mut self, hart: &mut Hart, left: Leave, link: u64) -> WayOn {
        match self.look_up(hart) {
            Some(code) => WayOn::code(code, left),
            None => self.interpret_until_code(hart, left, link),
        }
    }

    /// Code for `pc` that the jump cache does not know.
    fn look_up(&mut self, hart: &mut Hart) -> Option<*const u8> {
        let phys = self.interpreter.locate(hart)?;
        let known = self.jump_cache.get_physical(phys);
        let code = match known {
            Some(code) => code,
            None => match self.shared.cache.lookup(phys)? {
                Lookup::Ready { code, .. } => {
                    self.jump_cache.insert_physical(phys, code);
                    code
                }
                Lookup::Pending | Lookup::Rejected | Lookup::Absent => return None,
            },
        };
        self.jump_cache.insert(hart.pc().0, code);
        self.set_probe(hart);
        Some(code)
    }

    /// Goes on at `pc`, for which there is no code, see [`Word::Absent`]. So calls on the
    /// host's stack outlive what is not translated.
    fn interpret_until_code(&mut self, hart: &mut Hart, mut left: Leave, link: u64) -> WayOn {
        if self.templates.is_none() {
            return WayOn::leave(Leave::Lookup);
        }
        count_code(hart);
        let way = loop {
            float_unit::suspend(hart.state_mut());
            let end = self.interpret(hart, None);
            hart.control().set_activity(HartActivity::Runtime);
            match end {
                BlockEnd::Jump | BlockEnd::Hot { .. } => {}
                BlockEnd::Poll => {
                    hart.count_retired(Tier::Interpreter);
                    left = self.resume_elsewhere(hart);
                }
                BlockEnd::Exit(_) => {
                    hart.counters().count_exit_instruction(OpClass::System);
                    break WayOn::leave(Leave::from_end(end));
                }
            }
            if !left.goes_on() {
                break WayOn::leave(Leave::Interpreted);
            }
            // A translation may have taken the place of code.
            if self.has_older_code() {
                break WayOn::leave(Leave::Dropped);
            }
            if left == Leave::Unchanged && hart.pc().0 == link {
                let code = to_usize(hart.state().engine[Word::Return as usize]);
                break WayOn::code(std::ptr::with_exposed_provenance(code), left);
            }
            if let Some(code) = self.jump_cache.get(hart.pc().0) {
                break WayOn::code(code, left);
            }
        };
        hart.count_retired(Tier::Interpreter);
        self.set_probe(hart);
        float_unit::update(hart.state_mut());
        way
    }

    /// Tells generated code where the jump cache is.
    pub(super) fn set_probe(&mut self, hart: &mut Hart) {
        let probe = self.jump_cache.probe();
        let words = &mut hart.state_mut().engine;
        words[Word::JumpCache as usize] = probe.base;
        words[Word::JumpMask as usize] = probe.mask;
    }
}

/// Attributes what generated code has retired.
pub(super) fn count_code(hart: &mut Hart) {
    let words = &mut hart.state_mut().engine;
    let optimised = std::mem::take(&mut words[Word::Optimised as usize]);
    let stores_failed = std::mem::take(&mut words[Word::StoresFailed as usize]);
    hart.counters().count_sc_failures(stores_failed);
    hart.count_some_retired(Tier::Optimised, optimised);
    hart.count_retired(Tier::Baseline);
}

/// Sets the engine words of the functions in this file.
pub(super) fn set_words(state: &mut HartState) {
    state.engine[Word::Resume as usize] = (resume as Resume as *const ()).expose_provenance() as u64;
    let functions: [(Word, Ask); 4] =
        [(Word::Find, find), (Word::Absent, absent), (Word::Across, across), (Word::Renew, renew)];
    for (word, function) in functions {
        state.engine[word as usize] = (function as *const ()).expose_provenance() as u64;
    }
}

/// See [`crate::abi::Resume`].
///
/// # Safety
/// Called by generated code that [`JitEngine::execute`] entered, with the state of its hart.
unsafe extern "C" fn resume(cpu: *mut HartState) -> u64 {
    // SAFETY: by the caller's promise.
    let (engine, hart) = unsafe { parts(cpu) };
    hart.control().set_activity(HartActivity::Runtime);
    let left = caught(engine, |engine| engine.resume(hart)).unwrap_or(Leave::Poll);
    hart.control().set_activity(HartActivity::Code);
    left as u64
}

/// See [`Word::Find`].
///
/// # Safety
/// As for [`resume`].
unsafe extern "C" fn find(cpu: *mut HartState, pc: u64, link: u64) -> WayOn {
    // SAFETY: by the caller's promise.
    unsafe { ask(cpu, pc, HartActivity::Runtime, |engine, hart| engine.find(hart, Leave::Unchanged, link)) }
}

/// See [`Word::Absent`].
///
/// # Safety
/// As for [`resume`].
unsafe extern "C" fn absent(cpu: *mut HartState, pc: u64, link: u64) -> WayOn {
    let interpret = |engine: &mut JitEngine, hart: &mut Hart| engine.interpret_until_code(hart, Leave::Unchanged, link);
    // SAFETY: by the caller's promise.
    unsafe { ask(cpu, pc, HartActivity::Runtime, interpret) }
}

/// See [`Word::Across`].
///
/// # Safety
/// As for [`resume`].
unsafe extern "C" fn across(cpu: *mut HartState, pc: u64, link: u64) -> WayOn {
    // SAFETY: by the caller's promise.
    unsafe { ask(cpu, pc, HartActivity::Handler, |engine, hart| engine.across(hart, link)) }
}

/// See [`Word::Renew`].
///
/// # Safety
/// As for [`resume`].
unsafe extern "C" fn renew(cpu: *mut HartState, pc: u64, link: u64) -> WayOn {
    // SAFETY: by the caller's promise.
    unsafe { ask(cpu, pc, HartActivity::Runtime, |engine, hart| engine.renew(hart, link)) }
}

/// Has the engine do something at `pc` as an activity.
///
/// # Safety
/// As for [`resume`].
#[inline(always)]
unsafe fn ask(
    cpu: *mut HartState,
    pc: u64,
    activity: HartActivity,
    what: impl FnOnce(&mut JitEngine, &mut Hart) -> WayOn,
) -> WayOn {
    // SAFETY: by the caller's promise.
    let (engine, hart) = unsafe { parts(cpu) };
    hart.control().set_activity(activity);
    hart.set_pc(GuestAddr(pc));
    let way = caught(engine, |engine| what(engine, hart)).unwrap_or_else(|| WayOn::leave(Leave::Poll));
    hart.control().set_activity(HartActivity::Code);
    way
}

/// Does something; `None` if it panics. A panic cannot unwind generated code: `execute` lets it go
/// on behind that.
#[inline(always)]
fn caught<T>(engine: &mut JitEngine, what: impl FnOnce(&mut JitEngine) -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(|| what(engine))) {
        Ok(outcome) => Some(outcome),
        Err(panic) => {
            engine.panic = Some(panic);
            None
        }
    }
}

/// The engine and the hart that wait for the generated code which passes `cpu`.
///
/// # Safety
/// As for [`resume`]; nobody else uses either as long as the references live.
unsafe fn parts<'a>(cpu: *mut HartState) -> (&'a mut JitEngine, &'a mut Hart) {
    // SAFETY: `execute` got the address from `Hart::state_of` and does not touch hart or
    // engine before generated code, which does not run now, has returned.
    unsafe {
        let hart = &mut *Hart::of_state(cpu);
        let engine = to_usize(hart.state().engine[Word::Engine as usize]);
        (&mut *std::ptr::with_exposed_provenance_mut(engine), hart)
    }
}
