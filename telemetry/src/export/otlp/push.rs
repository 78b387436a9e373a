//! Thread that reads the registry at an interval and sends what it reads.
//!
//! Nothing is queued: what could not be sent is part of what is sent next, as sums are cumulative.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender as Channel, bounded};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use prometheus::proto::MetricFamily;
use prost::Message as _;
use riscope_core::event::wall_ns;

use super::delivery::Delivery;
use super::points::{Origin, requests};
use super::sender::Sender;
use crate::metric::samples::to_ns;
use crate::process;

/// Export of metrics that has not started.
#[derive(Debug)]
pub(crate) struct Plan {
    sender: Sender,
    delivery: Arc<Delivery>,
    interval: Duration,
    origin: Origin,
}

impl Plan {
    pub(super) fn new(
        sender: Sender,
        delivery: Arc<Delivery>,
        interval: Duration,
        resource: &opentelemetry_sdk::Resource,
    ) -> Self {
        let attributes = ResourceAttributesWithSchema::from(resource).attributes.0;
        let resource = Resource { attributes, ..Resource::default() };
        let start_ns = process::start_time().map_or_else(wall_ns, to_ns);
        Self { sender, delivery, interval, origin: Origin { resource, start_ns } }
    }

    /// Sends metrics once, until `deadline`; without one, what comes from `quit` ends only waits between repetitions.
    fn push(&self, gather: &impl Fn() -> Vec<MetricFamily>, deadline: Option<Instant>, quit: &Receiver<Instant>) {
        for (request, points) in requests(&gather(), &self.origin, wall_ns()) {
            self.delivery.sending_unqueued(points);
            // A message that came stays in the channel for the loop.
            let pause = |wait| deadline.is_none() && !is_ready_within(quit, wait);
            let failure = self.sender.send(request.encode_to_vec(), deadline, pause);
            self.delivery.done(points, failure);
        }
    }
}

/// Whether something comes from `quit`, or its other end is dropped, within `wait`; does not take it.
fn is_ready_within(quit: &Receiver<Instant>, wait: Duration) -> bool {
    let mut select = crossbeam_channel::Select::new();
    select.recv(quit);
    select.ready_timeout(wait).is_ok()
}

/// Handle that ends the thread.
#[derive(Clone, Debug)]
pub(crate) struct Quitter(Channel<Instant>);

impl Quitter {
    /// Has metrics sent for the last time, and the thread end, by `deadline`.
    pub(crate) fn quit(&self, deadline: Instant) {
        // It has been asked before, or has ended.
        let _ = self.0.try_send(deadline);
    }
}

/// Handle to the thread.
#[derive(Debug)]
pub(crate) struct Push {
    quitter: Quitter,
    thread: JoinHandle<()>,
    /// Disconnected when the thread has finished.
    done: Receiver<()>,
}

impl Push {
    /// Starts the thread, which reads metrics by `gather`.
    ///
    /// # Errors
    /// If the system cannot create it.
    pub(crate) fn start(
        plan: Plan,
        gather: impl Fn() -> Vec<MetricFamily> + Send + 'static,
    ) -> Result<Self, io::Error> {
        let (quit, quitting) = bounded(1);
        let (done_sender, done) = bounded(0);
        let thread = std::thread::Builder::new().name("otlp-metrics".to_owned()).spawn(move || {
            run(&plan, &gather, &quitting);
            drop::<Channel<()>>(done_sender);
        })?;
        Ok(Self { quitter: Quitter(quit), thread, done })
    }

    /// Handle that ends the thread.
    pub(crate) fn quitter(&self) -> Quitter {
        self.quitter.clone()
    }

    /// Waits for the end of the thread; detaches it if it has not ended by `deadline`.
    pub(crate) fn join(self, deadline: Instant) -> bool {
        let ended = self.done.recv_deadline(deadline) == Err(RecvTimeoutError::Disconnected);
        ended && self.thread.join().is_ok()
    }
}

fn run(plan: &Plan, gather: &impl Fn() -> Vec<MetricFamily>, quit: &Receiver<Instant>) {
    let mut next = Instant::now().checked_add(plan.interval);
    loop {
        let asked = match next {
            Some(next) => quit.recv_deadline(next),
            // The interval exceeds the clock.
            None => quit.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match asked {
            Ok(deadline) => return plan.push(gather, Some(deadline), quit),
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => plan.push(gather, None, quit),
        }
        let now = Instant::now();
        // After an export that took longer than the interval, the next one does not follow at once.
        next = next.and_then(|next| next.max(now.checked_sub(plan.interval).unwrap_or(now)).checked_add(plan.interval));
    }
}
