//! Execution environment of a program: privilege, protection, translation, interrupts.

use super::super::firmware::Plan;
use super::super::layout::{CODE, CODE_BYTES, DATA, DATA_BYTES, RAM};
use super::super::paging::{Format, Space, Tables};
use super::profile::Profile;
use crate::common::random::Random;

const MACHINE: u8 = 3;

/// Bits of `pmpcfg`.
mod pmp {
    pub(super) const READ: u64 = 1;
    pub(super) const WRITE: u64 = 2;
    pub(super) const EXECUTE: u64 = 4;
    pub(super) const NAPOT: u64 = 3 << 3;
    pub(super) const LOCKED: u64 = 1 << 7;
}

/// Random environment of a program.
#[derive(Debug)]
pub(super) struct Surroundings {
    /// The two address spaces, if any.
    spaces: Option<[Tables; 2]>,
    start_mode: u8,
    later_modes: Vec<u8>,
    patches: bool,
    /// Ticks between timer interrupts, 0 for none.
    pub(super) timer_period: u64,
}

impl Surroundings {
    pub(super) fn random(profile: &Profile, random: &mut Random) -> Self {
        let start_mode = random.pick(profile.modes);
        let paging = start_mode != MACHINE && random.chance(profile.paging);
        let levels = random.weighted(&[(6, 3), (2, 4), (1, 5)]);
        let asid = u64::from(random.below(2048));
        let other = if random.chance(60) { asid ^ 1 << random.below(11) } else { asid };
        let format = Format { levels, asids: [asid, other], global: random.chance(50) };
        let spaces = paging
            .then(|| [Space::First, Space::Second].map(|space| Tables::random(space, format, profile.patches, random)));
        let timer_period = if random.chance(profile.timer) { 1 + u64::from(random.below(40)) } else { 0 };
        let later_modes = profile.modes.iter().copied().filter(|mode| !paging || *mode != MACHINE).collect();
        Self { spaces, start_mode, later_modes, patches: profile.patches, timer_period }
    }

    pub(super) fn paging(&self) -> bool {
        self.spaces.is_some()
    }

    /// Modes that `ecall` leads to. Programs with address spaces stay below M-mode
    /// for the most part, as there is no translation there.
    pub(super) fn modes(&self, random: &mut Random) -> [u8; 8] {
        std::array::from_fn(|_| if random.chance(5) { MACHINE } else { random.pick(&self.later_modes) })
    }

    /// Page table entries: physical address and value.
    pub(super) fn tables(&self) -> Vec<(u64, u64)> {
        self.spaces.iter().flatten().flat_map(Tables::entries).collect()
    }

    /// Offset in RAM of the page table entry of `va` in one of the spaces, and its ASID.
    pub(super) fn entry_offset(&self, va: u64, random: &mut Random) -> Option<(u64, i32)> {
        let space = &self.spaces.as_ref()?[random.below(2) as usize];
        Some((space.leaf(va) - RAM, space.asid() as i32))
    }

    /// Values to combine with the low bits of `satp` and with its ASID to switch spaces; that of
    /// the ASID is a power of two or 0.
    pub(super) fn space_difference(&self) -> Option<(i32, u64)> {
        let [first, second] = self.spaces.as_ref()?;
        let difference = first.satp() ^ second.satp();
        Some(((difference & 0xfff) as i32, difference >> 44 & 0xffff))
    }

    /// Values of CSRs, in the order in which they are to be set.
    pub(super) fn control(&self, plan: &Plan, random: &mut Random) -> Vec<(u16, u64)> {
        let mut registers = plan.vectors().to_vec();
        registers.extend(self.protection(random));
        let timer = self.timer_period != 0;
        // Without these, the S-mode handler could not set the timer.
        let counters = if timer || random.chance(80) { 7 } else { random.bits() & 7 };
        let features = random.bits() & (1 << 7 | 1 << 61) | if timer { 1 << 63 } else { 0 };
        let delegated = if random.chance(70) { random.bits() & 0xb3ff } else { 0 };
        let interrupts = if random.chance(50) { 0x22 } else { 0 };
        registers.extend([
            (0x306, counters),
            (0x106, if random.chance(80) { 7 } else { 0 }),
            (0x30a, features),
            (0x302, delegated),
            (0x303, interrupts),
            (0x14d, if timer { self.timer_period } else { u64::MAX }),
            (0x304, if timer { 0x22 } else { 0 }),
        ]);
        if let Some([first, _]) = &self.spaces {
            registers.push((0x180, first.satp()));
        }
        let float = if random.chance(95) { u64::from(1 + random.below(3)) << 13 } else { 0 };
        let enables = if timer { 1 << 7 | 1 << 1 } else { random.bits() & (1 << 7 | 1 << 1) };
        let reach = random.bits() & (1 << 18 | 1 << 19);
        let mode = u64::from(self.start_mode) << 11;
        // Without FS, `fcsr` could not be written.
        registers.extend([(0x300, 3 << 13), (0x003, u64::from(random.below(5)) << 5)]);
        registers.extend([(0x341, plan.entry(self.start_mode)), (0x300, mode | float | enables | reach)]);
        registers
    }

    /// PMP: code that is not writable (unless the program patches it) and data that is not
    /// executable, both locked, as stores to executed code have no defined effect before a
    /// fence. Sometimes a hole in the data with higher priority.
    fn protection(&self, random: &mut Random) -> Vec<(u16, u64)> {
        let write = if self.patches { pmp::WRITE } else { 0 };
        let code = pmp::READ | write | pmp::EXECUTE | pmp::NAPOT | pmp::LOCKED;
        let data = pmp::READ | pmp::WRITE | pmp::NAPOT | pmp::LOCKED;
        let hole = if random.chance(15) {
            random.pick(&[0, 1, 3]) | pmp::NAPOT | if random.chance(50) { pmp::LOCKED } else { 0 }
        } else {
            0
        };
        let hole_size = 8u64 << random.below(6);
        let hole_at = (RAM + DATA + u64::from(random.below(DATA_BYTES as u32))) & !(hole_size - 1);
        vec![
            (0x3b0, napot(hole_at, hole_size)),
            (0x3b1, napot(RAM, CODE + CODE_BYTES)),
            (0x3b2, napot(0, 1 << 56)),
            (0x3a0, hole | code << 8 | data << 16),
        ]
    }
}

/// Value of `pmpaddr` for a naturally aligned power of two.
fn napot(base: u64, size: u64) -> u64 {
    (base | (size / 2 - 1)) >> 2
}
