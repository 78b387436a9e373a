//! Zifencei extension: instruction-fetch fence.

use super::{Flow, Handler};
use crate::isa::zifencei::Zifencei;

pub(super) fn handler(op: Zifencei) -> Handler {
    match op {
        Zifencei::FenceI => |hart, _| {
            hart.mmu.fence_fetches();
            Flow::Resync
        },
    }
}
