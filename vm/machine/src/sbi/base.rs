//! Base extension (chapter 4): identity and probing.

use super::{Call, SbiError, SbiResult, known};

/// SBI version 2.0: major in bits 30..24, minor below.
const SPEC_VERSION: u64 = 2 << 24;
/// "RSCO"; registered IDs are small numbers.
const IMPLEMENTATION_ID: u64 = 0x5253_434f;

const GET_SPEC_VERSION: u64 = 0;
const GET_IMPL_ID: u64 = 1;
const GET_IMPL_VERSION: u64 = 2;
const PROBE_EXTENSION: u64 = 3;
const GET_MVENDORID: u64 = 4;
const GET_MARCHID: u64 = 5;
const GET_MIMPID: u64 = 6;

pub(super) fn call(call: Call) -> SbiResult {
    match call.function {
        GET_SPEC_VERSION => Ok(SPEC_VERSION),
        GET_IMPL_ID => Ok(IMPLEMENTATION_ID),
        GET_IMPL_VERSION => Ok(implementation_version()),
        PROBE_EXTENSION => Ok(probe(call.args[0])),
        // The values of the CSRs of these names.
        GET_MVENDORID | GET_MARCHID | GET_MIMPID => Ok(0),
        _ => Err(SbiError::NotSupported),
    }
}

fn probe(extension: u64) -> u64 {
    u64::from(known(extension).is_some() || extension <= u64::from(super::legacy::LAST))
}

/// Crate version, 8 bits each: major, minor, patch.
fn implementation_version() -> u64 {
    let parts = [env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR"), env!("CARGO_PKG_VERSION_PATCH")];
    parts.iter().fold(0, |version, part| version << 8 | part.parse::<u64>().unwrap_or(0) & 0xff)
}
