//! The serial port of the board: a 16550A whose line is the guest's console.
//!
//! Input stays in the console's queue, where SBI and HTIF can take it and nothing can
//! discard it, until the guest uses the port's receiver. It does so when it has enabled
//! the receive interrupt, or when it polls: it reads the line status again and again. A
//! driver that sets the chip up also reads status and data, to get rid of what may be
//! left from before, but it touches other registers in between; that is no polling, and
//! input that was offered too early goes back to the queue.

use std::sync::{Arc, Mutex};

use riscope_core::mmio::{MmioDevice, MmioFault, Width};
use vm_fdt::{Error, FdtWriter};

use super::uart16550::{Purpose, Uart16550, purpose};
use crate::console::Console;
use crate::device::Device;
use crate::device::irqchip::IrqLine;
use crate::layout::{Slot, UART};
use crate::sync::lock;

/// Input clock in hertz, as the device tree announces it.
const CLOCK_HZ: u32 = 3_686_400;
/// Looks at the line status from which on the guest polls.
const POLLING: u8 = 2;

#[derive(Debug, Default)]
struct State {
    chip: Uart16550,
    /// Looks at the line status since the last access to a control register, up to
    /// [`POLLING`].
    looks: u8,
}

impl State {
    fn receives(&self) -> bool {
        self.chip.receiver_enabled() || self.looks >= POLLING
    }

    fn note(&mut self, purpose: Purpose) {
        self.looks = match purpose {
            Purpose::Data => self.looks,
            Purpose::Status => POLLING.min(self.looks + 1),
            Purpose::Control => 0,
        };
    }
}

/// A 16550A on the bus, with interrupt line and console.
#[derive(Debug)]
pub struct SerialPort {
    state: Mutex<State>,
    irq: IrqLine,
    console: Arc<Console>,
}

impl SerialPort {
    /// A port on `console` that takes its input from there.
    pub fn new(console: Arc<Console>, irq: IrqLine) -> Arc<Self> {
        let port = Arc::new(Self { state: Mutex::default(), irq, console });
        let listener = Arc::downgrade(&port);
        port.console.set_listener(move || {
            if let Some(port) = listener.upgrade() {
                port.update(&mut lock(&port.state));
            }
        });
        port
    }

    /// Moves input into the chip as far as it has room, or back out of it, as
    /// the guest uses the receiver or not, and drives the line.
    fn update(&self, state: &mut State) {
        if state.receives() {
            let room = state.chip.room();
            self.console.take_input(room).into_iter().for_each(|byte| state.chip.receive(byte));
        } else {
            self.console.return_input(&state.chip.take_back());
        }
        self.irq.set(state.chip.interrupt());
    }
}

/// Registers are one byte wide; wider accesses mean the register at their offset.
impl MmioDevice for SerialPort {
    fn read(&self, offset: u64, _width: Width) -> Result<u64, MmioFault> {
        let state = &mut *lock(&self.state);
        state.note(purpose(offset));
        self.update(state);
        let value = state.chip.read(offset);
        // What was read may have made room.
        self.update(state);
        Ok(u64::from(value))
    }

    fn write(&self, offset: u64, _width: Width, value: u64) -> Result<(), MmioFault> {
        let sent = {
            let state = &mut *lock(&self.state);
            let purpose = purpose(offset);
            state.note(purpose);
            if purpose == Purpose::Control {
                // It may clear the FIFO, which is not to clear what was typed.
                self.console.return_input(&state.chip.take_back());
            }
            let sent = state.chip.write(offset, value.to_le_bytes()[0]);
            self.update(state);
            sent
        };
        if let Some(byte) = sent {
            self.console.output(&[byte]);
        }
        Ok(())
    }
}

impl Device for SerialPort {
    fn slot(&self) -> Slot {
        UART
    }

    fn write_fdt_node(&self, fdt: &mut FdtWriter) -> Result<(), Error> {
        let node = fdt.begin_node(&UART.node_name("serial"))?;
        fdt.property_string("compatible", "ns16550a")?;
        UART.write_properties(fdt)?;
        fdt.property_u32("clock-frequency", CLOCK_HZ)?;
        fdt.end_node(node)
    }
}

#[cfg(test)]
mod tests {
    use riscope_core::hart::{HartControl, Interrupt};

    use super::*;
    use crate::console::CaptureBackend;
    use crate::device::irqchip::Plic;

    struct Board {
        capture: Arc<CaptureBackend>,
        hart: Arc<HartControl>,
        port: Arc<SerialPort>,
    }

    /// A port whose source reaches M-mode of the only hart.
    fn board() -> Board {
        let hart: Arc<HartControl> = Arc::default();
        let plic = Arc::new(Plic::new(&[Arc::clone(&hart)]));
        plic.write(40, Width::Word, 1).unwrap();
        plic.write(0x2000, Width::Word, 1 << 10).unwrap();
        let capture = Arc::new(CaptureBackend::default());
        let console = Console::new(Arc::clone(&capture) as _);
        let port = SerialPort::new(console, IrqLine::new(plic, 10));
        Board { capture, hart, port }
    }

    fn read(port: &SerialPort, offset: u64) -> u64 {
        port.read(offset, Width::Byte).unwrap()
    }

    #[test]
    fn output_reaches_the_backend() {
        let board = board();
        for &byte in b"hi" {
            board.port.write(0, Width::Word, u64::from(byte) | 0x4100).unwrap();
        }
        assert_eq!(board.capture.text(), "hi");
    }

    #[test]
    fn input_interrupts_and_arrives_whole_although_the_fifo_is_small() {
        let board = board();
        let text: Vec<u8> = (0..100).collect();
        board.port.write(2, Width::Byte, 1).unwrap();
        board.port.write(1, Width::Byte, 1).unwrap();
        assert_eq!(board.port.console.push_input(&text), 100);
        assert_eq!(board.hart.lines(), Interrupt::MachineExternal.mask());
        let mut received = Vec::new();
        while read(&board.port, 5) & 1 != 0 {
            received.push(read(&board.port, 0).to_le_bytes()[0]);
        }
        assert_eq!(received, text);
    }

    /// The receiver has room for one byte, so the host's end holds back the others.
    #[test]
    fn input_without_fifos_waits_for_a_slow_guest() {
        let board = board();
        let text: Vec<u8> = (0..100).collect();
        board.port.write(1, Width::Byte, 5).unwrap();
        assert_eq!(board.port.console.push_input(&text), 100);
        let mut received = Vec::new();
        while read(&board.port, 2) == 4 {
            assert_eq!(read(&board.port, 5), 0x61, "data and no overrun");
            received.push(read(&board.port, 0).to_le_bytes()[0]);
        }
        assert_eq!(received, text);
    }

    /// What the chip loses of its own bytes is none of the input.
    #[test]
    fn an_overrun_in_loop_back_loses_no_input() {
        let board = board();
        let write = |offset, value| board.port.write(offset, Width::Byte, value).unwrap();
        write(1, 1);
        board.port.console.push_input(b"ab");
        assert_eq!(read(&board.port, 5), 0x61);
        write(4, 0x10);
        write(0, 1);
        write(0, 2);
        assert_eq!([5, 0, 5].map(|offset| read(&board.port, offset)), [0x63, 2, 0x60]);
        write(4, 0);
        assert_eq!(receive(&board), b"ab");
        assert_eq!(board.capture.text(), "");
    }

    #[test]
    fn input_queued_before_the_port_is_programmed_is_not_lost() {
        let board = board();
        board.port.console.push_input(b"xy");
        board.port.write(1, Width::Byte, 1).unwrap();
        assert_eq!(board.hart.lines(), Interrupt::MachineExternal.mask());
        assert_eq!((read(&board.port, 0), read(&board.port, 0)), (b'x'.into(), b'y'.into()));
    }

    #[test]
    fn input_stays_in_the_queue_until_the_receiver_is_used() {
        let board = board();
        board.port.console.push_input(b"abc");
        board.port.write(0, Width::Byte, b'x'.into()).unwrap();
        assert_eq!(board.port.console.take_input(2), b"ab");
        assert_eq!(read(&board.port, 5) & 1, 0, "a single look");
        assert_eq!(read(&board.port, 5) & 1, 1, "polled");
        assert_eq!(read(&board.port, 0), u64::from(b'c'));
    }

    /// Reads all input by interrupt.
    fn receive(board: &Board) -> Vec<u8> {
        board.port.write(1, Width::Byte, 5).unwrap();
        let next = || (read(&board.port, 5) & 1 != 0).then(|| read(&board.port, 0).to_le_bytes()[0]);
        std::iter::from_fn(next).collect()
    }

    /// What Linux does with the port from its first message until the shell opens it.
    #[test]
    fn setting_the_port_up_loses_no_input() {
        let board = board();
        let text: Vec<u8> = (1..=100).collect();
        board.port.console.push_input(&text);
        let write = |offset, value| board.port.write(offset, Width::Byte, value).unwrap();
        let read = |offset| read(&board.port, offset);
        let say = || {
            for _ in 0..20 {
                read(5);
                write(0, b'.'.into());
            }
            read(5);
        };
        // The early console.
        say();
        for _ in 0..3 {
            // The console: interrupts are off meanwhile.
            let enables = read(1);
            write(1, 0);
            say();
            write(1, enables);
            // Start-up: FIFOs, stale state, is the chip there, the test of the
            // transmitter's interrupt.
            [1, 7, 0].into_iter().for_each(|value| write(2, value));
            assert_eq!([5, 0, 2, 6].map(read), [0x60, 0, 1, 0xb0], "nothing to see");
            read(5);
            read(5);
            for value in [2, 0, 2, 0] {
                write(1, value);
                read(2);
            }
            write(3, 3);
            write(4, 11);
            write(1, 2);
            read(5);
            read(2);
            write(1, 0);
            assert_eq!([5, 0].map(read), [0x60, 0], "cleared again, for luck");
            // In use: the interrupts of receiver and line status, triggers at 8 bytes.
            write(1, 5);
            write(2, 0x81);
            // Shut-down.
            write(1, 0);
            [1, 7, 0].into_iter().for_each(|value| write(2, value));
            read(0);
        }
        write(2, 0x81);
        assert_eq!(receive(&board), text);
    }

    #[test]
    fn a_guest_that_polls_between_its_output_gets_input() {
        let board = board();
        board.port.console.push_input(b"ab");
        let mut received = Vec::new();
        for _ in 0..5 {
            if read(&board.port, 5) & 1 != 0 {
                received.push(read(&board.port, 0).to_le_bytes()[0]);
            }
            board.port.write(0, Width::Byte, b'.'.into()).unwrap();
        }
        assert_eq!(received, b"ab");
    }

    #[test]
    fn every_offset_and_width_has_an_answer() {
        let board = board();
        for offset in 0..UART.size {
            for width in [Width::Byte, Width::Half, Width::Word, Width::Double] {
                assert!(board.port.write(offset, width, u64::MAX).is_ok());
                assert!(board.port.read(offset, width).unwrap() <= 0xff);
            }
        }
    }
}
