//! The serial port of the board: a 16550A whose line is the guest's console.

use std::sync::{Arc, Mutex};

use riscope_core::mmio::{MmioDevice, MmioFault, Width};
use vm_fdt::{Error, FdtWriter};

use super::uart16550::{self, Uart16550};
use crate::board::layout::{Slot, UART};
use crate::console::Console;
use crate::device::Device;
use crate::device::irqchip::IrqLine;
use crate::sync::lock;

/// Input clock in hertz, as the device tree announces it.
const CLOCK_HZ: u32 = 3_686_400;

/// A 16550A on the bus, with interrupt line and console.
#[derive(Debug)]
pub struct SerialPort {
    chip: Mutex<Uart16550>,
    irq: IrqLine,
    console: Arc<Console>,
}

impl SerialPort {
    /// A port on `console` that takes its input from there.
    pub fn new(console: Arc<Console>, irq: IrqLine) -> Arc<Self> {
        let port = Arc::new(Self { chip: Mutex::default(), irq, console });
        let listener = Arc::downgrade(&port);
        port.console.set_listener(move || {
            if let Some(port) = listener.upgrade() {
                let mut chip = lock(&port.chip);
                port.update(&mut chip, false);
            }
        });
        port
    }

    /// Drives the line, after moving console input into the chip as far as it has room.
    /// Input stays in the console's queue, where SBI and HTIF can take it, until the
    /// guest uses the port's receiver: it `polls` or has enabled its interrupt.
    fn update(&self, chip: &mut Uart16550, polls: bool) {
        if polls || chip.receiver_enabled() {
            let room = chip.room();
            self.console.take_input(room).into_iter().for_each(|byte| chip.receive(byte));
        }
        self.irq.set(chip.interrupt());
    }
}

/// Registers are one byte wide; wider accesses mean the register at their offset.
impl MmioDevice for SerialPort {
    fn read(&self, offset: u64, _width: Width) -> Result<u64, MmioFault> {
        let mut chip = lock(&self.chip);
        let polls = uart16550::reads_receiver(offset);
        self.update(&mut chip, polls);
        let value = chip.read(offset);
        // What was read may have made room.
        self.update(&mut chip, polls);
        Ok(u64::from(value))
    }

    fn write(&self, offset: u64, _width: Width, value: u64) -> Result<(), MmioFault> {
        let sent = {
            let mut chip = lock(&self.chip);
            let sent = chip.write(offset, value.to_le_bytes()[0]);
            self.update(&mut chip, false);
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
        assert_eq!(read(&board.port, 5) & 1, 1, "polled");
        assert_eq!(read(&board.port, 0), u64::from(b'c'));
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
