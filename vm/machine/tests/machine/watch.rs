//! Tests of the detection of guest panics and stalled harts.

use std::time::{Duration, Instant};

use riscope_core::event::{DomainEventBus, Event, Filter, PanicSource, Subscription, VmEvent, VmEventType};
use riscope_machine::{Machine, MachineExit, MachineSpec, OnPanic};

use crate::asm::{A0, A1, Asm, MHARTID, MIE, SIE, T0, T1, TIME, ZERO};
use crate::support::{PATIENCE, bare, kernel, start};

/// Stall threshold of these tests.
const STALL: Duration = Duration::from_millis(200);

const PANIC: &str = "[    1.000000] Kernel panic - not syncing: test\n";

/// SBI extensions.
const SRST: u64 = 0x5352_5354;
const SET_TIMER: u64 = 0x5449_4d45;

/// Subscribes to the panic and stall events of the machines of `spec`.
fn watch(spec: &mut MachineSpec, on_panic: OnPanic) -> Subscription {
    let bus = DomainEventBus::new();
    let types = [VmEventType::GuestPanicked, VmEventType::HartStalled, VmEventType::HartResumed];
    let events = bus.subscribe("test", Filter::all().types(&types.map(Into::into)), 64);
    spec.bus = Some(bus);
    spec.watch.stall_after = STALL;
    spec.watch.on_panic = on_panic;
    events
}

/// The next event; fails if none arrives.
fn next(events: &Subscription) -> VmEvent {
    match events.recv_timeout(PATIENCE).expect("something happens").event {
        Event::Vm(event) => event,
        other => panic!("{other:?}"),
    }
}

/// All events so far.
fn rest(events: &Subscription) -> Vec<Event> {
    std::iter::from_fn(|| events.try_recv().ok()).map(|envelope| envelope.event).collect()
}

fn panicked(source: PanicSource) -> Event {
    VmEvent::GuestPanicked { source }.into()
}

/// Runs the machine until it ends, with a time limit for failing tests.
fn end(machine: &Machine) -> MachineExit {
    machine.wait_or_expire(PATIENCE)
}

/// Polls the serial port for a key, with interrupts off.
fn poll_for_key(program: &mut Asm) {
    program.li(T0, 0x1000_0005);
    let again = program.here();
    // Bit 0 of the line status; the others are those of the transmitter, which is always
    // ready.
    program.lbu(T1, T0).addi(T1, T1, -0x60).beqz(T1, again);
    program.li(T0, 0x1000_0000).lbu(T1, T0);
}

#[test]
fn a_hart_that_spins_with_interrupts_off_is_stalled_until_it_no_longer_is() {
    let mut program = Asm::new();
    program.li(T0, 1 << 5).csrw(SIE, T0).csrr(A0, TIME).sbi(SET_TIMER, 0);
    poll_for_key(&mut program);
    program.li(A0, u64::MAX).sbi(SET_TIMER, 0).spin();
    let (mut spec, _) = kernel(&program);
    let events = watch(&mut spec, OnPanic::Report);
    let before = Instant::now();
    let machine = start(&spec);
    assert_eq!(next(&events), VmEvent::HartStalled { vcpu: 0 });
    assert!(before.elapsed() >= STALL);
    machine.console().push_input(b"x");
    assert_eq!(next(&events), VmEvent::HartResumed { vcpu: 0 });
}

#[test]
fn harts_that_poll_or_sleep_are_not_stalled_by_what_they_did_not_enable() {
    let mut program = Asm::new();
    // Makes the timers of all harts expire.
    program.poke(0x200_4000, 0).poke(0x200_4004, 0).poke(0x200_4010, 0).poke(0x200_4014, 0);
    program.poke(0x200_4008, 0).poke(0x200_400c, 0);
    program.csrr(T0, MHARTID).addi(T0, T0, -1);
    let mut hangs = Asm::new();
    hangs.li(T0, 1 << 7).csrw(MIE, T0).spin();
    let behind = program.here() + 4 + hangs.bytes().len();
    program.bnez(T0, behind).append(&hangs);
    let mut sleeps = Asm::new();
    sleeps.wfi().beqz(ZERO, 0);
    program.addi(T0, T0, -1);
    let behind = program.here() + 4 + sleeps.bytes().len();
    program.bnez(T0, behind).append(&sleeps);
    poll_for_key(&mut program);
    program.spin();
    let (mut spec, _) = bare(&program);
    spec.harts = 3;
    let events = watch(&mut spec, OnPanic::Report);
    let machine = start(&spec);
    assert_eq!(next(&events), VmEvent::HartStalled { vcpu: 1 });
    machine.stop();
    end(&machine);
    assert_eq!(rest(&events), [], "nobody else");
}

#[test]
fn a_kernel_that_panics_and_spins_is_found_by_its_line() {
    let (mut spec, capture) = kernel(Asm::new().print(PANIC).spin());
    let events = watch(&mut spec, OnPanic::Exit);
    assert_eq!(end(&start(&spec)), MachineExit::GuestPanic);
    assert_eq!(rest(&events), [panicked(PanicSource::Console)]);
    assert_eq!(capture.text(), PANIC);
}

#[test]
fn a_kernel_that_panics_and_resets_itself_has_done_both() {
    let mut program = Asm::new();
    program.print(PANIC).li(A0, 1).li(A1, 0).sbi(SRST, 0);
    for (policy, exit) in [(OnPanic::Report, MachineExit::Reset), (OnPanic::Exit, MachineExit::GuestPanic)] {
        let (mut spec, _) = kernel(&program);
        let events = watch(&mut spec, policy);
        assert_eq!(end(&start(&spec)), exit);
        assert_eq!(rest(&events), [panicked(PanicSource::Console)]);
    }
}

#[test]
fn a_system_failure_and_the_panic_device_are_panics() {
    let mut failure = Asm::new();
    failure.li(A0, 0).li(A1, 1).sbi(SRST, 0);
    let mut device = Asm::new();
    device.li(T0, 0x10_2000).li(T1, 1).sb(T1, T0).finish(0x5555);
    for (program, source) in [(failure, PanicSource::Sbi), (device, PanicSource::Pvpanic)] {
        for (policy, exit) in [(OnPanic::Exit, MachineExit::GuestPanic), (OnPanic::Reset, MachineExit::Reset)] {
            let (mut spec, _) = kernel(&program);
            let events = watch(&mut spec, policy);
            assert_eq!(end(&start(&spec)), exit);
            assert_eq!(rest(&events), [panicked(source)]);
        }
    }
}

#[test]
fn a_panic_does_not_last_beyond_a_reset() {
    let mut program = Asm::new();
    program.print(PANIC).li(A0, 1).li(A1, 0).sbi(SRST, 0);
    let (mut spec, _) = kernel(&program);
    spec.reboot = true;
    let events = watch(&mut spec, OnPanic::Report);
    let mut machine = start(&spec);
    for _ in 0..3 {
        assert_eq!(end(&machine), MachineExit::Reset);
        assert_eq!(next(&events), VmEvent::GuestPanicked { source: PanicSource::Console });
        let lineage = machine.lineage();
        drop(machine);
        machine = Machine::reset(&spec, lineage).unwrap();
        machine.start().unwrap();
    }
}
