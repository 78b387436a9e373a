//! Tests of start, pause, resume and end, and of the events about them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use riscope_core::engine::{Engine, EngineContext, EngineFactory, EngineSetupError, Exit};
use riscope_core::event::{DomainEventBus, Event, Filter, VmEvent, VmId, VmState};
use riscope_core::hart::Hart;
use riscope_machine::{DiskSpec, ImageSource, Machine, MachineError, MachineExit};

use crate::asm::Asm;
use crate::support::{PATIENCE, Scratch, bare, kernel, run, spec, start};

fn retired(machine: &Machine) -> u64 {
    machine.counters().harts.iter().flat_map(|hart| hart.instructions()).sum()
}

/// Waits until harts have retired more than `before` instructions.
fn wait_for_more(machine: &Machine, before: u64) {
    let deadline = Instant::now() + PATIENCE;
    while retired(machine) <= before {
        assert!(Instant::now() < deadline, "nothing executes");
        std::thread::yield_now();
    }
}

#[test]
fn a_paused_machine_stands_still_and_resumes() {
    let (mut spec, _) = bare(Asm::new().spin());
    spec.harts = 3;
    let machine = start(&spec);
    for _ in 0..5 {
        wait_for_more(&machine, retired(&machine));
        machine.pause().unwrap();
        assert_eq!(machine.state(), VmState::Paused);
        let standing = retired(&machine);
        assert!(machine.pause().is_err());
        assert_eq!(machine.wait_timeout(Duration::from_millis(5)), None);
        assert_eq!(retired(&machine), standing);
        machine.resume().unwrap();
    }
    wait_for_more(&machine, retired(&machine));
    machine.stop();
    assert_eq!(machine.wait(), MachineExit::Stopped);
}

#[test]
fn machines_that_spin_sleep_or_are_paused_can_be_dropped() {
    let mut sleeper = Asm::new();
    let again = sleeper.here();
    sleeper.wfi().beqz(0, again);
    for program in [Asm::new().spin(), &mut sleeper] {
        for pause in [false, true] {
            let (mut spec, _) = kernel(program);
            // The second hart is never started: it waits in the SBI.
            spec.harts = 2;
            let machine = start(&spec);
            wait_for_more(&machine, 0);
            if pause {
                machine.pause().unwrap();
            }
            drop(machine);
        }
    }
    let (spec, _) = bare(Asm::new().spin());
    drop(Machine::new(&spec).unwrap());
}

#[test]
fn a_machine_whose_time_is_up_is_ended() {
    let (spec, _) = bare(Asm::new().spin());
    let machine = start(&spec);
    assert_eq!(machine.wait_or_expire(Duration::ZERO), MachineExit::Timeout);
    assert_eq!(machine.state(), VmState::Stopped);
    machine.stop();
    assert_eq!(machine.wait(), MachineExit::Timeout, "the first reason stays");
}

#[test]
fn a_machine_starts_once() {
    let (spec, _) = bare(Asm::new().spin());
    let machine = start(&spec);
    assert!(matches!(machine.start(), Err(MachineError::State(_))));
    machine.stop();
    machine.wait();
    assert!(matches!(machine.start(), Err(MachineError::State(_))));
    assert!(machine.resume().is_err());
}

#[test]
fn a_life_is_told_in_order() {
    let bus = DomainEventBus::new();
    let events = bus.subscribe("test", Filter::all(), 64);
    let (mut spec, _) = bare(Asm::new().finish(9 << 16 | 0x3333));
    spec.vm_id = VmId::from_u128(5);
    spec.name = "five".into();
    spec.harts = 2;
    spec.bus = Some(bus);
    assert_eq!(run(&spec), MachineExit::Failure(9));
    let story: Vec<String> = std::iter::from_fn(|| events.try_recv().ok())
        .map(|envelope| {
            assert_eq!(envelope.vm_id, VmId::from_u128(5));
            match envelope.event {
                Event::Vm(VmEvent::Created { name, engine, vcpus, .. }) => format!("{name} {engine} {vcpus}"),
                Event::Vm(VmEvent::StateChanged { to, .. }) => to.as_str().into(),
                Event::Vm(VmEvent::BootPhaseCompleted { phase, start_ns, end_ns, .. }) => {
                    assert!(start_ns <= end_ns);
                    phase.as_str().into()
                }
                Event::Vm(VmEvent::Exited { reason, code, .. }) => format!("{} {code}", reason.as_str()),
                other => other.event_type().into(),
            }
        })
        .collect();
    let expected = [
        "five interpreter 2",
        "load",
        "fdt",
        "created",
        "running",
        "stopping",
        "guest_failure 9",
        "stopped",
        "vm.deleted",
    ];
    assert_eq!(story, expected);
}

#[test]
fn what_is_wrong_is_said_with_the_name_of_the_file() {
    let (mut bad_kernel, _) = spec();
    bad_kernel.kernel = Some(ImageSource::bytes("letter.txt", *b"Dear Sir or Madam"));
    let (mut bad_disk, _) = bare(Asm::new().spin());
    bad_disk.disks = vec![DiskSpec::path("/nonexistent/disk.img", false)];
    let (nothing, _) = spec();
    for (spec, wanted) in [(bad_kernel, "letter.txt"), (bad_disk, "disk.img"), (nothing, "kernel")] {
        let text = Machine::new(&spec).unwrap_err().to_string();
        assert!(text.contains(wanted), "{text}");
    }
}

#[test]
fn a_disk_is_free_again_after_the_machine() {
    let scratch = Scratch::new();
    let path = scratch.path().join("disk");
    std::fs::write(&path, [0; 4096]).unwrap();
    let (mut spec, _) = bare(Asm::new().finish(0x7777));
    spec.disks = vec![DiskSpec::path(&path, false)];
    let machine = start(&spec);
    assert_eq!(machine.wait_or_expire(PATIENCE), MachineExit::Reset);
    let text = Machine::new(&spec).unwrap_err().to_string();
    assert!(text.contains("another machine"), "{text}");
    drop(machine);
    assert_eq!(run(&spec), MachineExit::Reset);
}

/// An engine that panics.
#[derive(Debug)]
struct Broken;

impl Engine for Broken {
    fn run(&mut self, _hart: &mut Hart, _limit: u64) -> Exit {
        panic!("this panic is part of the test");
    }
}

/// Factory of a broken engine; counts the requests.
#[derive(Debug, Default)]
struct BrokenFactory(AtomicUsize);

impl EngineFactory for BrokenFactory {
    fn name(&self) -> &'static str {
        "broken"
    }

    fn engines(&self, _context: &EngineContext, harts: usize) -> Result<Vec<Box<dyn Engine>>, EngineSetupError> {
        self.0.fetch_add(harts, Ordering::SeqCst);
        Ok((0..harts).map(|_| Box::new(Broken) as _).collect())
    }
}

#[test]
fn a_panic_of_a_hart_fails_its_machine_only() {
    let (mut spec, _) = bare(Asm::new().spin());
    let factory = Arc::new(BrokenFactory::default());
    spec.engine = Arc::clone(&factory) as _;
    spec.harts = 2;
    let machine = start(&spec);
    assert_eq!(machine.wait_or_expire(PATIENCE), MachineExit::Crashed);
    assert_eq!(machine.state(), VmState::Failed);
    assert_eq!(factory.0.load(Ordering::SeqCst), 2);
}
