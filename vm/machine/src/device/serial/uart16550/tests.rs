//! Tests of the chip against its data sheet (PC16550D), as sequences of driver accesses and
//! line events.

use super::*;

/// Stimulus or expectation.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Register `.0` is written and nothing leaves on the line.
    Write(u64, u8),
    /// Byte `.0` is sent and leaves on the line.
    Send(u8),
    /// Register `.0` reads `.1`.
    Read(u64, u8),
    /// Byte `.0` arrives on the line.
    Line(u8),
    /// Level of the interrupt output.
    Interrupt(bool),
    /// Bytes that the receiver can take.
    Room(usize),
}

use Step::{Interrupt, Line, Read, Room, Send, Write};

/// Runs the steps on a chip in reset state.
fn run(steps: &[Step]) {
    let mut uart = Uart16550::default();
    for (number, &step) in steps.iter().enumerate() {
        let context = format!("step {number}, {step:x?}");
        match step {
            Write(offset, value) => assert_eq!(uart.write(offset, value), None, "{context}"),
            Send(byte) => assert_eq!(uart.write(DATA, byte), Some(byte), "{context}"),
            Read(offset, value) => assert_eq!(uart.read(offset), value, "{context}"),
            Line(byte) => uart.receive(byte),
            Interrupt(level) => assert_eq!(uart.interrupt(), level, "{context}"),
            Room(bytes) => assert_eq!(uart.room(), bytes, "{context}"),
        }
    }
}

/// Table I of the data sheet, "UART Reset Configuration".
#[test]
fn registers_after_reset() {
    run(&[
        Read(IER, 0),
        Read(IIR_FCR, 0x01),
        Read(LCR, 0),
        Read(MCR, 0),
        Read(LSR, 0x60),
        Read(MSR, 0xb0),
        Read(DATA, 0),
        Interrupt(false),
        Room(1),
    ]);
}

#[test]
fn only_existing_bits_can_be_set() {
    run(&[
        Write(IER, 0xff),
        Read(IER, 0x0f),
        Write(MCR, 0xef),
        Read(MCR, 0x0f),
        Write(SCR, 0xff),
        Read(SCR, 0xff),
        Write(LCR, 0x7f),
        Read(LCR, 0x7f),
        // Not writable by drivers.
        Write(LSR, 0xff),
        Read(LSR, 0x60),
        Write(MSR, 0xff),
        Read(MSR, 0xb0),
    ]);
}

#[test]
fn without_fifos_the_second_byte_overwrites_the_first_and_sets_the_overrun() {
    run(&[
        Write(IIR_FCR, 0),
        Write(IER, 0x05),
        Line(b'a'),
        Read(LSR, 0x61),
        Read(IIR_FCR, 0x04),
        Room(0),
        Line(b'b'),
        Read(IIR_FCR, 0x06),
        Read(LSR, 0x63),
        // Reading the line status clears the error, not the data.
        Read(IIR_FCR, 0x04),
        Read(LSR, 0x61),
        Read(DATA, b'b'),
        Read(IIR_FCR, 0x01),
        Read(LSR, 0x60),
        // The register keeps its contents.
        Read(DATA, b'b'),
        Room(1),
    ]);
}

#[test]
fn without_fifos_loop_back_overruns_in_the_same_way() {
    run(&[
        Write(IIR_FCR, 0),
        Write(MCR, 0x10),
        Write(IER, 0x04),
        Write(DATA, b'a'),
        Read(LSR, 0x61),
        Write(DATA, b'b'),
        Interrupt(true),
        Read(IIR_FCR, 0x06),
        Read(LSR, 0x63),
        Interrupt(false),
        Read(DATA, b'b'),
        Read(LSR, 0x60),
    ]);
}

#[test]
fn a_full_fifo_keeps_its_bytes_and_loses_the_next() {
    let mut steps = vec![Write(IIR_FCR, 0x01), Write(IER, 0x04)];
    steps.extend((0..16).map(Line));
    steps.extend([Room(0), Interrupt(false), Line(99), Read(IIR_FCR, 0xc6), Read(LSR, 0x63), Read(LSR, 0x61)]);
    steps.extend((0..16).map(|byte| Read(DATA, byte)));
    steps.extend([Read(LSR, 0x60), Read(DATA, 0), Room(16)]);
    run(&steps);
}

#[test]
fn a_full_fifo_overruns_in_loop_back_too() {
    let mut steps = vec![Write(IIR_FCR, 0x01), Write(MCR, 0x10)];
    steps.extend((0..17).map(|byte| Write(DATA, byte)));
    steps.push(Read(LSR, 0x63));
    steps.extend((0..16).map(|byte| Read(DATA, byte)));
    steps.push(Read(LSR, 0x60));
    run(&steps);
}

#[test]
fn the_trigger_level_tells_data_from_a_time_out() {
    for (bits, level) in [(0x00, 1), (0x40, 4), (0x80, 8), (0xc0, 14)] {
        let mut steps = vec![Write(IIR_FCR, 0x01 | bits), Write(IER, 0x01)];
        for count in 1..=16 {
            steps.extend([Line(count), Read(IIR_FCR, if count < level { 0xcc } else { 0xc4 })]);
        }
        // The interrupt becomes a time-out when the FIFO drops below its trigger level.
        for left in (0..16).rev() {
            let reason = if left == 0 {
                0xc1
            } else if left < level {
                0xcc
            } else {
                0xc4
            };
            steps.extend([Read(DATA, 16 - left), Read(IIR_FCR, reason), Interrupt(left > 0)]);
        }
        run(&steps);
    }
}

#[test]
fn a_change_of_the_mode_clears_the_receiver_and_nothing_else_does() {
    run(&[
        Line(b'a'),
        // Without the enable bit, the reset bit has no effect.
        Write(IIR_FCR, 0x06),
        Read(LSR, 0x61),
        Write(IIR_FCR, 0x01),
        Read(LSR, 0x60),
        Line(b'b'),
        Line(b'c'),
        Write(IIR_FCR, 0x81),
        Read(LSR, 0x61),
        // The transmitter's reset bit does not affect the receiver.
        Write(IIR_FCR, 0x05),
        Read(DATA, b'b'),
        Write(IIR_FCR, 0x03),
        Read(LSR, 0x60),
        Read(DATA, 0),
        // The reset bit has cleared itself.
        Line(b'd'),
        Read(DATA, b'd'),
        Line(b'e'),
        Write(IIR_FCR, 0x00),
        Read(LSR, 0x60),
        Read(IIR_FCR, 0x01),
        Read(DATA, 0),
    ]);
}

#[test]
fn clearing_the_fifo_leaves_the_overrun_to_be_read() {
    let mut steps = vec![Write(IIR_FCR, 0x01)];
    steps.extend((0..17).map(Line));
    steps.extend([Write(IIR_FCR, 0x03), Read(LSR, 0x62), Read(LSR, 0x60)]);
    run(&steps);
}

#[test]
fn the_trigger_level_is_programmed_with_the_enable_bit_only() {
    run(&[
        Write(IIR_FCR, 0xc1),
        Write(IIR_FCR, 0x00),
        Write(IIR_FCR, 0xc0),
        Read(IIR_FCR, 0x01),
        Write(IIR_FCR, 0x41),
        Write(IER, 0x01),
        Line(1),
        Line(2),
        Line(3),
        Read(IIR_FCR, 0xcc),
        Line(4),
        Read(IIR_FCR, 0xc4),
    ]);
}

#[test]
fn received_data_interrupts_until_it_is_read() {
    run(&[
        Write(IIR_FCR, 0x01),
        Write(IER, 0x01),
        Line(b'a'),
        Line(b'b'),
        Interrupt(true),
        Read(IIR_FCR, 0xc4),
        Read(LSR, 0x61),
        Read(DATA, b'a'),
        // Reading IIR does not hide more data.
        Interrupt(true),
        Read(DATA, b'b'),
        Interrupt(false),
        Read(LSR, 0x60),
    ]);
}

#[test]
fn the_transmitter_interrupts_when_enabled_and_when_empty_again() {
    run(&[
        // Not identified unless enabled.
        Send(b'x'),
        Read(IIR_FCR, 0x01),
        Write(IER, 0x02),
        Interrupt(true),
        Read(IIR_FCR, 0x02),
        // Reading IIR has acknowledged it.
        Read(IIR_FCR, 0x01),
        Interrupt(false),
        Send(b'y'),
        Interrupt(true),
        Read(IIR_FCR, 0x02),
        // Already enabled: no new interrupt.
        Write(IER, 0x03),
        Interrupt(false),
        Write(IER, 0x00),
        Write(IER, 0x02),
        Interrupt(true),
        // Disabled: not reported.
        Write(IER, 0x00),
        Interrupt(false),
        Read(IIR_FCR, 0x01),
        Read(LSR, 0x60),
    ]);
}

/// Table IV of the data sheet, "Interrupt Control Functions": the highest priority is
/// identified, and each is reset as the table specifies.
#[test]
fn interrupts_are_identified_by_priority() {
    run(&[
        Write(MCR, 0x10),
        Write(IER, 0x0f),
        Write(MCR, 0x12),
        Write(DATA, b'a'),
        Write(DATA, b'b'),
        Read(IIR_FCR, 0x06),
        Read(LSR, 0x63),
        Read(IIR_FCR, 0x04),
        Read(DATA, b'b'),
        // Identifying another interrupt has not acknowledged the transmitter's.
        Read(IIR_FCR, 0x02),
        Read(IIR_FCR, 0x00),
        Interrupt(true),
        Read(IIR_FCR, 0x00),
        // CTS is on; entering loop-back turned DSR and DCD off.
        Read(MSR, 0x1b),
        Read(IIR_FCR, 0x01),
        Interrupt(false),
    ]);
}

#[test]
fn loop_back_connects_the_modem_lines() {
    for (outputs, inputs) in [(0x01, 0x20), (0x02, 0x10), (0x04, 0x40), (0x08, 0x80), (0x0f, 0xf0), (0x0a, 0x90)] {
        run(&[Write(MCR, 0x10), Read(MSR, 0x0b), Write(MCR, 0x10 | outputs), Write(SCR, 1), Read(LSR, 0x60)]);
        let mut uart = Uart16550::default();
        uart.write(MCR, 0x10 | outputs);
        assert_eq!(uart.read(MSR) & 0xf0, inputs, "{outputs:#x}");
    }
}

#[test]
fn changes_of_modem_lines_are_told_once() {
    run(&[
        Write(IER, 0x08),
        // The modem's CTS, DSR and DCD were on.
        Write(MCR, 0x10),
        Interrupt(true),
        Read(MSR, 0x0b),
        Interrupt(false),
        Read(MSR, 0x00),
        Write(MCR, 0x11),
        Read(MSR, 0x22),
        Write(MCR, 0x12),
        Read(MSR, 0x13),
        Write(MCR, 0x1a),
        Read(MSR, 0x98),
        // Only the trailing edge of RI is a change.
        Write(MCR, 0x1e),
        Interrupt(false),
        Read(MSR, 0xd0),
        Write(MCR, 0x1a),
        Interrupt(true),
        Read(MSR, 0x94),
        // Changed twice before it is read.
        Write(MCR, 0x1b),
        Write(MCR, 0x1a),
        Read(MSR, 0x92),
        // DSR returns to the modem's own level.
        Write(MCR, 0x00),
        Read(MSR, 0xb2),
        Read(MSR, 0xb0),
        // Outputs drive the inputs only in loop-back.
        Write(MCR, 0x0f),
        Read(MSR, 0xb0),
    ]);
}

#[test]
fn loop_back_cuts_the_line_and_returns_bytes() {
    run(&[
        Write(IIR_FCR, 0x01),
        Write(MCR, 0x10),
        Room(0),
        Write(DATA, b'z'),
        Read(LSR, 0x61),
        Read(DATA, b'z'),
        Write(MCR, 0x00),
        Room(16),
        Send(b'z'),
        Read(LSR, 0x60),
    ]);
    let mut uart = Uart16550::default();
    uart.write(MCR, 0x10);
    uart.write(DATA, b'z');
    assert_eq!(uart.take_back(), b"", "it did not come over the line");
    assert_eq!(uart.read(DATA), b'z');
}

#[test]
fn the_divisor_hides_data_and_enables_only() {
    run(&[
        Write(IER, 0x01),
        Line(b'q'),
        Write(LCR, 0x83),
        Write(DATA, 0x34),
        Write(IER, 0x12),
        Read(DATA, 0x34),
        Read(IER, 0x12),
        Read(IIR_FCR, 0x04),
        Read(LCR, 0x83),
        Read(LSR, 0x61),
        Write(SCR, 0x55),
        Read(SCR, 0x55),
        Write(LCR, 0x03),
        Read(IER, 0x01),
        Read(DATA, b'q'),
        Write(LCR, 0x83),
        Read(DATA, 0x34),
        Read(IER, 0x12),
    ]);
}

#[test]
fn every_register_and_those_beyond_have_an_answer() {
    let mut uart = Uart16550::default();
    for offset in 0..64 {
        for value in [0, 0xff] {
            uart.write(offset, value);
            let read = uart.read(offset);
            assert!(offset < 8 || read == 0, "{offset}");
        }
    }
}
