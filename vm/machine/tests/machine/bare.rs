//! Tests of bare-metal programs in M-mode: test device, serial port, HTIF, several harts.

use riscope_machine::{ImageSource, Machine, MachineExit};
use vm_memory::{Bytes, GuestAddress};

use crate::asm::{A0, A1, A2, Asm, T0, T1, T2, ZERO};
use crate::elf_file::{ElfFile, FileSegment};
use crate::support::{PATIENCE, Scratch, bare, run, spec, start};

const BASE: u64 = 0x8000_0000;

#[test]
fn the_test_device_ends_a_machine() {
    for (value, exit) in
        [(0x5555, MachineExit::PowerOff), (0x7777, MachineExit::Reset), (42 << 16 | 0x3333, MachineExit::Failure(42))]
    {
        let (spec, _) = bare(Asm::new().finish(value));
        assert_eq!(run(&spec), exit);
    }
}

#[test]
fn the_serial_port_prints() {
    let (spec, capture) = bare(Asm::new().print("hello, world\n").finish(0x5555));
    assert_eq!(run(&spec), MachineExit::PowerOff);
    assert_eq!(capture.text(), "hello, world\n");
}

#[test]
fn the_serial_port_reads() {
    let mut program = Asm::new();
    program.li(T0, 0x1000_0005).li(T1, 0x1000_0000);
    // Polls LSR until data is ready: bit 0, here by its distance from 0x60.
    let poll = program.here();
    program.lbu(T2, T0).addi(T2, T2, -0x60).beqz(T2, poll);
    program.lbu(T2, T1).sb(T2, T1);
    let (spec, capture) = bare(program.finish(0x5555));
    let machine = start(&spec);
    assert_eq!(machine.console().push_input(b"k"), 1);
    assert_eq!(machine.wait_or_expire(PATIENCE), MachineExit::PowerOff);
    assert_eq!(capture.text(), "k");
}

#[test]
fn every_hart_starts_with_its_id_and_the_device_tree() {
    // Each hart checks the tree's magic and sets its own flag; hart 0 waits for all.
    let flags = BASE + 0x10_0000;
    let mut program = Asm::new();
    program.li(T0, flags).add(T1, A0, A0).add(T1, T1, T1).add(T1, T1, T1).add(T0, T0, T1);
    program.ld(T2, A1).sd(T2, T0);
    for hart in 0..4 {
        program.li(T0, flags + 8 * hart);
        let wait = program.here();
        program.ld(T1, T0).beqz(T1, wait);
    }
    let (mut spec, _) = bare(program.finish(0x5555));
    spec.harts = 4;
    let machine = start(&spec);
    assert_eq!(machine.wait_or_expire(PATIENCE), MachineExit::PowerOff);
    for hart in 0..4 {
        let first: [u8; 4] = machine.ram().memory().read_obj(GuestAddress(flags + 8 * hart)).unwrap();
        assert_eq!(first, [0xd0, 0x0d, 0xfe, 0xed], "hart {hart}");
    }
}

/// A program at the start of RAM whose `tohost` is at 0x1000 and whose signature of 12
/// bytes is at 0x1100.
fn htif_program(program: &Asm) -> Vec<u8> {
    let code = program.bytes();
    let elf = ElfFile {
        entry: BASE,
        segments: vec![
            FileSegment { virt: BASE, phys: BASE, size: code.len() as u64, data: code },
            FileSegment { virt: BASE + 0x1000, phys: BASE + 0x1000, size: 0x200, data: Vec::new() },
        ],
        symbols: vec![
            ("tohost", BASE + 0x1000),
            ("fromhost", BASE + 0x1040),
            ("begin_signature", BASE + 0x1100),
            ("end_signature", BASE + 0x110c),
        ],
    };
    elf.bytes()
}

#[test]
fn htif_prints_waits_for_the_host_and_ends() {
    let mut program = Asm::new();
    program.li(T0, BASE + 0x1000);
    for byte in *b"OK\n" {
        program.li(T1, 0x0101_0000_0000_0000 | u64::from(byte)).sd(T1, T0);
        // Until the host has cleared the word: the loop ends when it is zero.
        let wait = program.here();
        program.ld(T1, T0).bnez(T1, wait);
    }
    program.li(T1, 7 << 1 | 1).sd(T1, T0).spin();
    let (mut spec, capture) = spec();
    spec.firmware = Some(ImageSource::bytes("program", htif_program(&program)));
    assert_eq!(run(&spec), MachineExit::Failure(7));
    assert_eq!(capture.text(), "OK\n");
}

/// A program that prints a character and then waits for the result of a system call must
/// not mistake the answer to one for the other.
#[test]
fn htif_answers_system_calls_only() {
    let (call, text) = (BASE + 0x1080, BASE + 0x10c0);
    let mut program = Asm::new();
    program.li(T0, text).li(T1, u64::from_le_bytes(*b"hi\n\0\0\0\0\0")).sd(T1, T0);
    program.li(T0, call);
    for word in [64, 1, text, 3] {
        program.li(T1, word).sd(T1, T0).addi(T0, T0, 8);
    }
    program.li(T0, BASE + 0x1000);
    program.li(T1, 0x0101_0000_0000_0000 | u64::from(b'A')).sd(T1, T0);
    let wait = program.here();
    program.ld(T1, T0).bnez(T1, wait);
    program.li(T1, call).sd(T1, T0).li(T2, BASE + 0x1040);
    let wait = program.here();
    program.ld(T1, T2).beqz(T1, wait);
    // The call's result, 3, becomes the exit code.
    program.sd(ZERO, T2).li(T2, call).ld(T1, T2).add(T1, T1, T1).addi(T1, T1, 1).sd(T1, T0).spin();
    let (mut spec, capture) = spec();
    spec.firmware = Some(ImageSource::bytes("program", htif_program(&program)));
    assert_eq!(run(&spec), MachineExit::Failure(3));
    assert_eq!(capture.text(), "Ahi\n");
}

#[test]
fn htif_words_that_cannot_be_used_are_refused_with_the_name_of_the_file() {
    let code = Asm::new().spin().bytes();
    let segments = vec![FileSegment { virt: BASE, phys: BASE, size: code.len() as u64, data: code }];
    let elf = ElfFile { entry: BASE, segments, symbols: vec![("tohost", BASE + 4)] };
    let (mut spec, _) = spec();
    spec.firmware = Some(ImageSource::bytes("odd.elf", elf.bytes()));
    let text = Machine::new(&spec).unwrap_err().to_string();
    assert!(text.contains("odd.elf") && text.contains("0x80000004"), "{text}");
}

#[test]
fn htif_is_looked_at_before_a_hart_sleeps_and_two_halves_are_understood() {
    let mut program = Asm::new();
    program.li(T0, BASE + 0x1000).li(T1, 1).sw(T1, T0);
    program.addi(T0, T0, 4).sw(ZERO, T0);
    let sleep = program.here();
    program.wfi().beqz(ZERO, sleep);
    let (mut spec, _) = spec();
    spec.firmware = Some(ImageSource::bytes("program", htif_program(&program)));
    assert_eq!(run(&spec), MachineExit::PowerOff);
}

#[test]
fn the_signature_is_written_after_the_end() {
    let mut program = Asm::new();
    program.li(T0, BASE + 0x1100).li(T1, 0x0123_4567_89ab_cdef).sd(T1, T0);
    program.addi(T0, T0, 8).li(T1, 0xdead_beef).sw(T1, T0);
    program.li(T0, BASE + 0x1000).li(T1, 1).sd(T1, T0).spin();
    let (mut spec, _) = spec();
    spec.firmware = Some(ImageSource::bytes("program", htif_program(&program)));
    let machine = start(&spec);
    assert_eq!(machine.wait_or_expire(PATIENCE), MachineExit::PowerOff);
    let scratch = Scratch::new();
    let path = scratch.path().join("signature");
    assert!(machine.has_signature());
    machine.dump_signature(&path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "0123456789abcdef\n00000000deadbeef\n");
}

#[test]
fn a_program_without_signature_has_none_to_write() {
    let (spec, _) = bare(Asm::new().finish(0x5555));
    let machine = Machine::new(&spec).unwrap();
    assert!(!machine.has_signature());
    let error = machine.dump_signature(std::path::Path::new("unused")).unwrap_err();
    assert!(error.to_string().contains("begin_signature"), "{error}");
}

#[test]
fn firmware_finds_the_next_stage_in_a2() {
    // Stores the magic, the address of the next stage and its mode where the test reads
    // them.
    let result = BASE + 0x10_0000;
    let mut program = Asm::new();
    program.li(T0, result);
    for _ in 0..4 {
        program.ld(T1, A2).sd(T1, T0).addi(T0, T0, 8).addi(A2, A2, 8);
    }
    let (mut spec, _) = bare(program.finish(0x5555));
    spec.kernel = Some(ImageSource::bytes("kernel", crate::asm::image(Asm::new().spin())));
    let machine = start(&spec);
    assert_eq!(machine.wait_or_expire(PATIENCE), MachineExit::PowerOff);
    let words: [u64; 4] = machine.ram().memory().read_obj(GuestAddress(result)).unwrap();
    assert_eq!(words, [0x4942_534f, 2, 0x8020_0000, 1]);
}
