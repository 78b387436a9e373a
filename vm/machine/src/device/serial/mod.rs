//! The serial port: [`uart16550`] is the chip alone, [`port`] its place on the
//! board.

pub mod port;
pub mod uart16550;

pub use port::SerialPort;
