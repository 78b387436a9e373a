//! Tests of kernels in S-mode under the built-in SBI.

use riscope_machine::{MachineExit, TimeSource};

use crate::asm::{A0, A1, A2, Asm, SIE, SIP, T0, T1, T2, TIME, ZERO, image_address};
use crate::support::{PATIENCE, kernel, run, start};

const TIMER: u64 = 0x5449_4d45;
const IPI: u64 = 0x73_5049;
const RFENCE: u64 = 0x5246_4e43;
const HSM: u64 = 0x48_534d;
const SRST: u64 = 0x5352_5354;

const SSIP: u64 = 1 << 1;
const STIP: u64 = 1 << 5;

fn shut_down(program: &mut Asm) -> &mut Asm {
    program.li(A0, 0).li(A1, 0).sbi(SRST, 0).spin()
}

#[test]
fn a_kernel_prints_and_shuts_down_through_the_sbi() {
    let mut program = Asm::new();
    for byte in *b"sbi" {
        program.li(A0, byte.into()).sbi(1, 0);
    }
    let (spec, capture) = kernel(shut_down(&mut program));
    assert_eq!(run(&spec), MachineExit::PowerOff);
    assert_eq!(capture.text(), "sbi");
}

#[test]
fn a_kernel_gets_hart_id_and_device_tree() {
    let result = 0x8080_0000;
    let mut program = Asm::new();
    program.li(T0, result).sd(A0, T0).addi(T0, T0, 8).ld(T1, A1).sd(T1, T0);
    let (spec, _) = kernel(shut_down(&mut program));
    let machine = start(&spec);
    assert_eq!(machine.wait_or_expire(PATIENCE), MachineExit::PowerOff);
    let words: [u64; 2] = vm_memory::Bytes::read_obj(machine.ram().memory(), vm_memory::GuestAddress(result)).unwrap();
    assert_eq!(words[0], 0);
    assert_eq!(words[1].to_le_bytes()[..4], [0xd0, 0x0d, 0xfe, 0xed]);
}

/// Sets the timer 1 ms ahead and sleeps until it is pending.
fn sleeping_program() -> Asm {
    let mut program = Asm::new();
    program.li(T0, STIP).csrw(SIE, T0);
    program.csrr(A0, TIME).li(T0, 10_000).add(A0, A0, T0).sbi(TIMER, 0);
    let sleep = program.here();
    program.wfi().csrr(T1, SIP).beqz(T1, sleep);
    shut_down(&mut program);
    program
}

#[test]
fn the_timer_wakes_a_sleeping_hart() {
    let (spec, _) = kernel(&sleeping_program());
    let machine = start(&spec);
    assert_eq!(machine.wait_or_expire(PATIENCE), MachineExit::PowerOff);
    assert!(machine.clock().now() >= 10_000, "it slept less than it had to");
}

#[test]
fn a_deterministic_machine_repeats_itself() {
    let results = [(); 2].map(|()| {
        let (mut spec, _) = kernel(&sleeping_program());
        spec.time = TimeSource::Instructions;
        let machine = start(&spec);
        assert_eq!(machine.wait_or_expire(PATIENCE), MachineExit::PowerOff);
        let mut memory = vec![0; 16 << 20];
        vm_memory::Bytes::read_slice(machine.ram().memory(), &mut memory, vm_memory::GuestAddress(0x8000_0000))
            .unwrap();
        (machine.clock().now(), machine.counters().harts[0].instructions(), memory)
    });
    assert!(results[0] == results[1], "clock, counts or memory differ");
    assert!(results[0].0 >= 10_000);
}

/// Hart 0 starts hart 1, which sends it an IPI when it is up; then both fence each other a
/// hundred times, and hart 1 stops.
#[test]
fn harts_start_interrupt_and_fence_each_other() {
    let done = 0x8080_0000;
    let mut second = Asm::new();
    // `a1` is the opaque value: the address at which to report completion.
    second.add(T2, A1, ZERO);
    second.li(A0, 1).li(A1, 0).sbi(IPI, 0);
    fence_hundred_times(&mut second, 1);
    second.li(T0, 1).sd(T0, T2);
    second.sbi(HSM, 1);
    second.print("a stopped hart ran on").spin();

    let mut first = Asm::new();
    // The second program follows the first, whose length does not depend on where that is.
    let first = loop {
        let length = first.here();
        first = Asm::new();
        first.li(T0, SSIP).csrw(SIE, T0);
        first.li(A0, 1).li(A1, image_address(length)).li(A2, done).sbi(HSM, 0);
        let sleep = first.here();
        first.wfi().csrr(T1, SIP).beqz(T1, sleep).csrw(SIP, ZERO);
        fence_hundred_times(&mut first, 0);
        first.li(T0, done);
        let wait = first.here();
        first.ld(T1, T0).beqz(T1, wait);
        // Until its status is "stopped".
        let poll = first.here();
        first.li(A0, 1).sbi(HSM, 2).addi(A1, A1, -1).bnez(A1, poll);
        first.print("both done");
        shut_down(&mut first);
        if first.here() == length {
            break first;
        }
    };
    let mut both = first;
    both.append(&second);
    let (mut spec, capture) = kernel(&both);
    spec.harts = 2;
    assert_eq!(run(&spec), MachineExit::PowerOff);
    assert_eq!(capture.text(), "both done");
}

/// Remote `fence.i` and `sfence.vma` at both harts, in a loop that counts `a3` down.
fn fence_hundred_times(program: &mut Asm, parity: u64) {
    const A3: u32 = 13;
    program.li(A3, 100);
    let again = program.here();
    program.li(A0, 0b11).li(A1, 0).sbi(RFENCE, parity);
    program.li(A0, 0b11).li(A1, 0).sbi(RFENCE, 1 - parity);
    program.addi(A3, A3, -1).bnez(A3, again);
}

#[test]
fn a_shutdown_because_of_a_failure_is_one() {
    let mut program = Asm::new();
    program.li(A0, 0).li(A1, 1).sbi(SRST, 0).spin();
    let (spec, _) = kernel(&program);
    assert_eq!(run(&spec), MachineExit::Failure(1));
}

#[test]
fn a_reset_is_served_by_building_the_machine_again() {
    let mut program = Asm::new();
    program.print("up ").li(A0, 1).li(A1, 0).sbi(SRST, 0).spin();
    let (spec, capture) = kernel(&program);
    assert_eq!(run(&spec), MachineExit::Reset);
    assert_eq!(run(&spec), MachineExit::Reset);
    assert_eq!(capture.text(), "up up ");
}
