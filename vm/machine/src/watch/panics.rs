//! Guest panics: sources of reports, and the resulting policy.
//!
//! ```text
//!  SBI reset "system failure", pvpanic ──────────────────► panicked ─► event, policy
//!  line on a console ─► suspected ─► looks, or its end ───────┘
//!                           └──────► dismissed
//! ```
//!
//! A panic is one event, whichever source reports it first; later reports are part of it.
//! Each boot has its own [`Panics`].

use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use riscope_core::counters::CounterPage;
use riscope_core::event::{PanicSource, Publisher, VmEvent};

use super::OnPanic;
use super::panic_line::PanicLine;
use super::suspicion::{Activity, LOOK, Life, Suspicion, Verdict};
use crate::console::{Console, OutputWatcher};
use crate::exit::{ExitLatch, MachineExit};
use crate::sync::lock;

#[derive(Debug, Default)]
enum Guest {
    #[default]
    Well,
    Suspected(Suspicion),
    Panicked,
}

#[derive(Debug, Default)]
struct State {
    guest: Guest,
    /// Whether watching has ended.
    closed: bool,
}

impl State {
    fn is_suspected(&self) -> bool {
        matches!(self.guest, Guest::Suspected(_))
    }
}

/// State of panic detection in one boot of a guest.
#[derive(Debug)]
pub struct Panics {
    events: Publisher,
    policy: OnPanic,
    exit: Arc<ExitLatch>,
    /// Counters of the harts.
    harts: OnceLock<Vec<Arc<CounterPage>>>,
    state: Mutex<State>,
    changed: Condvar,
}

impl Panics {
    /// A guest without a panic. A panic is published as an event, then `policy` may end the
    /// machine by `exit`.
    pub fn new(events: Publisher, policy: OnPanic, exit: Arc<ExitLatch>) -> Arc<Self> {
        let (harts, state, changed) = Default::default();
        let panics = Arc::new(Self { events, policy, exit, harts, state, changed });
        let reviewer = Arc::downgrade(&panics);
        panics.exit.set_review(move |wanted| reviewer.upgrade().map_or(wanted, |panics| panics.review(wanted)));
        panics
    }

    /// Reports a panic of the guest, with its source.
    pub fn report(&self, source: PanicSource) {
        let is_first = self.panicked(|state| !matches!(state.guest, Guest::Panicked), source);
        if let (true, Some(exit)) = (is_first, self.policy.exit()) {
            self.exit.request(exit);
        }
    }

    /// Sets the counters of the harts, which show whether a guest executes programs after the
    /// panic message. Only the first call counts.
    pub(crate) fn set_harts(&self, harts: Vec<Arc<CounterPage>>) {
        // Each boot has its own `Panics`.
        let _ = self.harts.set(harts);
    }

    fn lives(&self) -> Vec<Life> {
        self.harts.get().into_iter().flatten().map(|page| Life::read(page)).collect()
    }

    /// Searches the output of `console` for the panic message.
    pub(crate) fn watch(self: &Arc<Self>, console: &Console) {
        console.set_watcher(Reader { line: PanicLine::default(), panics: Arc::clone(self) });
    }

    /// Records a panic message on a console.
    fn suspect(&self) {
        let mut state = lock(&self.state);
        if matches!(state.guest, Guest::Well) {
            state.guest = Guest::Suspected(Suspicion::new(self.lives()));
            self.changed.notify_all();
        }
    }

    /// Waits for `limit`, with a suspicion at most until the next check, or until a suspicion
    /// begins or ends. False when watching has ended.
    pub(super) fn wait(&self, limit: Duration) -> bool {
        let state = lock(&self.state);
        let before = state.is_suspected();
        let limit = if before { limit.min(LOOK) } else { limit };
        let go_on = |state: &mut State| !state.closed && state.is_suspected() == before;
        let waited = self.changed.wait_timeout_while(state, limit, go_on);
        !waited.unwrap_or_else(PoisonError::into_inner).0.closed
    }

    /// Time between two checks: `interval`, less with a suspicion. `None` if there is nothing
    /// left to detect.
    pub(super) fn pace(&self, interval: Duration) -> Option<Duration> {
        match lock(&self.state).guest {
            Guest::Well => Some(interval),
            Guest::Suspected(_) => Some(LOOK),
            Guest::Panicked => None,
        }
    }

    /// Evaluates the guest's activity since the last check.
    pub(super) fn look(&self, activity: Activity) {
        let verdict = match &mut lock(&self.state).guest {
            Guest::Suspected(suspicion) => suspicion.look(activity),
            _ => return,
        };
        match verdict {
            Verdict::Open => {}
            Verdict::Panicked => self.report(PanicSource::Console),
            Verdict::Dismissed => {
                let mut state = lock(&self.state);
                if state.is_suspected() {
                    state.guest = Guest::Well;
                }
            }
        }
    }

    /// Ends watching.
    pub(super) fn close(&self) {
        lock(&self.state).closed = true;
        self.changed.notify_all();
    }

    /// Effective exit reason for a requested one: a suspected guest that ends itself has
    /// panicked, if [`Suspicion::is_possible`].
    fn review(&self, wanted: MachineExit) -> MachineExit {
        let by_guest = matches!(wanted, MachineExit::PowerOff | MachineExit::Reset | MachineExit::Failure(_));
        let is_possible = |state: &State| match &state.guest {
            Guest::Suspected(suspicion) => suspicion.is_possible(&self.lives()),
            Guest::Well | Guest::Panicked => false,
        };
        let panicked = by_guest && self.panicked(is_possible, PanicSource::Console);
        if panicked { self.policy.exit().unwrap_or(wanted) } else { wanted }
    }

    /// Records and publishes a panic if the state is as `expected`.
    fn panicked(&self, expected: impl FnOnce(&State) -> bool, source: PanicSource) -> bool {
        let mut state = lock(&self.state);
        let is_new = expected(&state);
        if is_new {
            state.guest = Guest::Panicked;
            // Published under the lock, so that it precedes the end of the machine.
            self.events.publish(VmEvent::GuestPanicked { source });
            self.changed.notify_all();
        }
        is_new
    }
}

/// Observer of a console.
struct Reader {
    line: PanicLine,
    panics: Arc<Panics>,
}

impl OutputWatcher for Reader {
    fn see(&mut self, bytes: &[u8]) {
        if self.line.see(bytes) {
            self.panics.suspect();
        }
    }
}

#[cfg(test)]
mod tests {
    use riscope_core::event::{DomainEventBus, Event, Filter, Subscription, VmId};
    use riscope_core::hart::ExceptionCause;

    use super::*;
    use crate::console::NullBackend;

    const LINE: &[u8] = b"[    1.0] Kernel panic - not syncing: x\n";
    const PANIC_LOOP: Activity = Activity { user_mode: false, busy: true };
    const IDLE: Activity = Activity { user_mode: false, busy: false };

    struct Bench {
        panics: Arc<Panics>,
        console: Arc<Console>,
        exit: Arc<ExitLatch>,
        events: Subscription,
    }

    fn bench(policy: OnPanic) -> Bench {
        let bus = DomainEventBus::new();
        let events = bus.subscribe("test", Filter::all(), 16);
        let (exit, console) = (Arc::<ExitLatch>::default(), Console::new(Arc::new(NullBackend)));
        let panics = Panics::new(Publisher::new(VmId::default(), Some(bus)), policy, Arc::clone(&exit));
        panics.watch(&console);
        Bench { panics, console, exit, events }
    }

    impl Bench {
        fn look(&self, activity: Activity, times: u32) {
            (0..times).for_each(|_| self.panics.look(activity));
        }

        /// Sources of the panics published since the last call.
        fn published(&self) -> Vec<PanicSource> {
            let events = std::iter::from_fn(|| self.events.try_recv().ok());
            let source = |event| match event {
                Event::Vm(VmEvent::GuestPanicked { source }) => source,
                other => panic!("{other:?}"),
            };
            events.map(|envelope| source(envelope.event)).collect()
        }
    }

    #[test]
    fn a_panic_is_published_once_and_the_policy_applied() {
        for (policy, exit) in [
            (OnPanic::Report, None),
            (OnPanic::Exit, Some(MachineExit::GuestPanic)),
            (OnPanic::Reset, Some(MachineExit::Reset)),
        ] {
            let bench = bench(policy);
            bench.panics.report(PanicSource::Pvpanic);
            bench.panics.report(PanicSource::Sbi);
            bench.console.output(LINE);
            bench.look(PANIC_LOOP, 4);
            assert_eq!(bench.published(), [PanicSource::Pvpanic]);
            assert_eq!(bench.exit.get(), exit, "{policy:?}");
            assert_eq!(bench.panics.pace(Duration::MAX), None, "nothing is left to be found");
        }
    }

    #[test]
    fn a_line_of_a_guest_that_then_spins_is_a_panic() {
        let bench = bench(OnPanic::Exit);
        bench.look(PANIC_LOOP, 4);
        assert_eq!(bench.published(), [], "a busy kernel is none");
        bench.console.output(LINE);
        bench.look(PANIC_LOOP, 4);
        assert_eq!(bench.published(), [PanicSource::Console]);
        assert_eq!(bench.exit.get(), Some(MachineExit::GuestPanic));
    }

    #[test]
    fn a_line_of_a_guest_that_goes_on_is_none_and_the_next_may_be() {
        let bench = bench(OnPanic::Exit);
        bench.console.output(LINE);
        bench.look(IDLE, 20);
        bench.exit.request(MachineExit::PowerOff);
        assert_eq!((bench.published(), bench.exit.get()), (vec![], Some(MachineExit::PowerOff)));
        bench.console.output(LINE);
        bench.look(PANIC_LOOP, 2);
        assert_eq!(bench.published(), [PanicSource::Console]);
    }

    #[test]
    fn a_guest_that_ends_itself_behind_the_line_has_panicked() {
        for (policy, exit) in [
            (OnPanic::Report, MachineExit::PowerOff),
            (OnPanic::Exit, MachineExit::GuestPanic),
            (OnPanic::Reset, MachineExit::Reset),
        ] {
            let bench = bench(policy);
            bench.console.output(LINE);
            bench.exit.request(MachineExit::PowerOff);
            assert_eq!((bench.published(), bench.exit.get()), (vec![PanicSource::Console], Some(exit)));
        }
    }

    #[test]
    fn a_guest_whose_programs_end_it_behind_the_line_has_not() {
        let (bench, page) = (bench(OnPanic::Exit), Arc::<CounterPage>::default());
        bench.panics.set_harts(vec![Arc::clone(&page)]);
        bench.console.output(LINE);
        page.count_exception(ExceptionCause::UserEcall);
        bench.exit.request(MachineExit::PowerOff);
        assert_eq!((bench.published(), bench.exit.get()), (vec![], Some(MachineExit::PowerOff)));
    }

    #[test]
    fn a_machine_that_its_host_ends_behind_the_line_is_only_ended() {
        let bench = bench(OnPanic::Exit);
        bench.console.output(LINE);
        bench.exit.request(MachineExit::Timeout);
        assert_eq!((bench.published(), bench.exit.get()), (vec![], Some(MachineExit::Timeout)));
    }

    #[test]
    fn a_suspicion_wakes_who_waits_to_look() {
        let bench = bench(OnPanic::Report);
        let waiter = {
            let panics = Arc::clone(&bench.panics);
            std::thread::spawn(move || panics.wait(Duration::from_secs(3600)))
        };
        bench.console.output(LINE);
        assert!(waiter.join().unwrap());
        bench.panics.close();
        assert!(!bench.panics.wait(Duration::from_secs(3600)));
    }
}
