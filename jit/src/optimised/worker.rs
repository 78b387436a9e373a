//! Compile service: a background thread, or synchronous compilation by the requesting hart.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TryRecvError};
use riscope_core::counters::{EngineCounters, ThreadCpuClock};
use riscope_core::engine::EngineContext;
use riscope_core::event::{CompileFailure, ExecutionEvent, Tier, Trigger, monotonic_ns};
use riscope_core::interp::Executed;

use super::compile::{Compiler, Linked};
use super::share::{Budget, is_cpu_spare, lower_priority};
use crate::code::{Built, Claim, CodeCache, Made, Maker, Origin, PublishError};

/// Name of the compiler's thread. A panic there costs one translation.
pub const COMPILER_THREAD: &str = "jit";
/// Capacity of the request queue. A rejected request is repeated while its block stays hot.
const QUEUE: u16 = 2048;

/// Request to translate a hot block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) claim: Claim,
    /// Virtual address at which a hart executed it, for reports.
    pub(crate) pc: u64,
    pub(crate) asked_ns: u64,
    /// Instructions of the page that have executed.
    pub(crate) executed: Executed,
}

/// Where translations are compiled.
#[derive(Debug)]
pub(crate) enum Worker {
    /// By a background thread; harts do not wait for it.
    Thread(CompilerThread),
    /// By the requesting hart.
    Hart(Box<Mutex<CompileService>>),
}

impl Worker {
    /// Starts the compiler thread.
    ///
    /// # Errors
    /// Fails when the host cannot create a thread.
    pub(crate) fn thread(service: CompileService) -> std::io::Result<Self> {
        let (queue, requests) = crossbeam_channel::bounded(usize::from(QUEUE));
        let counters = Arc::clone(&service.context.counters);
        let thread =
            std::thread::Builder::new().name(COMPILER_THREAD.into()).spawn(move || service.serve_all(&requests))?;
        Ok(Self::Thread(CompilerThread { queue, counters, _thread: JoinOnDrop(Some(thread)) }))
    }

    /// Lets harts compile themselves, by [`serve_here`].
    pub(crate) fn hart(service: CompileService) -> Self {
        Self::Hart(Box::new(Mutex::new(service)))
    }
}

/// Compiles on the calling thread, which must not be [`crate::code::Online`]. Waits for
/// other harts that compile.
pub(crate) fn serve_here(service: &Mutex<CompileService>, request: Request) {
    service.lock().unwrap_or_else(PoisonError::into_inner).serve(request);
}

/// Request queue and its compiler thread. Dropping it ends the thread.
#[derive(Debug)]
pub(crate) struct CompilerThread {
    queue: Sender<Box<Request>>,
    counters: Arc<EngineCounters>,
    /// Dropped after `queue`: the thread ends when the queue is disconnected.
    _thread: JoinOnDrop,
}

impl CompilerThread {
    /// Reserves a place in the queue. `None` if it is full; the rejection is counted.
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

/// Reserved place in the queue; released unless it is used.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    thread: &'a CompilerThread,
    used: bool,
}

impl Place<'_> {
    /// Sends the request.
    pub(crate) fn ask(mut self, request: Request) {
        // The first request in an empty queue is the oldest; the compiler knows about the others.
        let oldest = &self.thread.counters.oldest_request_ns;
        let _ = oldest.compare_exchange(0, request.asked_ns, Ordering::Relaxed, Ordering::Relaxed);
        // A reserved place guarantees room; sending fails only if the thread has ended.
        self.used = self.thread.queue.try_send(Box::new(request)).is_ok();
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.used {
            self.thread.counters.queue_depth.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Thread that is joined on drop.
#[derive(Debug)]
struct JoinOnDrop(Option<JoinHandle<()>>);

impl Drop for JoinOnDrop {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            // The panic hook has already reported a panic of the thread.
            let _ = thread.join();
        }
    }
}

/// Serves compile requests.
#[derive(Debug)]
pub(crate) struct CompileService {
    context: EngineContext,
    cache: Arc<CodeCache>,
    compiler: Compiler,
}

impl CompileService {
    /// A service that compiles for the machine of `context` into `cache`.
    pub(crate) fn new(context: &EngineContext, cache: &Arc<CodeCache>, compiler: Compiler) -> Self {
        Self { context: context.clone(), cache: Arc::clone(cache), compiler }
    }

    /// Serves until every sender is gone, newest request first: the latest requests are for
    /// code that runs now, while the oldest of a long queue may be for code that no longer
    /// runs. Rests when it has used its share of the CPUs.
    fn serve_all(mut self, requests: &Receiver<Box<Request>>) {
        lower_priority();
        let mut budget = Budget::new(monotonic_ns());
        let mut waiting = Vec::new();
        let (clock, mut used_ns) = (ThreadCpuClock::of_this_thread(), 0);
        while let Some(request) = next_request(requests, &mut waiting) {
            let counters = &self.context.counters;
            counters.oldest_request_ns.store(oldest(&waiting), Ordering::Relaxed);
            counters.queue_depth.fetch_sub(1, Ordering::Relaxed);
            self.serve(*request);
            let now_ns = clock.and_then(ThreadCpuClock::read).unwrap_or(used_ns);
            let just_used_ns = now_ns.saturating_sub(used_ns);
            self.context.counters.compiler_cpu_ns.fetch_add(just_used_ns, Ordering::Relaxed);
            used_ns = now_ns;
            let spare = is_cpu_spare(self.cache.executing_harts());
            rest(requests, &mut waiting, budget.rest(monotonic_ns(), just_used_ns, spare));
        }
        self.context.counters.queue_depth.fetch_sub(waiting.len() as u64, Ordering::Relaxed);
    }

    fn serve(&mut self, request: Request) {
        // A panic of the code generator fails one translation, not the machine.
        let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| self.compile(request)));
        if let Err(reason) = outcome.unwrap_or_else(|_| self.recover()) {
            match reason {
                CompileFailure::Untranslatable | CompileFailure::Compiler => self.cache.reject(request.claim),
                CompileFailure::Stale | CompileFailure::CacheFull => self.cache.unclaim(request.claim),
            }
            let (pc, phys) = (request.pc, request.claim.phys.0);
            self.publish(ExecutionEvent::CompilationFailed { pc, phys, tier: Tier::Optimised, reason });
        }
    }

    /// Replaces the compiler after a panic, which may have left its buffers inconsistent.
    fn recover(&mut self) -> Result<(), CompileFailure> {
        self.compiler.reset();
        Err(CompileFailure::Compiler)
    }

    fn compile(&mut self, request: Request) -> Result<(), CompileFailure> {
        let started_ns = monotonic_ns();
        let phys = request.claim.phys;
        let source = self.cache.source(phys).ok_or(CompileFailure::Stale)?;
        let mut compiler = Linked { compiler: &mut self.compiler, cache: &self.cache };
        let origin = Origin { page: source.bytes(), head: phys, executed: &request.executed };
        let made = compiler.make(origin)?;
        let host_size = made.code.bytes.len();
        let built = Built { phys, pc: request.pc, tier: made.tier, code: made.code, covered: &made.covered };
        let (dropped, outcome) = self.cache.publish(&source, built);
        let Made { instructions, guest_bytes, .. } = made;
        dropped.events().for_each(|event| self.publish(event));
        outcome.map_err(|error| match error {
            PublishError::Stale => CompileFailure::Stale,
            // It is requested again while it is hot.
            PublishError::Full => CompileFailure::CacheFull,
            PublishError::TooLarge => CompileFailure::Compiler,
        })?;
        self.publish(ExecutionEvent::CodeBlockCompiled {
            pc: request.pc,
            phys: phys.0,
            block_size: count(guest_bytes),
            instructions: count(instructions),
            host_size: count(host_size),
            tier: Tier::Optimised,
            trigger: Trigger::Hot,
            queue_wait_ns: started_ns.saturating_sub(request.asked_ns),
            compile_ns: monotonic_ns().saturating_sub(started_ns),
        });
        Ok(())
    }

    fn publish(&self, event: ExecutionEvent) {
        self.context.report(event);
    }
}

/// The newest pending request, or the next to arrive. `None` once all senders are gone,
/// even if requests are pending.
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

/// Collects requests for `time`, or until all senders are gone.
fn rest<R>(requests: &Receiver<R>, waiting: &mut Vec<R>, time: Duration) {
    let end = Instant::now() + time;
    if time.is_zero() {
        return;
    }
    while let Ok(request) = requests.recv_deadline(end) {
        waiting.push(request);
    }
}

/// When the oldest request was made, 0 without one. New ones are at the end.
fn oldest(waiting: &[Box<Request>]) -> u64 {
    waiting.first().map_or(0, |request| request.asked_ns)
}

/// A number for an event.
pub(crate) fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rest_collects_requests_and_ends_with_the_last_hart() {
        const LONG: Duration = Duration::from_secs(3600);
        let (queue, requests) = crossbeam_channel::bounded(4);
        let mut waiting = Vec::new();
        (1..=2).for_each(|request| queue.send(request).expect("there is room"));
        rest(&requests, &mut waiting, Duration::ZERO);
        assert_eq!(waiting, [], "there is nothing to wait for");
        rest(&requests, &mut waiting, Duration::from_millis(1));
        drop(queue);
        rest(&requests, &mut waiting, LONG);
        assert_eq!(waiting, [1, 2]);
    }

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
