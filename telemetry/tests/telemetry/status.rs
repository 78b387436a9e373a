//! Tests of the present state of machines as plain data.

use riscope_core::counters::Fact;
use riscope_core::event::{Event, Family, PanicSource, Tier, VmEvent, VmId, VmState};
use riscope_telemetry::{BlockSizes, MachineStatus, TelemetryConfig};

use crate::fixture::{Fixture, compiled, counters, created, deleted, device_failed, hotspot, reset, state};

fn panicked(vm_id: VmId) -> (VmId, Event) {
    (vm_id, VmEvent::GuestPanicked { source: PanicSource::Sbi }.into())
}

fn only(fixture: &Fixture) -> MachineStatus {
    let machines = fixture.telemetry.machines();
    assert_eq!(machines.len(), 1);
    machines.into_iter().next().expect("there is one")
}

#[test]
fn a_machine_is_as_its_events_say_until_it_is_deleted() {
    let (fixture, vm) = (Fixture::new(TelemetryConfig::default()), VmId::from_u128(1));
    fixture.publish([created(vm, "guest")]);
    assert!(fixture.telemetry.machines().is_empty(), "it has no counters yet");
    fixture.telemetry.register_vm(counters(vm, "guest", 2));
    fixture.publish([
        state(vm, VmState::Created, VmState::Booting),
        state(vm, VmState::Booting, VmState::Running),
        hotspot(vm, 0x100),
        compiled(vm, 0x100, 5),
        device_failed(vm),
        (vm, VmEvent::HartStalled { vcpu: 1 }.into()),
        panicked(vm),
    ]);
    let status = only(&fixture);
    assert_eq!((status.state, status.resets, status.panics, status.has_panicked), (VmState::Running, 0, 1, true));
    assert!(status.booted_ns.is_some());
    assert_eq!(status.stalled, [1]);
    assert_eq!(status.device_errors, [("virtio-blk", "disk0".into(), "read", 1)]);
    assert_eq!(status.events.of(Fact::Blocks(Tier::Baseline)), 1);
    assert_eq!(status.counters.harts.len(), 2);
    let kinds: Vec<&str> = status.history.iter().map(|envelope| envelope.event.event_type()).collect();
    assert_eq!(kinds[..3], ["vm.created", "vm.state_changed", "vm.state_changed"]);
    assert!(status.history.iter().all(|envelope| envelope.event.family() != Family::Execution));
    fixture.publish([reset(vm, 2)]);
    let status = only(&fixture);
    assert_eq!((status.resets, status.panics, status.has_panicked), (1, 1, false));
    assert!(status.stalled.is_empty());
    fixture.publish([deleted(vm)]);
    assert!(fixture.telemetry.machines().is_empty());
}

#[test]
fn the_history_of_a_machine_is_bounded_and_ends_with_its_last_event() {
    let (fixture, vm) = (Fixture::new(TelemetryConfig::default()), VmId::from_u128(1));
    fixture.telemetry.register_vm(counters(vm, "guest", 1));
    fixture.publish((0..1000).map(|_| device_failed(vm)).chain([panicked(vm)]));
    let history = only(&fixture).history;
    assert_eq!(history.len(), 64);
    assert_eq!(history.last().map(|envelope| envelope.event.event_type()), Some("vm.guest_panicked"));
    assert!(history.is_sorted_by_key(|envelope| envelope.sequence));
}

#[test]
fn block_sizes_are_those_of_the_metrics() {
    let (fixture, vm) = (Fixture::new(TelemetryConfig::default()), VmId::from_u128(1));
    fixture.publish((0..7).map(|block| compiled(vm, 0x100 * block, 5)));
    let sizes = fixture.telemetry.block_sizes();
    assert_eq!(sizes.iter().map(|sizes| sizes.tier).collect::<Vec<_>>(), Tier::ALL[1..]);
    for BlockSizes { tier, counts } in sizes {
        let expected = if tier == Tier::Baseline { 7 } else { 0 };
        assert_eq!((counts.len(), counts.iter().sum::<u64>()), (BlockSizes::BOUNDS.len() + 1, expected));
        // Blocks of 48 bytes.
        let bucket = BlockSizes::BOUNDS.iter().position(|&bound| bound >= 48.0).expect("a bound");
        assert_eq!(counts[bucket], expected);
    }
}
