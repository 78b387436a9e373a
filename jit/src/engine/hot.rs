//! Blocks that have become hot: translated at once, or requested from the compiler.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use riscope_core::addr::GuestPhys;
use riscope_core::event::{ExecutionEvent, Tier, Trigger, monotonic_ns};
use riscope_core::hart::Hart;

use super::{JitConfig, JitEngine, Tiers};
use crate::abi::{CALLS_PER_SAMPLE, Word};
use crate::code::{Dropped, Lookup, Maker, Online, Origin, Translated};
use crate::optimised::{Request, Worker, count, serve_here};

/// Upper bound on the hot threshold.
const MAX_THRESHOLD: u16 = 16_384;

/// Queue length that raises the hot threshold by its configured value, so that a compiler
/// under load receives only hotter blocks.
const QUEUE_STEP: u64 = 16;

impl JitEngine {
    /// Hot threshold under the compiler's present load.
    pub(super) fn threshold(&self) -> u16 {
        let JitConfig { hot_threshold, .. } = self.shared.config;
        let waiting = self.shared.context.counters.queue_depth.load(Ordering::Relaxed);
        let factor = u16::try_from(1 + waiting / QUEUE_STEP).unwrap_or(u16::MAX);
        hot_threshold.saturating_mul(factor).min(MAX_THRESHOLD)
    }

    /// Requests a translation of the block at `pc` and publishes it as a hotspot. Does
    /// nothing if the code cache is locked or the queue is full; the block stays hot.
    pub(super) fn ask(&mut self, hart: &mut Hart, phys: GuestPhys, heat: u16, online: &Online<'_>) {
        let shared = Arc::clone(&self.shared);
        match &shared.worker {
            Worker::Thread(thread) => {
                let Some(place) = thread.reserve() else { return };
                let Some(request) = self.claim(hart, phys) else { return };
                // Published before the request is sent, as the compiler may finish before
                // `ask` returns.
                self.publish(self.hotspot(request.pc, phys, heat, Tier::Interpreter, Tier::Optimised));
                place.ask(request);
            }
            Worker::Hart(service) => {
                let Some(request) = self.claim(hart, phys) else { return };
                self.publish(self.hotspot(request.pc, phys, heat, Tier::Interpreter, Tier::Optimised));
                online.while_absent(|| serve_here(service, request));
                online.quiesce(&mut self.jump_cache, &mut self.filled_in);
            }
        }
    }

    /// Translates the block at `pc` by templates, at once. `None` if the code cache is locked or
    /// full, or if there is nothing to translate.
    pub(super) fn translate(&mut self, hart: &mut Hart, phys: GuestPhys, heat: u16) -> Option<*const u8> {
        let started_ns = monotonic_ns();
        let shared = Arc::clone(&self.shared);
        let executed = self.interpreter.executed(phys);
        let templates = self.templates.as_mut()?;
        let mut report = None;
        let pc = hart.pc().0;
        let (dropped, translated) = shared.cache.translate(phys, pc, &executed, |page| {
            let made = templates.make(Origin { page, head: phys, executed: &executed }).ok()?;
            report = Some((made.guest_bytes, made.instructions, made.code.bytes.len()));
            Some(made)
        })?;
        self.report(dropped);
        match translated {
            Translated::Ready(code) => {
                // Nothing if another hart was faster.
                if let Some((guest_bytes, instructions, host_bytes)) = report {
                    let context = &shared.context;
                    context.report_at(self.hotspot(pc, phys, heat, Tier::Interpreter, Tier::Baseline), started_ns);
                    let now_ns = monotonic_ns();
                    let compiled = ExecutionEvent::CodeBlockCompiled {
                        pc,
                        phys: phys.0,
                        block_size: count(guest_bytes),
                        instructions: count(instructions),
                        host_size: count(host_bytes),
                        tier: Tier::Baseline,
                        trigger: Trigger::Hot,
                        queue_wait_ns: 0,
                        compile_ns: now_ns.saturating_sub(started_ns),
                    };
                    context.report_at(compiled, now_ns);
                }
                Some(code)
            }
            Translated::Rejected => {
                self.interpreter.never_hot(hart);
                None
            }
            // Until there is room, the hart interprets.
            Translated::Full => None,
        }
    }

    /// Requests the fragment at `head` from the optimising compiler, or takes what that has
    /// made of it meanwhile.
    pub(super) fn promote(&mut self, hart: &Hart, head: GuestPhys, online: &Online<'_>) {
        if self.shared.config.tiers == Tiers::Baseline || self.unfenced {
            return;
        }
        if let Some(Lookup::Ready { tier: Tier::Optimised, .. }) = self.shared.cache.lookup(head) {
            // Somewhere the jump cache still leads to the old code.
            self.jump_cache.clear_code();
            return;
        }
        let executed = self.interpreter.executed(head);
        if !executed.contains(head.page_offset()) {
            // Another hart's code: this one does not know what of the page has been executed.
            return;
        }
        let shared = Arc::clone(&self.shared);
        let place = match &shared.worker {
            Worker::Thread(thread) => match thread.reserve() {
                Some(place) => Some(place),
                None => return,
            },
            Worker::Hart(_) => None,
        };
        let Some(Some(claim)) = shared.cache.claim_promotion(head) else { return };
        let pc = hart.state().engine[Word::PromotedPc as usize];
        let request = Request { claim, pc, asked_ns: monotonic_ns(), executed };
        self.publish(self.hotspot(pc, head, CALLS_PER_SAMPLE, Tier::Baseline, Tier::Optimised));
        match (&shared.worker, place) {
            (Worker::Thread(_), Some(place)) => place.ask(request),
            (Worker::Hart(service), _) => {
                online.while_absent(|| serve_here(service, request));
                online.quiesce(&mut self.jump_cache, &mut self.filled_in);
                self.jump_cache.clear_code();
            }
            (Worker::Thread(_), None) => {}
        }
    }

    /// Claims the code at `phys`, the physical address of `pc`, for compilation.
    fn claim(&mut self, hart: &mut Hart, phys: GuestPhys) -> Option<Request> {
        let (dropped, claim) = self.shared.cache.claim(phys)?;
        self.report(dropped);
        let executed = self.interpreter.executed(phys);
        Some(Request { claim: claim?, pc: hart.pc().0, asked_ns: monotonic_ns(), executed })
    }

    fn hotspot(&self, pc: u64, phys: GuestPhys, executions: u16, from: Tier, to: Tier) -> ExecutionEvent {
        ExecutionEvent::HotspotDetected {
            vcpu: self.vcpu,
            pc,
            phys: phys.0,
            execution_count: u64::from(executions),
            from,
            to,
        }
    }

    pub(super) fn report(&self, dropped: Dropped) {
        dropped.events().for_each(|event| self.publish(event));
    }

    pub(super) fn publish(&self, event: ExecutionEvent) {
        self.shared.context.report(event);
    }
}
