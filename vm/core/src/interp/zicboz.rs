//! Zicboz extension: zeroing of cache blocks of 64 bytes, the size that the device tree
//! gives.

use super::{Flow, Handler};
use crate::hart::{Exception, ExceptionCause, Hart, permission};
use crate::isa::Operands;
use crate::isa::zicboz::Zicboz;

/// Size of a cache block in bytes.
const BLOCK: u64 = 64;

pub(super) fn handler(op: Zicboz) -> Handler {
    match op {
        Zicboz::CboZero => cbo_zero,
    }
}

fn cbo_zero(hart: &mut Hart, o: Operands) -> Flow {
    if hart.state.permitted & u64::from(permission::ZERO_BLOCKS) == 0 {
        return hart.raise_illegal();
    }
    let address = hart.x(o.rs1());
    let block = address & !(BLOCK - 1);
    for offset in (0..BLOCK).step_by(8) {
        if let Err(exception) = hart.store64(block + offset, 0) {
            // In RAM only the first store can fault; a device refuses each.
            let cause = match exception.cause {
                ExceptionCause::StorePageFault => ExceptionCause::StorePageFault,
                _ => ExceptionCause::StoreAccessFault,
            };
            return hart.raise(Exception::new(cause, address));
        }
    }
    Flow::Next
}
