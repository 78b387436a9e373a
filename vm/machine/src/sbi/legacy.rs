//! Legacy extensions of SBI 0.1 (chapter 5), for kernels older than Linux 5.7.
//!
//! Their hart masks are in the caller's virtual memory. Remote fences do not read the mask
//! and go to all harts, which is always legal. IPIs go to the harts of the mask; an
//! unreadable mask raises an exception in the caller.

use riscope_core::addr::GuestAddr;
use riscope_core::hart::{Exception, Hart, RemoteFence};

use super::{Sbi, SbiError, ipi, rfence, time};
use crate::exit::MachineExit;

const SET_TIMER: u8 = 0;
const CONSOLE_PUTCHAR: u8 = 1;
const CONSOLE_GETCHAR: u8 = 2;
const CLEAR_IPI: u8 = 3;
const SEND_IPI: u8 = 4;
const REMOTE_FENCE_I: u8 = 5;
const REMOTE_SFENCE_VMA: u8 = 6;
const REMOTE_SFENCE_VMA_ASID: u8 = 7;
const SHUTDOWN: u8 = 8;

/// Highest extension ID of the legacy calls.
pub(super) const LAST: u8 = SHUTDOWN;

/// Serves a legacy call; returns the value for `a0`.
///
/// # Errors
/// The exception raised by reading the hart mask, which the caller takes.
pub(super) fn call(sbi: &Sbi, hart: &mut Hart, number: u8, args: [u64; 6]) -> Result<u64, Exception> {
    let all: Vec<usize> = (0..sbi.harts.len()).collect();
    match number {
        SET_TIMER => time::set_timer(sbi, hart, args[0]),
        CONSOLE_PUTCHAR => sbi.console.output(&args[0].to_le_bytes()[..1]),
        // -1 if there is none.
        CONSOLE_GETCHAR => return Ok(sbi.console.take_input(1).first().map_or(u64::MAX, |&byte| byte.into())),
        CLEAR_IPI => return Ok(hart.clear_supervisor_software().into()),
        SEND_IPI => {
            let mask = mask_at(hart, args[0])?;
            let targets: Vec<usize> = all.into_iter().filter(|hart| mask >> hart & 1 != 0).collect();
            ipi::send(sbi, hart.id(), &targets);
        }
        REMOTE_FENCE_I => rfence::fence(sbi, hart, RemoteFence::Instructions, &all),
        REMOTE_SFENCE_VMA | REMOTE_SFENCE_VMA_ASID => {
            let asid = (number == REMOTE_SFENCE_VMA_ASID).then_some(args[3]);
            rfence::fence(sbi, hart, rfence::translations(args[1], args[2], asid), &all);
        }
        SHUTDOWN => sbi.exit.request(MachineExit::PowerOff),
        _ => return Ok((SbiError::NotSupported as i64).cast_unsigned()),
    }
    Ok(0)
}

/// Hart mask at a virtual address; all harts for address 0.
fn mask_at(hart: &mut Hart, address: u64) -> Result<u64, Exception> {
    if address == 0 { Ok(u64::MAX) } else { hart.read_u64(GuestAddr(address)) }
}
