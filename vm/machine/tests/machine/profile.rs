//! Tests of the profiler with machines of small guests.

use std::num::NonZeroU32;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use riscope_core::hart::{PrivilegeMode, ProfileSample};
use riscope_core::mem::GuestRam;
use riscope_machine::profile::{Capture, CaptureError, CaptureSpec, Profiler, SampleSink};

use crate::asm::{A0, Asm, ZERO};
use crate::support::{PATIENCE, bare, start};

/// What a sink is told.
#[derive(Debug)]
enum Told {
    Sample(ProfileSample),
    Finished { lost: u64 },
}

struct Teller(Sender<Told>);

impl SampleSink for Teller {
    fn take(&mut self, sample: &ProfileSample, ram: &GuestRam) {
        assert!(ram.size() > 0);
        let _ = self.0.send(Told::Sample(sample.clone()));
    }

    fn finish(self: Box<Self>, _duration: Duration, lost: u64) {
        let _ = self.0.send(Told::Finished { lost });
    }
}

fn capture(profiler: &Profiler, limit: Option<Duration>) -> Result<(Capture, Receiver<Told>), CaptureError> {
    let (sender, told) = channel();
    let spec = CaptureSpec { rate: NonZeroU32::new(1000).unwrap(), limit };
    profiler.start(spec, Box::new(Teller(sender))).map(|capture| (capture, told))
}

fn spinning() -> Asm {
    let mut spin = Asm::new();
    let again = spin.here();
    spin.addi(A0, A0, 1).beqz(ZERO, again);
    spin
}

/// Waits for a sample.
fn sample(told: &Receiver<Told>) -> ProfileSample {
    match told.recv_timeout(PATIENCE) {
        Ok(Told::Sample(sample)) => sample,
        other => panic!("no sample: {other:?}"),
    }
}

#[test]
fn a_hart_is_sampled_where_it_is_until_the_capture_ends() {
    let machine = start(&bare(&spinning()).0);
    let profiler = Profiler::default();
    profiler.watch(&machine);
    let (taken, told) = capture(&profiler, None).unwrap();
    for _ in 0..20 {
        let sample = sample(&told);
        assert_eq!((sample.hart, sample.mode), (0, PrivilegeMode::Machine));
        let pc = sample.stack.addresses[0];
        assert!((0x8000_0000..0x8000_0008).contains(&pc), "{pc:#x}");
    }
    taken.finish();
    let last = told.iter().last();
    assert!(matches!(last, Some(Told::Finished { lost: 0 })), "{last:?}");
    machine.stop();
    machine.wait();
}

#[test]
fn there_is_one_capture_at_a_time_and_one_that_is_dropped_ends() {
    let machine = start(&bare(&spinning()).0);
    let profiler = Profiler::default();
    profiler.watch(&machine);
    let (first, told) = capture(&profiler, None).unwrap();
    assert!(matches!(capture(&profiler, None), Err(CaptureError::Busy)));
    drop(first);
    assert!(matches!(told.iter().last(), Some(Told::Finished { .. })));
    let (second, told) = capture(&profiler, Some(Duration::from_millis(50))).unwrap();
    assert!(matches!(told.iter().last(), Some(Told::Finished { .. })), "it has its limit");
    let (third, told) = capture(&profiler, None).unwrap();
    drop(second);
    sample(&told);
    sample(&told);
    third.finish();
    machine.stop();
    machine.wait();
}

#[test]
fn a_capture_goes_on_with_the_machine_of_the_next_boot() {
    let spec = bare(&spinning()).0;
    let profiler = Profiler::default();
    let (taken, told) = capture(&profiler, None).unwrap();
    for _ in 0..2 {
        let machine = start(&spec);
        profiler.watch(&machine);
        sample(&told);
        machine.stop();
        machine.wait();
    }
    taken.finish();
}
