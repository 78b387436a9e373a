//! Tests of where the CPU time of harts goes, as it is sampled.

use std::time::{Duration, Instant};

use riscope_core::counters::HartActivity;
use riscope_core::event::DomainEventBus;
use riscope_machine::{Machine, MachineSpec};

use crate::asm::{A0, Asm, T0, T1, ZERO};
use crate::support::{PATIENCE, bare, start};

/// CPU time by activity of the first hart.
fn cpu_ns(machine: &Machine) -> [u64; HartActivity::ALL.len()] {
    machine.counters().harts[0].cpu_ns()
}

/// Waits until the hart has used this much CPU time in `activity`.
fn wait_for(machine: &Machine, activity: HartActivity, time: Duration) {
    let started = Instant::now();
    while u128::from(cpu_ns(machine)[activity.index()]) < time.as_nanos() {
        assert!(started.elapsed() < PATIENCE, "{:?}", cpu_ns(machine));
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn observed(mut spec: MachineSpec) -> MachineSpec {
    spec.bus = Some(DomainEventBus::new());
    spec
}

#[test]
fn cpu_time_goes_to_the_interpreter_and_its_sum_is_no_more_than_the_time_that_passed() {
    let mut spin = Asm::new();
    let again = spin.here();
    spin.addi(A0, A0, 1).beqz(ZERO, again);
    let started = Instant::now();
    let machine = start(&observed(bare(&spin).0));
    wait_for(&machine, HartActivity::Interpreter, Duration::from_secs(1));
    let spent = cpu_ns(&machine);
    let (sum, passed) = (spent.iter().sum::<u64>(), started.elapsed());
    assert!(u128::from(sum) <= passed.as_nanos(), "{spent:?} in {passed:?}");
    assert!(spent[HartActivity::Interpreter.index()] > sum / 2, "{spent:?}");
    machine.stop();
    machine.wait();
}

#[test]
fn time_in_a_device_is_told_from_that_of_the_interpreter() {
    let mut read = Asm::new();
    read.li(T0, 0x1000_0005);
    let again = read.here();
    read.lbu(T1, T0).beqz(ZERO, again);
    let machine = start(&observed(bare(&read).0));
    wait_for(&machine, HartActivity::Device, Duration::from_millis(20));
    wait_for(&machine, HartActivity::Interpreter, Duration::from_millis(20));
    machine.stop();
    machine.wait();
}

#[test]
fn a_hart_that_sleeps_uses_no_cpu_time_and_is_asleep() {
    let mut sleep = Asm::new();
    let again = sleep.here();
    sleep.wfi().beqz(ZERO, again);
    let machine = start(&observed(bare(&sleep).0));
    let started = Instant::now();
    let idle = || machine.counters().harts[0].time_ns()[1];
    while idle() < 500_000_000 {
        assert!(started.elapsed() < PATIENCE, "it does not sleep");
        std::thread::sleep(Duration::from_millis(5));
    }
    let sum = cpu_ns(&machine).iter().sum::<u64>();
    assert!(sum < 100_000_000, "{:?}", cpu_ns(&machine));
    machine.stop();
    machine.wait();
}
