//! The 16550A chip: registers, receive FIFO and interrupt conditions, without bus
//! or host.
//!
//! ```text
//!  0  RBR / THR   (DLAB: divisor low)     4  MCR
//!  1  IER         (DLAB: divisor high)    5  LSR
//!  2  IIR / FCR                           6  MSR
//!  3  LCR                                 7  SCR
//! ```
//!
//! The interrupt output is a level that follows the registers, as the PLIC
//! expects. Transmission takes no time: the transmitter is always empty. Data below
//! the FIFO's trigger level is reported as a character time-out at once, so no timer
//! is needed and no byte waits.

use std::collections::VecDeque;

/// Bytes in the receive FIFO while FIFOs are enabled.
pub const FIFO_SIZE: usize = 16;

const DATA: u64 = 0;
const IER: u64 = 1;
const IIR_FCR: u64 = 2;
const LCR: u64 = 3;
const MCR: u64 = 4;
const LSR: u64 = 5;
const MSR: u64 = 6;
const SCR: u64 = 7;

/// Interrupt enables: data available, transmitter empty, line status, modem status.
const IER_RECEIVED: u8 = 1;
const IER_TRANSMITTER: u8 = 2;
const IER_LINE_STATUS: u8 = 4;
const IER_BITS: u8 = 0x0f;

const IIR_NONE: u8 = 0x1;
const IIR_TRANSMITTER: u8 = 0x2;
const IIR_RECEIVED: u8 = 0x4;
const IIR_LINE_STATUS: u8 = 0x6;
const IIR_TIME_OUT: u8 = 0xc;
const IIR_FIFO: u8 = 0xc0;

const FCR_ENABLE: u8 = 1;
const FCR_CLEAR_RECEIVER: u8 = 2;
const LCR_DLAB: u8 = 0x80;
const MCR_BITS: u8 = 0x1f;
const MCR_LOOP: u8 = 0x10;
const LSR_DATA_READY: u8 = 0x01;
const LSR_OVERRUN: u8 = 0x02;
const LSR_TRANSMITTER_EMPTY: u8 = 0x60;
/// Clear to send, data set ready, carrier detect: somebody is connected.
const MSR_CONNECTED: u8 = 0xb0;

/// What an access to a register says about who makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It moves a byte.
    Data,
    /// It looks whether there is a byte, or room for one.
    Status,
    /// It programs the chip or looks for something else.
    Control,
}

/// The purpose of accesses to register `offset`.
pub fn purpose(offset: u64) -> Purpose {
    match offset {
        DATA => Purpose::Data,
        LSR => Purpose::Status,
        _ => Purpose::Control,
    }
}

/// A byte in the receive FIFO.
#[derive(Clone, Copy, Debug)]
struct Received {
    byte: u8,
    /// The chip sent it to itself.
    looped: bool,
}

/// Registers of the chip.
#[derive(Clone, Debug, Default)]
pub struct Uart16550 {
    received: VecDeque<Received>,
    divisor: [u8; 2],
    ier: u8,
    fcr: u8,
    lcr: u8,
    mcr: u8,
    scr: u8,
    overrun: bool,
    /// The transmitter became empty and the guest has not been told yet.
    transmitter_event: bool,
}

impl Uart16550 {
    /// Level of the interrupt output.
    pub fn interrupt(&self) -> bool {
        self.identification() != IIR_NONE
    }

    /// Whether the guest wants an interrupt for received data.
    pub fn receiver_enabled(&self) -> bool {
        self.ier & IER_RECEIVED != 0
    }

    /// Room for received bytes: the guest has to read before more fit.
    pub fn room(&self) -> usize {
        let capacity = if self.fcr & FCR_ENABLE != 0 { FIFO_SIZE } else { 1 };
        if self.mcr & MCR_LOOP != 0 { 0 } else { capacity.saturating_sub(self.received.len()) }
    }

    /// A byte arrives on the line; it is lost, and the overrun recorded, when there
    /// is no room.
    pub fn receive(&mut self, byte: u8) {
        self.queue(Received { byte, looped: false });
    }

    fn queue(&mut self, received: Received) {
        if self.received.len() < FIFO_SIZE {
            self.received.push_back(received);
        } else {
            self.overrun = true;
        }
    }

    /// Takes bytes that arrived on the line and were not read back out of the receiver,
    /// oldest first.
    pub fn take_back(&mut self) -> Vec<u8> {
        let line = self.received.iter().filter(|received| !received.looped).map(|received| received.byte).collect();
        self.received.retain(|received| received.looped);
        line
    }

    /// Reads register `offset`, 0 to 7; beyond them reads zero.
    pub fn read(&mut self, offset: u64) -> u8 {
        match (offset, self.lcr & LCR_DLAB != 0) {
            (DATA, true) => self.divisor[0],
            (IER, true) => self.divisor[1],
            (DATA, false) => self.received.pop_front().map_or(0, |received| received.byte),
            (IER, false) => self.ier,
            (IIR_FCR, _) => self.read_identification(),
            (LCR, _) => self.lcr,
            (MCR, _) => self.mcr,
            (LSR, _) => self.read_line_status(),
            (MSR, _) => self.modem_status(),
            (SCR, _) => self.scr,
            _ => 0,
        }
    }

    /// Writes register `offset`, 0 to 7; beyond them nothing happens. Returns the
    /// byte that leaves on the line, if one does.
    pub fn write(&mut self, offset: u64, value: u8) -> Option<u8> {
        match (offset, self.lcr & LCR_DLAB != 0) {
            (DATA, true) => self.divisor[0] = value,
            (IER, true) => self.divisor[1] = value,
            (DATA, false) => return self.transmit(value),
            (IER, false) => self.write_enables(value),
            (IIR_FCR, _) => self.write_fifo_control(value),
            (LCR, _) => self.lcr = value,
            (MCR, _) => self.mcr = value & MCR_BITS,
            (SCR, _) => self.scr = value,
            // LSR and MSR are read-only.
            _ => {}
        }
        None
    }

    fn transmit(&mut self, value: u8) -> Option<u8> {
        self.transmitter_event = true;
        if self.mcr & MCR_LOOP == 0 {
            return Some(value);
        }
        self.queue(Received { byte: value, looped: true });
        None
    }

    fn write_enables(&mut self, value: u8) {
        let enabled = value & !self.ier & IER_BITS;
        self.ier = value & IER_BITS;
        // Enabling the interrupt of an empty transmitter raises it at once.
        self.transmitter_event |= enabled & IER_TRANSMITTER != 0;
    }

    fn write_fifo_control(&mut self, value: u8) {
        if value & FCR_CLEAR_RECEIVER != 0 || (value ^ self.fcr) & FCR_ENABLE != 0 {
            self.received.clear();
        }
        // The clear bits clear themselves.
        self.fcr = value & 0xc9;
    }

    /// The highest-priority condition that is enabled and pending.
    fn identification(&self) -> u8 {
        if self.ier & IER_LINE_STATUS != 0 && self.overrun {
            IIR_LINE_STATUS
        } else if self.ier & IER_RECEIVED != 0 && !self.received.is_empty() {
            if self.received.len() >= self.trigger_level() { IIR_RECEIVED } else { IIR_TIME_OUT }
        } else if self.ier & IER_TRANSMITTER != 0 && self.transmitter_event {
            IIR_TRANSMITTER
        } else {
            IIR_NONE
        }
    }

    fn trigger_level(&self) -> usize {
        if self.fcr & FCR_ENABLE == 0 {
            return 1;
        }
        [1, 4, 8, 14][usize::from(self.fcr >> 6)]
    }

    /// Reading the identification acknowledges the transmitter condition, and only
    /// when that is the one reported.
    fn read_identification(&mut self) -> u8 {
        let identification = self.identification();
        if identification == IIR_TRANSMITTER {
            self.transmitter_event = false;
        }
        let fifo = if self.fcr & FCR_ENABLE != 0 { IIR_FIFO } else { 0 };
        identification | fifo
    }

    fn read_line_status(&mut self) -> u8 {
        let ready = if self.received.is_empty() { 0 } else { LSR_DATA_READY };
        let overrun = if std::mem::take(&mut self.overrun) { LSR_OVERRUN } else { 0 };
        LSR_TRANSMITTER_EMPTY | ready | overrun
    }

    /// In loop-back the outputs DTR, RTS, OUT1 and OUT2 are wired to the inputs DSR,
    /// CTS, RI and DCD.
    fn modem_status(&self) -> u8 {
        if self.mcr & MCR_LOOP == 0 {
            return MSR_CONNECTED;
        }
        let (dtr, rts) = (self.mcr & 1, self.mcr >> 1 & 1);
        rts << 4 | dtr << 5 | (self.mcr & 0x0c) << 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uart_with(enables: u8, input: &[u8]) -> Uart16550 {
        let mut uart = Uart16550::default();
        uart.write(IIR_FCR, FCR_ENABLE);
        uart.write(IER, enables);
        input.iter().for_each(|&byte| uart.receive(byte));
        uart
    }

    #[test]
    fn received_data_interrupts_until_it_is_read() {
        let mut uart = uart_with(IER_RECEIVED, b"ab");
        assert!(uart.interrupt());
        assert_eq!(uart.read(IIR_FCR), IIR_FIFO | IIR_RECEIVED);
        assert_eq!(uart.read(LSR) & LSR_DATA_READY, 1);
        assert_eq!(uart.read(DATA), b'a');
        assert!(uart.interrupt(), "reading the identification does not hide more data");
        assert_eq!(uart.read(DATA), b'b');
        assert!(!uart.interrupt());
        assert_eq!(uart.read(LSR) & LSR_DATA_READY, 0);
        assert_eq!(uart.read(DATA), 0);
    }

    #[test]
    fn data_below_the_trigger_level_is_a_time_out() {
        let mut uart = uart_with(IER_RECEIVED, b"");
        uart.write(IIR_FCR, FCR_ENABLE | 0x80);
        (0..7).for_each(|byte| uart.receive(byte));
        assert_eq!(uart.read(IIR_FCR), IIR_FIFO | IIR_TIME_OUT);
        uart.receive(7);
        assert_eq!(uart.read(IIR_FCR), IIR_FIFO | IIR_RECEIVED);
    }

    #[test]
    fn the_transmitter_interrupt_is_raised_by_enable_and_write_and_acknowledged_by_iir() {
        let mut uart = uart_with(IER_TRANSMITTER, b"");
        assert_eq!(uart.read(IIR_FCR), IIR_FIFO | IIR_TRANSMITTER);
        assert!(!uart.interrupt());
        assert_eq!(uart.write(DATA, b'x'), Some(b'x'));
        assert!(uart.interrupt());
        uart.write(IER, 0);
        assert!(!uart.interrupt());
        uart.write(IER, IER_TRANSMITTER | IER_RECEIVED);
        assert!(uart.interrupt());
    }

    #[test]
    fn received_data_goes_before_the_transmitter_and_keeps_it_pending() {
        let mut uart = uart_with(IER_RECEIVED | IER_TRANSMITTER, b"a");
        assert_eq!(uart.read(IIR_FCR), IIR_FIFO | IIR_RECEIVED);
        uart.read(DATA);
        assert_eq!(uart.read(IIR_FCR), IIR_FIFO | IIR_TRANSMITTER);
        assert_eq!(uart.read(IIR_FCR), IIR_FIFO | IIR_NONE);
    }

    #[test]
    fn a_full_fifo_reports_an_overrun_once() {
        let mut uart = uart_with(IER_LINE_STATUS, &[0; FIFO_SIZE]);
        assert_eq!(uart.room(), 0);
        uart.receive(1);
        assert_eq!(uart.read(IIR_FCR), IIR_FIFO | IIR_LINE_STATUS);
        assert_eq!(uart.read(LSR) & LSR_OVERRUN, LSR_OVERRUN);
        assert_eq!(uart.read(LSR) & LSR_OVERRUN, 0);
        uart.write(IIR_FCR, FCR_ENABLE | FCR_CLEAR_RECEIVER);
        assert_eq!(uart.room(), FIFO_SIZE);
    }

    #[test]
    fn loop_back_returns_bytes_and_modem_lines() {
        let mut uart = uart_with(0, b"");
        uart.write(MCR, MCR_LOOP | 0x0a);
        assert_eq!(uart.read(MSR), 0x90, "RTS to CTS, OUT2 to DCD");
        assert_eq!(uart.write(DATA, b'z'), None);
        assert_eq!(uart.room(), 0, "the line is cut");
        assert_eq!(uart.take_back(), b"", "it did not come over the line");
        assert_eq!(uart.read(DATA), b'z');
        uart.write(MCR, 0);
        assert_eq!(uart.read(MSR), MSR_CONNECTED);
    }

    #[test]
    fn the_divisor_hides_data_and_enables_only() {
        let mut uart = uart_with(IER_RECEIVED, b"q");
        uart.write(LCR, LCR_DLAB | 3);
        uart.write(DATA, 0x34);
        uart.write(IER, 0x12);
        assert_eq!((uart.read(DATA), uart.read(IER)), (0x34, 0x12));
        assert_eq!(uart.read(LCR), LCR_DLAB | 3);
        uart.write(LCR, 3);
        assert_eq!((uart.read(IER), uart.read(DATA)), (IER_RECEIVED, b'q'));
    }

    #[test]
    fn only_existing_bits_can_be_set() {
        let mut uart = Uart16550::default();
        for offset in [IER, MCR, SCR] {
            uart.write(offset, 0xff);
        }
        assert_eq!((uart.read(IER), uart.read(MCR), uart.read(SCR)), (0x0f, 0x1f, 0xff));
        assert_eq!(uart.read(IIR_FCR) & IIR_FIFO, 0, "FIFOs are off after reset");
    }
}
