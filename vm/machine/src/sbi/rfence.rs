//! Remote fence extension (chapter 8).
//!
//! A call returns when every target has executed its fence. While it waits, it serves
//! requests to its own hart, so that harts fencing each other make progress; it gives up
//! when the machine stops. Fences of a range or an address space flush everything, which is
//! always legal.

use riscope_core::hart::{Attention, Hart};

use super::pmu::FirmwareEvent;
use super::{Call, Sbi, SbiError, SbiResult};

const FENCE_I: u64 = 0;
const SFENCE_VMA: u64 = 1;
const SFENCE_VMA_ASID: u64 = 2;

/// Polls of the targets before the CPU is yielded to them.
const SPINS: u32 = 200;

pub(super) fn call(sbi: &Sbi, hart: &mut Hart, call: Call) -> SbiResult {
    let (kind, sent, received) = match call.function {
        FENCE_I => (Attention::FENCE_I, FirmwareEvent::FenceISent, FirmwareEvent::FenceIReceived),
        SFENCE_VMA => (Attention::SFENCE_VMA, FirmwareEvent::SfenceVmaSent, FirmwareEvent::SfenceVmaReceived),
        SFENCE_VMA_ASID => {
            (Attention::SFENCE_VMA, FirmwareEvent::SfenceVmaAsidSent, FirmwareEvent::SfenceVmaAsidReceived)
        }
        // The others are fences of the hypervisor extension.
        _ => return Err(SbiError::NotSupported),
    };
    let targets = sbi.harts_of(call.args[0], call.args[1])?;
    sbi.pmu.count(hart.id(), sent);
    targets.iter().for_each(|&target| sbi.pmu.count(target, received));
    fence(sbi, hart, kind, &targets);
    Ok(0)
}

/// Has all `targets` execute a fence and waits for them.
pub(super) fn fence(sbi: &Sbi, hart: &mut Hart, kind: Attention, targets: &[usize]) {
    let tickets: Vec<(usize, u32)> =
        targets.iter().map(|&target| (target, sbi.harts[target].request_fence(kind))).collect();
    // The caller may be a target.
    if hart.serve_attention().contains(Attention::STOP) {
        return;
    }
    for (target, ticket) in tickets {
        let mut looks = 0;
        while !sbi.harts[target].fence_done(ticket) {
            if hart.serve_attention().contains(Attention::STOP) {
                return;
            }
            looks += 1;
            if looks < SPINS { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
    }
}
