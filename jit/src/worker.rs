//! The compiler thread, or the compiler that a hart calls itself.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, TryRecvError};
use riscope_core::counters::EngineCounters;
use riscope_core::engine::EngineContext;
use riscope_core::event::{CompileFailure, ExecutionEvent, FlushReason, Tier, Trigger, monotonic_ns};
use riscope_core::interp::Executed;

use crate::block::Fragment;
use crate::code::{Built, Claim, CodeCache, Covered, Dropped, PublishError, Source};
use crate::compile::Compiler;

/// Requests that may wait for the compiler. A full queue is no loss: the block stays hot
/// and is asked for again.
const QUEUE: u16 = 2048;

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

/// Where hot blocks are compiled.
#[derive(Debug)]
pub(crate) enum Worker {
    /// On a thread of its own, for which no hart waits.
    Thread(CompilerThread),
    /// By the hart that asks.
    Hart(Box<Mutex<CompileService>>),
}

impl Worker {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the host has no thread left.
    pub(crate) fn thread(service: CompileService) -> std::io::Result<Self> {
        let (queue, requests) = crossbeam_channel::bounded(usize::from(QUEUE));
        let counters = Arc::clone(&service.context.counters);
        let thread = std::thread::Builder::new().name("jit".into()).spawn(move || service.serve_all(&requests))?;
        Ok(Self::Thread(CompilerThread { queue, counters, _thread: JoinOnDrop(Some(thread)) }))
    }

    /// Harts compile by [`serve_here`] themselves.
    pub(crate) fn hart(service: CompileService) -> Self {
        Self::Hart(Box::new(Mutex::new(service)))
    }
}

/// Compiles on the calling thread, which must not be [`crate::code::Online`], after
/// whoever else does so.
pub(crate) fn serve_here(service: &Mutex<CompileService>, request: Request) {
    service.lock().unwrap_or_else(PoisonError::into_inner).serve(request);
}

/// Harts' end of the queue, and the thread at the other end of it. Dropping it ends
/// the thread.
#[derive(Debug)]
pub(crate) struct CompilerThread {
    queue: Sender<Request>,
    counters: Arc<EngineCounters>,
    /// Dropped after `queue`, whose end the thread takes for its own.
    _thread: JoinOnDrop,
}

impl CompilerThread {
    /// A place in the queue, or `None` if it is full, which is counted.
    pub(crate) fn reserve(&self) -> Option<Place<'_>> {
        let counters = &self.counters;
        let one_more = |depth: u64| (depth < u64::from(QUEUE)).then_some(depth + 1);
        if counters.queue_depth.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_err() {
            counters.queue_rejected.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        Some(Place { thread: self, used: false })
    }
}

/// A place in the queue. It is given back unless it is used.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    thread: &'a CompilerThread,
    used: bool,
}

impl Place<'_> {
    /// Asks for a compilation.
    pub(crate) fn ask(mut self, request: Request) {
        // There is room for everything that has a place. Without its thread, nothing is
        // compiled any more.
        self.used = self.thread.queue.try_send(request).is_ok();
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.used {
            self.thread.counters.queue_depth.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// A thread that is waited for.
#[derive(Debug)]
struct JoinOnDrop(Option<JoinHandle<()>>);

impl Drop for JoinOnDrop {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
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
        let mut waiting = Vec::new();
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
    loop {
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
