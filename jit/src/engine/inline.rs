//! What generated code calls instead of returning to the dispatcher.

use riscope_core::addr::{GuestAddr, to_usize};
use riscope_core::counters::HartActivity;
use riscope_core::hart::{Hart, HartState, Polled};

use super::JitEngine;
use crate::abi::{Leave, Word};
use crate::code::Lookup;
use crate::float_unit;

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
