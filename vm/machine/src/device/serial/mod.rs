//! Serial port: [`uart16550`] models the chip, [`port`] attaches it to the board.

pub mod port;
pub mod uart16550;

pub use port::SerialPort;
