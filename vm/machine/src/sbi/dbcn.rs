//! Debug console extension (chapter 12).

use riscope_core::addr::GuestPhys;
use vm_memory::{Bytes, GuestAddress};

use super::{Call, Sbi, SbiError, SbiResult};

const CONSOLE_WRITE: u64 = 0;
const CONSOLE_READ: u64 = 1;
const CONSOLE_WRITE_BYTE: u64 = 2;

/// Maximum bytes per call; callers continue with the rest.
const MAX_BYTES: u64 = 4096;

pub(super) fn call(sbi: &Sbi, call: Call) -> SbiResult {
    let [first, low, high, ..] = call.args;
    match call.function {
        CONSOLE_WRITE => write(sbi, first, low, high),
        CONSOLE_READ => read(sbi, first, low, high),
        CONSOLE_WRITE_BYTE => {
            sbi.console.output(&first.to_le_bytes()[..1]);
            Ok(0)
        }
        _ => Err(SbiError::NotSupported),
    }
}

fn write(sbi: &Sbi, len: u64, low: u64, high: u64) -> SbiResult {
    let (address, len) = check(sbi, len, low, high)?;
    let mut bytes = vec![0; len];
    sbi.ram.memory().read_slice(&mut bytes, address).map_err(|_| SbiError::InvalidParam)?;
    sbi.console.output(&bytes);
    Ok(len as u64)
}

fn read(sbi: &Sbi, len: u64, low: u64, high: u64) -> SbiResult {
    let (address, len) = check(sbi, len, low, high)?;
    let bytes = sbi.console.take_input(len);
    sbi.ram.memory().write_slice(&bytes, address).map_err(|_| SbiError::InvalidParam)?;
    Ok(bytes.len() as u64)
}

/// Checks an address range: all of it must be RAM, even if only its start is transferred.
fn check(sbi: &Sbi, len: u64, low: u64, high: u64) -> Result<(GuestAddress, usize), SbiError> {
    if high != 0 || !(len == 0 || sbi.ram.contains(GuestPhys(low), len)) {
        return Err(SbiError::InvalidParam);
    }
    let moved = usize::try_from(len.min(MAX_BYTES)).map_err(|_| SbiError::InvalidParam)?;
    // An empty range may be anywhere; the start of RAM replaces it.
    Ok((GuestAddress(if len == 0 { sbi.ram.base().0 } else { low }), moved))
}
