//! 16550A UART (data sheet PC16550D): registers, receiver and interrupt conditions,
//! independent of bus and host.
//!
//! ```text
//!  0  RBR / THR   (DLAB: divisor low)     4  MCR
//!  1  IER         (DLAB: divisor high)    5  LSR
//!  2  IIR / FCR                           6  MSR
//!  3  LCR                                 7  SCR
//! ```
//!
//! The interrupt output is a level derived from the registers, as the PLIC expects.
//!
//! The line is ideal and infinitely fast: the transmitter is always empty, the four
//! character times of the receive time-out pass at once, so data below the trigger level is
//! a time-out, and parity errors, framing errors and breaks do not occur. Characters have
//! eight bits whatever the line control register selects; divisor and scratch register are
//! storage only.

use std::collections::VecDeque;

/// Capacity of the receive FIFO while FIFOs are enabled, in bytes.
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
const IER_MODEM: u8 = 8;
const IER_BITS: u8 = 0x0f;

const IIR_MODEM: u8 = 0x0;
const IIR_NONE: u8 = 0x1;
const IIR_TRANSMITTER: u8 = 0x2;
const IIR_RECEIVED: u8 = 0x4;
const IIR_LINE_STATUS: u8 = 0x6;
const IIR_TIME_OUT: u8 = 0xc;
const IIR_FIFO: u8 = 0xc0;

const FCR_ENABLE: u8 = 1;
const FCR_CLEAR_RECEIVER: u8 = 2;
const LCR_DLAB: u8 = 0x80;
/// DMA mode and trigger level; the reset bits clear themselves.
const FCR_BITS: u8 = 0xc9;
const MCR_BITS: u8 = 0x1f;
const MCR_LOOP: u8 = 0x10;
const LSR_DATA_READY: u8 = 0x01;
const LSR_OVERRUN: u8 = 0x02;
const LSR_TRANSMITTER_EMPTY: u8 = 0x60;
/// CTS, DSR and DCD: a peer is connected.
const MSR_CONNECTED: u8 = 0xb0;
/// RI, of which only the trailing edge is reported.
const MSR_RING: u8 = 0x40;

/// Purpose of a register access, which tells how the guest uses the chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Transfers a byte.
    Data,
    /// Polls for a received byte or room for one.
    Status,
    /// Programs the chip or queries other state.
    Control,
}

/// Purpose of an access to register `offset`.
pub fn purpose(offset: u64) -> Purpose {
    match offset {
        DATA => Purpose::Data,
        LSR => Purpose::Status,
        _ => Purpose::Control,
    }
}

/// A byte in the receiver.
#[derive(Clone, Copy, Debug)]
struct Received {
    byte: u8,
    /// The chip sent it to itself (loop-back).
    looped: bool,
}

/// Registers of the chip, initially in reset state.
#[derive(Clone, Debug, Default)]
pub struct Uart16550 {
    /// Receive FIFO; without FIFOs, at most one byte, the receiver buffer register.
    received: VecDeque<Received>,
    /// The byte read last; without FIFOs it can be read again.
    last: u8,
    divisor: [u8; 2],
    ier: u8,
    fcr: u8,
    lcr: u8,
    mcr: u8,
    scr: u8,
    overrun: bool,
    /// The transmitter became empty; not acknowledged by the guest yet.
    transmitter_event: bool,
    /// Modem status changes since the modem status was read: its bits 3 to 0.
    line_changes: u8,
}

impl Uart16550 {
    /// Level of the interrupt output.
    pub fn interrupt(&self) -> bool {
        self.identification() != IIR_NONE
    }

    /// Whether the guest has enabled the received-data interrupt.
    pub fn receiver_enabled(&self) -> bool {
        self.ier & IER_RECEIVED != 0
    }

    /// Bytes that the receiver can accept before an overrun. 0 in loop-back, which
    /// disconnects the line.
    pub fn room(&self) -> usize {
        if self.is_looped() { 0 } else { self.capacity().saturating_sub(self.received.len()) }
    }

    /// Receives a byte from the line. Without room, records an overrun: a full FIFO loses
    /// this byte, the buffer register loses the one it holds.
    pub fn receive(&mut self, byte: u8) {
        self.queue(Received { byte, looped: false });
    }

    fn queue(&mut self, received: Received) {
        if self.received.len() >= self.capacity() {
            self.overrun = true;
            if self.has_fifos() {
                return;
            }
            self.received.clear();
        }
        self.received.push_back(received);
    }

    fn has_fifos(&self) -> bool {
        self.fcr & FCR_ENABLE != 0
    }

    fn capacity(&self) -> usize {
        if self.has_fifos() { FIFO_SIZE } else { 1 }
    }

    fn is_looped(&self) -> bool {
        self.mcr & MCR_LOOP != 0
    }

    /// Takes the bytes received from the line and not read yet out of the receiver, oldest
    /// first.
    pub fn take_back(&mut self) -> Vec<u8> {
        let line = self.received.iter().filter(|received| !received.looped).map(|received| received.byte).collect();
        self.received.retain(|received| received.looped);
        line
    }

    /// Reads register `offset`, 0 to 7; other offsets read as zero.
    pub fn read(&mut self, offset: u64) -> u8 {
        match (offset, self.lcr & LCR_DLAB != 0) {
            (DATA, true) => self.divisor[0],
            (IER, true) => self.divisor[1],
            (DATA, false) => self.read_data(),
            (IER, false) => self.ier,
            (IIR_FCR, _) => self.read_identification(),
            (LCR, _) => self.lcr,
            (MCR, _) => self.mcr,
            (LSR, _) => self.read_line_status(),
            (MSR, _) => self.read_modem_status(),
            (SCR, _) => self.scr,
            _ => 0,
        }
    }

    /// Writes register `offset`, 0 to 7; other offsets are ignored. Returns the byte that
    /// is transmitted, if any.
    pub fn write(&mut self, offset: u64, value: u8) -> Option<u8> {
        match (offset, self.lcr & LCR_DLAB != 0) {
            (DATA, true) => self.divisor[0] = value,
            (IER, true) => self.divisor[1] = value,
            (DATA, false) => return self.transmit(value),
            (IER, false) => self.write_enables(value),
            (IIR_FCR, _) => self.write_fifo_control(value),
            (LCR, _) => self.lcr = value,
            (MCR, _) => self.write_modem_control(value),
            (SCR, _) => self.scr = value,
            // LSR and MSR are writable for factory tests only.
            _ => {}
        }
        None
    }

    /// Reads RBR. An empty FIFO reads as zero; the buffer register keeps its value.
    fn read_data(&mut self) -> u8 {
        match self.received.pop_front() {
            Some(received) => self.last = received.byte,
            None if self.has_fifos() => self.last = 0,
            None => {}
        }
        self.last
    }

    fn transmit(&mut self, value: u8) -> Option<u8> {
        self.transmitter_event = true;
        if !self.is_looped() {
            return Some(value);
        }
        self.queue(Received { byte: value, looped: true });
        None
    }

    fn write_enables(&mut self, value: u8) {
        let enabled = value & !self.ier & IER_BITS;
        self.ier = value & IER_BITS;
        // Enabling the transmitter interrupt raises it at once.
        self.transmitter_event |= enabled & IER_TRANSMITTER != 0;
    }

    /// Writes FCR. Without the FIFO enable bit the other bits are not programmed; changing
    /// it resets the receiver.
    fn write_fifo_control(&mut self, value: u8) {
        let was_enabled = self.has_fifos();
        self.fcr = if value & FCR_ENABLE != 0 { value & FCR_BITS } else { self.fcr & !FCR_ENABLE };
        let is_cleared = self.has_fifos() && value & FCR_CLEAR_RECEIVER != 0;
        if is_cleared || was_enabled != self.has_fifos() {
            self.received.clear();
            self.last = 0;
        }
    }

    /// Writes MCR. In loop-back its outputs drive the modem inputs.
    fn write_modem_control(&mut self, value: u8) {
        let before = self.modem_lines();
        self.mcr = value & MCR_BITS;
        let after = self.modem_lines();
        let counted = (before ^ after) & !MSR_RING | before & !after & MSR_RING;
        self.line_changes |= counted >> 4;
    }

    /// Enabled pending interrupt of the highest priority.
    fn identification(&self) -> u8 {
        if self.ier & IER_LINE_STATUS != 0 && self.overrun {
            IIR_LINE_STATUS
        } else if self.ier & IER_RECEIVED != 0 && !self.received.is_empty() {
            if self.received.len() >= self.trigger_level() { IIR_RECEIVED } else { IIR_TIME_OUT }
        } else if self.ier & IER_TRANSMITTER != 0 && self.transmitter_event {
            IIR_TRANSMITTER
        } else if self.ier & IER_MODEM != 0 && self.line_changes != 0 {
            IIR_MODEM
        } else {
            IIR_NONE
        }
    }

    fn trigger_level(&self) -> usize {
        if !self.has_fifos() {
            return 1;
        }
        [1, 4, 8, 14][usize::from(self.fcr >> 6)]
    }

    /// Reads IIR, which acknowledges the transmitter interrupt if it is the one reported.
    fn read_identification(&mut self) -> u8 {
        let identification = self.identification();
        if identification == IIR_TRANSMITTER {
            self.transmitter_event = false;
        }
        let fifo = if self.has_fifos() { IIR_FIFO } else { 0 };
        identification | fifo
    }

    fn read_line_status(&mut self) -> u8 {
        let ready = if self.received.is_empty() { 0 } else { LSR_DATA_READY };
        let overrun = if std::mem::take(&mut self.overrun) { LSR_OVERRUN } else { 0 };
        LSR_TRANSMITTER_EMPTY | ready | overrun
    }

    fn read_modem_status(&mut self) -> u8 {
        self.modem_lines() | std::mem::take(&mut self.line_changes)
    }

    /// CTS, DSR, RI and DCD in bits 4 to 7; in loop-back RTS, DTR, OUT1 and OUT2.
    fn modem_lines(&self) -> u8 {
        if !self.is_looped() {
            return MSR_CONNECTED;
        }
        let (dtr, rts) = (self.mcr & 1, self.mcr >> 1 & 1);
        rts << 4 | dtr << 5 | (self.mcr & 0x0c) << 4
    }
}

#[cfg(test)]
mod tests;
