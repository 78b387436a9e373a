//! Signals: termination, the flight recorder, job control, terminal resize and the CPU time limit.

use std::sync::Arc;

use rustix::process::{Signal as Number, getpid, kill_process};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::flight::Flight;
use crate::stop::Stopper;
use crate::terminal::Terminal;
use crate::trouble::Trouble;

/// Registered signal handlers.
#[derive(Debug)]
pub(crate) struct Signals {
    /// Signal by which service managers end a process: the guest may shut down.
    terminates: Signal,
    /// Signals by which users end a process.
    ends: Vec<Signal>,
    /// Signal at which the flight recorder is written.
    dumps: Signal,
    suspends: Signal,
    resumes: Signal,
    resizes: Signal,
    limits: Signal,
}

impl Signals {
    /// Registers the handlers. Call within a runtime.
    ///
    /// # Errors
    /// The host's, if it does not allow handling them.
    pub(crate) fn register() -> std::io::Result<Self> {
        // Those without a meaning here would end the process by default and leave the terminal raw.
        let kinds = [
            SignalKind::interrupt(),
            SignalKind::hangup(),
            SignalKind::quit(),
            SignalKind::user_defined2(),
            SignalKind::alarm(),
        ];
        Ok(Self {
            terminates: signal(SignalKind::terminate())?,
            ends: kinds.into_iter().map(signal).collect::<Result<_, _>>()?,
            dumps: signal(SignalKind::user_defined1())?,
            suspends: signal(SignalKind::from_raw(Number::TSTP.as_raw()))?,
            resumes: signal(SignalKind::from_raw(Number::CONT.as_raw()))?,
            resizes: signal(SignalKind::window_change())?,
            limits: signal(SignalKind::from_raw(Number::XCPU.as_raw()))?,
        })
    }

    /// Handles signals, in tasks of the runtime.
    pub(crate) fn obey(self, stopper: &Stopper, terminal: &Arc<Terminal>, trouble: &Trouble, flight: &Arc<Flight>) {
        let Self { mut terminates, ends, mut dumps, mut suspends, mut resumes, mut resizes, mut limits } = self;
        let asking = stopper.clone();
        tokio::spawn(async move {
            while terminates.recv().await.is_some() {
                asking.shut_down();
            }
        });
        for mut signals in ends {
            let stopper = stopper.clone();
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    stopper.stop();
                }
            });
        }
        let recorder = Arc::clone(flight);
        tokio::spawn(async move {
            while dumps.recv().await.is_some() {
                recorder.dump_aside();
            }
        });
        let (stopper, trouble) = (stopper.clone(), trouble.clone());
        tokio::spawn(async move {
            if limits.recv().await.is_some() {
                trouble.cpu_time();
                stopper.stop();
            }
        });
        let given = Arc::clone(terminal);
        tokio::spawn(async move {
            while suspends.recv().await.is_some() {
                given.suspend();
                // A process can always stop itself.
                let _ = kill_process(getpid(), Number::STOP);
            }
        });
        let taken = Arc::clone(terminal);
        tokio::spawn(async move {
            while resumes.recv().await.is_some() {
                taken.resume();
            }
        });
        let resized = Arc::clone(terminal);
        tokio::spawn(async move {
            while resizes.recv().await.is_some() {
                resized.resized();
            }
        });
    }
}
