//! Serial port of the board: a 16550A connected to the guest's console.
//!
//! Input stays in the console's queue, where SBI and HTIF can take it and a reset of the
//! FIFO cannot discard it, until the guest uses the receiver: it has enabled the receive
//! interrupt, or it polls, that is, reads the line status repeatedly. A driver that
//! initialises the chip also reads status and data to discard stale input, but accesses
//! other registers in between. This does not count as polling, and input offered too early
//! returns to the queue.

use std::sync::{Arc, Mutex};

use riscope_core::mmio::{MmioDevice, MmioFault, Width};
use vm_fdt::{Error, FdtWriter};

use super::uart16550::{Purpose, Uart16550, purpose};
use crate::console::Console;
use crate::device::Device;
use crate::device::irqchip::IrqLine;
use crate::layout::{Slot, UART};
use crate::sync::lock;

/// Input clock in Hz, as in the device tree.
const CLOCK_HZ: u32 = 3_686_400;
/// Consecutive reads of the line status that count as polling.
const POLLING: u8 = 2;

#[derive(Debug, Default)]
struct State {
    chip: Uart16550,
    /// Reads of the line status since the last access to a control register, up to
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

/// 16550A with its interrupt line and console.
#[derive(Debug)]
pub struct SerialPort {
    state: Mutex<State>,
    irq: IrqLine,
    console: Arc<Console>,
}

impl SerialPort {
    /// A port that takes input from `console` and writes output to it.
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

    /// Moves input into the chip, as far as it has room, while the guest uses the receiver,
    /// and back otherwise; updates the interrupt line.
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

/// Registers are one byte wide; wider accesses address the register at their offset.
impl MmioDevice for SerialPort {
    fn read(&self, offset: u64, _width: Width) -> Result<u64, MmioFault> {
        let state = &mut *lock(&self.state);
        state.note(purpose(offset));
        self.update(state);
        let value = state.chip.read(offset);
        // The read may have made room.
        self.update(state);
        Ok(u64::from(value))
    }

    fn write(&self, offset: u64, _width: Width, value: u64) -> Result<(), MmioFault> {
        let sent = {
            let state = &mut *lock(&self.state);
            let purpose = purpose(offset);
            state.note(purpose);
            if purpose == Purpose::Control {
                // It may reset the FIFO, which must not discard typed input.
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

    /// A port whose interrupt reaches M-mode of the only hart.
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

    /// Without FIFOs the receiver holds one byte; further input waits in the queue.
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

    /// Bytes that the chip sends to itself and loses are not input.
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

    /// What Linux does to the port from its first message until the shell opens it.
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
        // Early console.
        say();
        for _ in 0..3 {
            // Console; interrupts are masked meanwhile.
            let enables = read(1);
            write(1, 0);
            say();
            write(1, enables);
            // Startup: FIFO reset, stale state, presence check, test of the transmitter
            // interrupt.
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
            // In use: receiver and line status interrupts, trigger level 8.
            write(1, 5);
            write(2, 0x81);
            // Shutdown.
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
