//! The compiler thread, or the compiler that a hart calls itself.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, TryRecvError, TrySendError};
use riscope_core::counters::EngineCounters;
use riscope_core::engine::EngineContext;
use riscope_core::event::{CompileFailure, ExecutionEvent, FlushReason, Tier, Trigger, monotonic_ns};
use riscope_core::interp::Executed;

use crate::block::Fragment;
use crate::code::{Built, Claim, CodeCache, Covered, Dropped, PublishError, Source};
use crate::compile::Compiler;

/// Requests that may wait for the compiler to look at them, and as many that it has looked
/// at. A full queue is no loss: the block stays hot and is asked for again.
const QUEUE: usize = 1024;

/// A hot block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) claim: Claim,
    /// Where a hart saw it, for people.
    pub(crate) pc: u64,
    pub(crate) asked_ns: u64,
    /// What of the page has been executed.
    pub(crate) executed: Executed,
}

/// Harts' end of the queue, and the thread at the other end of it. Dropping it ends
/// the thread.
#[derive(Debug)]
pub(crate) struct Worker {
    queue: Option<Sender<Request>>,
    thread: Option<JoinHandle<()>>,
    /// The compiler, if there is no thread.
    service: Option<Mutex<CompileService>>,
    counters: Arc<EngineCounters>,
}

impl Worker {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the host has no thread left.
    pub(crate) fn start(service: CompileService) -> std::io::Result<Self> {
        let (queue, requests) = crossbeam_channel::bounded(QUEUE);
        let counters = Arc::clone(&service.context.counters);
        let thread = std::thread::Builder::new().name("jit".into()).spawn(move || service.serve_all(&requests))?;
        Ok(Self { queue: Some(queue), thread: Some(thread), service: None, counters })
    }

    /// No thread: harts [serve](Worker::serve) their requests themselves.
    pub(crate) fn none(service: CompileService) -> Self {
        let counters = Arc::clone(&service.context.counters);
        Self { queue: None, thread: None, service: Some(Mutex::new(service)), counters }
    }

    /// Compiles on the calling thread, which must not be [`crate::code::Online`].
    pub(crate) fn serve(&self, request: Request) {
        if let Some(service) = &self.service {
            service.lock().unwrap_or_else(PoisonError::into_inner).serve(request);
        }
    }

    /// Whether there is room in the queue; a rejection is counted if there is none.
    pub(crate) fn has_room(&self) -> bool {
        let room = self.queue.as_ref().is_some_and(|queue| !queue.is_full());
        if !room {
            self.counters.queue_rejected.fetch_add(1, Ordering::Relaxed);
        }
        room
    }

    /// Asks for a compilation; false if there is no room in the queue.
    pub(crate) fn ask(&self, request: Request) -> bool {
        let Some(queue) = &self.queue else { return false };
        let counters = &self.counters;
        // Before the compiler can take it and count it off.
        counters.queue_depth.fetch_add(1, Ordering::Relaxed);
        match queue.try_send(request) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                counters.queue_depth.fetch_sub(1, Ordering::Relaxed);
                counters.queue_rejected.fetch_add(1, Ordering::Relaxed);
                false
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has already been reported on stderr.
            let _ = thread.join();
        }
    }
}

/// Serves requests.
#[derive(Debug)]
pub(crate) struct CompileService {
    context: EngineContext,
    cache: Arc<CodeCache>,
    compiler: Compiler,
}

impl CompileService {
    /// Compiles for the machine of `context` into `cache`.
    pub(crate) fn new(context: &EngineContext, cache: &Arc<CodeCache>, compiler: Compiler) -> Self {
        Self { context: context.clone(), cache: Arc::clone(cache), compiler }
    }

    /// Serves until there is no hart any more. The newest request first: what has just been
    /// asked for runs now, and the oldest of a long queue perhaps never again.
    fn serve_all(mut self, requests: &Receiver<Request>) {
        let mut waiting = Vec::with_capacity(QUEUE);
        while let Some(request) = next_request(requests, &mut waiting) {
            self.context.counters.queue_depth.fetch_sub(1, Ordering::Relaxed);
            self.serve(request);
        }
        self.context.counters.queue_depth.fetch_sub(waiting.len() as u64, Ordering::Relaxed);
    }

    fn serve(&mut self, request: Request) {
        // A panic of the code generator costs one translation, not the machine.
        let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| self.compile(request)));
        if let Err(reason) = outcome.unwrap_or_else(|_| self.recover()) {
            match reason {
                CompileFailure::Untranslatable | CompileFailure::Compiler => self.cache.reject(request.claim),
                CompileFailure::Stale | CompileFailure::CacheFull => self.cache.unclaim(request.claim),
            }
            let (pc, phys) = (request.pc, request.claim.phys.0);
            self.publish(ExecutionEvent::CompilationFailed { pc, phys, tier: Tier::Baseline, reason });
        }
    }

    /// After a panic: the compiler's buffers are in no known state.
    fn recover(&mut self) -> Result<(), CompileFailure> {
        self.compiler.reset();
        Err(CompileFailure::Compiler)
    }

    fn compile(&mut self, request: Request) -> Result<(), CompileFailure> {
        let started_ns = monotonic_ns();
        let phys = request.claim.phys;
        let source = self.cache.source(phys).ok_or(CompileFailure::Stale)?;
        let fragment = Fragment::find(source.bytes(), phys.page_offset(), &request.executed)
            .ok_or(CompileFailure::Untranslatable)?;
        let cache = &self.cache;
        let mut links = |target| cache.link_slot(phys.with_page_offset(target));
        let code = self.compiler.compile(&fragment, &mut links).ok_or(CompileFailure::Compiler)?;
        let covered = Covered::of(fragment.ranges());
        self.make_room_and_publish(&source, Built { phys, code: &code, covered: &covered })?;
        self.publish(ExecutionEvent::CodeBlockCompiled {
            pc: request.pc,
            phys: phys.0,
            block_size: count(fragment.guest_bytes()),
            instructions: count(fragment.instructions()),
            host_size: count(code.len()),
            tier: Tier::Baseline,
            trigger: Trigger::Hot,
            queue_wait_ns: started_ns.saturating_sub(request.asked_ns),
            compile_ns: monotonic_ns().saturating_sub(started_ns),
        });
        Ok(())
    }

    fn make_room_and_publish(&self, source: &Source, built: Built<'_>) -> Result<(), CompileFailure> {
        match self.cache.publish(source, built) {
            Ok(()) => Ok(()),
            Err(PublishError::Stale) => Err(CompileFailure::Stale),
            Err(PublishError::Full) => {
                // The page that this code was for is dropped with everything else: it
                // is compiled again when it is hot again.
                let dropped = self.cache.flush(FlushReason::Full);
                self.report(dropped);
                Err(CompileFailure::CacheFull)
            }
        }
    }

    fn report(&self, dropped: Dropped) {
        if let Some(event) = dropped.event() {
            self.publish(event);
        }
    }

    fn publish(&self, event: ExecutionEvent) {
        self.context.events.publish(event);
    }
}

/// The newest of all requests, or the next one if there is none; `None` when no more can
/// come, whatever waits.
fn next_request<R>(requests: &Receiver<R>, waiting: &mut Vec<R>) -> Option<R> {
    while waiting.len() < QUEUE {
        match requests.try_recv() {
            Ok(request) => waiting.push(request),
            Err(TryRecvError::Empty) => break,
            Err(TryRecvError::Disconnected) => return None,
        }
    }
    waiting.pop().or_else(|| requests.recv().ok())
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_request_is_served_first_and_none_after_the_last_hart_left() {
        let (queue, requests) = crossbeam_channel::bounded(4);
        let mut waiting = Vec::new();
        (1..=3).for_each(|request| queue.send(request).expect("there is room"));
        assert_eq!(next_request(&requests, &mut waiting), Some(3));
        queue.send(4).expect("there is room");
        assert_eq!(next_request(&requests, &mut waiting), Some(4));
        assert_eq!(next_request(&requests, &mut waiting), Some(2));
        queue.send(5).expect("there is room");
        drop(queue);
        assert_eq!(next_request(&requests, &mut waiting), None);
        assert_eq!(waiting, [1, 5], "they can be counted off");
    }
}
