//! Privileged instructions: trap returns, `wfi`, `sfence.vma`.

use super::{Flow, Handler};
use crate::hart::{Hart, PrivilegeMode, status};
use crate::isa::Operands;
use crate::isa::privileged::Privileged;

pub(super) fn handler(op: Privileged) -> Handler {
    match op {
        Privileged::Mret => mret,
        Privileged::Sret => sret,
        Privileged::Wfi => wfi,
        Privileged::SfenceVma => sfence_vma,
    }
}

fn mret(hart: &mut Hart, _o: Operands) -> Flow {
    if hart.mode != PrivilegeMode::Machine {
        return hart.raise_illegal();
    }
    hart.return_from_machine_trap();
    Flow::JumpResync
}

fn sret(hart: &mut Hart, _o: Operands) -> Flow {
    let trapped = hart.mode == PrivilegeMode::Supervisor && hart.state.status & status::TSR != 0;
    if hart.mode == PrivilegeMode::User || trapped {
        return hart.raise_illegal();
    }
    hart.return_from_supervisor_trap();
    Flow::JumpResync
}

/// `wfi` is illegal in U-mode, where it cannot complete in bounded time.
fn wfi(hart: &mut Hart, _o: Operands) -> Flow {
    let trapped = hart.mode == PrivilegeMode::Supervisor && hart.state.status & status::TW != 0;
    if hart.mode == PrivilegeMode::User || trapped {
        return hart.raise_illegal();
    }
    hart.counters().count_wfi();
    if hart.has_wakeup() { Flow::Resync } else { Flow::Wfi }
}

fn sfence_vma(hart: &mut Hart, o: Operands) -> Flow {
    let trapped = hart.mode == PrivilegeMode::Supervisor && hart.state.status & status::TVM != 0;
    if hart.mode == PrivilegeMode::User || trapped {
        return hart.raise_illegal();
    }
    let va = (o.rs1() != 0).then(|| hart.x(o.rs1()));
    // The bits above the ASID are reserved and ignored.
    let asid = (o.rs2() != 0).then(|| hart.x(o.rs2()) as u16);
    hart.mmu.fence(va, asid);
    Flow::Resync
}
