//! Remote fence extension (chapter 8).
//!
//! A call returns when every target has executed its fence, or will before its next instruction.
//! It waits only for harts that execute the guest, which takes the rest of their quantum while
//! they have a CPU. While it waits, it serves requests to its own hart; it gives up when the
//! machine stops.

use std::time::Duration;

use riscope_core::hart::{Attention, Hart, RemoteFence};
use riscope_core::mmu::Extent;

use super::pmu::FirmwareEvent;
use super::{Call, Sbi, SbiError, SbiResult};

const FENCE_I: u64 = 0;
const SFENCE_VMA: u64 = 1;
const SFENCE_VMA_ASID: u64 = 2;

/// Time between two looks at requests to the caller.
const LOOK: Duration = Duration::from_millis(1);

pub(super) fn call(sbi: &Sbi, hart: &mut Hart, call: Call) -> SbiResult {
    let [mask, base, start, size, asid, _] = call.args;
    let (fence, sent, received) = match call.function {
        FENCE_I => (RemoteFence::Instructions, FirmwareEvent::FenceISent, FirmwareEvent::FenceIReceived),
        SFENCE_VMA => (translations(start, size, None), FirmwareEvent::SfenceVmaSent, FirmwareEvent::SfenceVmaReceived),
        SFENCE_VMA_ASID => (
            translations(start, size, Some(asid)),
            FirmwareEvent::SfenceVmaAsidSent,
            FirmwareEvent::SfenceVmaAsidReceived,
        ),
        // The others are fences of the hypervisor extension.
        _ => return Err(SbiError::NotSupported),
    };
    let targets = sbi.harts_of(mask, base)?;
    sbi.pmu.count(hart.id(), sent);
    targets.iter().for_each(|&target| sbi.pmu.count(target, received));
    self::fence(sbi, hart, fence, &targets);
    Ok(0)
}

/// Fence of `size` bytes at `start`. The bits above the 16 of an ASID are ignored, as in the
/// operand of `sfence.vma`.
pub(super) fn translations(start: u64, size: u64, asid: Option<u64>) -> RemoteFence {
    let asid = asid.map(|asid| {
        let [low, high, ..] = asid.to_le_bytes();
        u16::from_le_bytes([low, high])
    });
    RemoteFence::Translations(Extent::of_range(start, size, asid))
}

/// Has all `targets` execute a fence and waits for them.
pub(super) fn fence(sbi: &Sbi, hart: &mut Hart, fence: RemoteFence, targets: &[usize]) {
    let tickets: Vec<(usize, u32)> =
        targets.iter().map(|&target| (target, sbi.harts[target].request_fence(fence))).collect();
    // The caller may be a target.
    if hart.serve_attention().contains(Attention::STOP) {
        return;
    }
    for (target, ticket) in tickets {
        while !sbi.harts[target].wait_for_fence(ticket, LOOK) {
            if hart.serve_attention().contains(Attention::STOP) {
                return;
            }
        }
    }
}
