//! What generated code calls instead of returning to the dispatcher.

use riscope_core::addr::{GuestAddr, to_usize};
use riscope_core::counters::HartActivity;
use riscope_core::hart::{Hart, HartState, Polled};
use riscope_core::interp::{Flow, finish};

use super::JitEngine;
use crate::abi::{Leave, WayOn, Word};
use crate::code::Lookup;
use crate::float_unit;

/// Bytes of an instruction on two pages.
const INSTRUCTION_BYTES: u64 = 4;

impl JitEngine {
    /// Polls in the middle of generated code, see [`crate::abi::Resume`].
    fn resume(&mut self, hart: &mut Hart) -> Leave {
        if hart.state().countdown <= 0 {
            return Leave::Poll;
        }
        let before = (hart.pc(), hart.mode(), hart.state().status);
        if hart.poll_within_quantum() == Polled::Stop {
            return Leave::Poll;
        }
        let mut unchanged = before == (hart.pc(), hart.mode(), hart.state().status);
        // Code may have been dropped: announce it from outside generated code.
        if hart.fetch_fences() != self.fetch_fences || self.shared.cache.epoch() != self.filled_in {
            return Leave::Poll;
        }
        unchanged &= self.jump_cache.enter(hart);
        self.set_probe(hart);
        float_unit::update(hart.state_mut());
        if unchanged { Leave::Unchanged } else { Leave::Resume }
    }

    /// Executes an instruction on two pages, see [`crate::abi::Across`].
    fn across(&mut self, hart: &mut Hart) -> WayOn {
        float_unit::take_flags(hart.state_mut());
        let (flow, class) = self.interpreter.execute_across(hart);
        hart.counters().count_handler_call(class);
        float_unit::update(hart.state_mut());
        let left = match (flow, finish(hart, flow, INSTRUCTION_BYTES)) {
            (Flow::Jump, _) if hart.state().countdown > 0 => Leave::Unchanged,
            (_, end) => match Leave::from_end(end) {
                // The instruction may have changed what it does not compare.
                Leave::Poll => match self.resume(hart) {
                    Leave::Unchanged => Leave::Resume,
                    left => left,
                },
                left => left,
            },
        };
        let goes_on = matches!(left, Leave::Unchanged | Leave::Resume);
        if !goes_on {
            hart.counters().count_exit_instruction(class);
            return WayOn { code: std::ptr::null(), leave: left as u64 };
        }
        match self.jump_cache.get(hart.pc().0).or_else(|| self.find(hart)) {
            Some(code) => WayOn { code, leave: left as u64 },
            None => WayOn { code: std::ptr::null(), leave: Leave::Lookup as u64 },
        }
    }

    /// Code for `pc` that the jump cache does not know, see [`crate::abi::Find`].
    fn find(&mut self, hart: &mut Hart) -> Option<*const u8> {
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

    /// Tells generated code where the jump cache is.
    pub(super) fn set_probe(&mut self, hart: &mut Hart) {
        let probe = self.jump_cache.probe();
        let words = &mut hart.state_mut().engine;
        words[Word::JumpCache as usize] = probe.base;
        words[Word::JumpMask as usize] = probe.mask;
    }
}

/// See [`crate::abi::Resume`].
///
/// # Safety
/// Called by generated code that [`JitEngine::execute`] entered, with the state of its hart.
pub(super) unsafe extern "C" fn resume(cpu: *mut HartState) -> u64 {
    // SAFETY: by the caller's promise.
    let (engine, hart) = unsafe { parts(cpu) };
    hart.control().set_activity(HartActivity::Runtime);
    let left = engine.resume(hart);
    hart.control().set_activity(HartActivity::Code);
    left as u64
}

/// See [`crate::abi::Find`].
///
/// # Safety
/// As for [`resume`].
pub(super) unsafe extern "C" fn find(cpu: *mut HartState, pc: u64) -> *const u8 {
    // SAFETY: by the caller's promise.
    let (engine, hart) = unsafe { parts(cpu) };
    hart.control().set_activity(HartActivity::Runtime);
    hart.set_pc(GuestAddr(pc));
    let code = engine.find(hart).unwrap_or(std::ptr::null());
    hart.control().set_activity(HartActivity::Code);
    code
}

/// See [`crate::abi::Across`].
///
/// # Safety
/// As for [`resume`].
pub(super) unsafe extern "C" fn across(cpu: *mut HartState, pc: u64) -> WayOn {
    // SAFETY: by the caller's promise.
    let (engine, hart) = unsafe { parts(cpu) };
    hart.control().set_activity(HartActivity::Handler);
    hart.set_pc(GuestAddr(pc));
    let way = engine.across(hart);
    hart.control().set_activity(HartActivity::Code);
    way
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
