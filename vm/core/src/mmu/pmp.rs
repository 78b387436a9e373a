//! Physical memory protection (privileged specification, "Physical Memory
//! Protection"): sixteen entries of 4-byte granularity.

use crate::addr::GuestPhys;
use crate::arch::{Access, PrivilegeMode};

const ENTRIES: usize = 16;
const READ: u8 = 1;
const WRITE: u8 = 2;
const EXECUTE: u8 = 4;
const LOCK: u8 = 0x80;
const CONFIG_MASK: u8 = LOCK | 0x1f;
/// 54 bits, which hold a 56-bit physical address.
const ADDRESS_MASK: u64 = (1 << 54) - 1;

/// Address-matching modes, bits 4 and 3 of a configuration byte.
const OFF: u8 = 0;
const TOR: u8 = 1;
const NA4: u8 = 2;

/// PMP entries and the byte ranges that they match.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pmp {
    config: [u8; ENTRIES],
    address: [u64; ENTRIES],
    /// The active entries, in their order; derived from the above.
    active: [Active; ENTRIES],
    count: usize,
}

/// An active entry.
#[derive(Clone, Copy, Debug, Default)]
struct Active {
    /// First byte that it matches.
    first: u64,
    /// Last byte.
    last: u64,
    config: u8,
}

/// Result of a PMP check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every byte is allowed.
    Allowed,
    /// At least one byte is denied.
    Denied,
}

impl Pmp {
    /// Sets up entry 0 to allow every access, as SBI firmware does.
    pub(crate) fn allow_everything(&mut self) {
        self.set_config(0, READ | WRITE | EXECUTE | 3 << 3);
        self.set_address(0, ADDRESS_MASK);
    }

    pub(crate) fn config(&self, entry: usize) -> u8 {
        self.config.get(entry).copied().unwrap_or(0)
    }

    pub(crate) fn address(&self, entry: usize) -> u64 {
        self.address.get(entry).copied().unwrap_or(0)
    }

    /// Writes a configuration byte. Ignored for locked and unimplemented entries; the
    /// reserved combination W without R keeps the old value.
    pub(crate) fn set_config(&mut self, entry: usize, value: u8) {
        let reserved = value & (READ | WRITE) == WRITE;
        if entry < ENTRIES && self.config[entry] & LOCK == 0 && !reserved {
            self.config[entry] = value & CONFIG_MASK;
            self.rebuild();
        }
    }

    /// Writes an address register. Ignored for a locked entry and for the lower bound of a
    /// locked TOR entry.
    pub(crate) fn set_address(&mut self, entry: usize, value: u64) {
        let locked = |n: usize| self.config.get(n).is_some_and(|config| config & LOCK != 0);
        let bounds_locked_tor = locked(entry + 1) && matching(self.config(entry + 1)) == TOR;
        if entry < ENTRIES && !locked(entry) && !bounds_locked_tor {
            self.address[entry] = value & ADDRESS_MASK;
            self.rebuild();
        }
    }

    fn rebuild(&mut self) {
        self.count = 0;
        for entry in 0..ENTRIES {
            let below = if entry == 0 { 0 } else { self.address[entry - 1] };
            let config = self.config[entry];
            if let Some((first, last)) = byte_range(matching(config), below, self.address[entry]) {
                self.active[self.count] = Active { first, last, config };
                self.count += 1;
            }
        }
    }

    /// The entry that decides about the bytes from `first` to `last`, and whether it matches
    /// all of them. The lowest-numbered entry that matches any byte decides.
    #[inline]
    fn decisive(&self, first: u64, last: u64) -> Option<(u8, bool)> {
        let matches_any = |entry: &&Active| last >= entry.first && first <= entry.last;
        let entry = self.active[..self.count].iter().find(matches_any)?;
        Some((entry.config, first >= entry.first && last <= entry.last))
    }

    /// Checks an access of `len` bytes (at least 1) at `addr` in `mode`. The entry that decides
    /// must match all of them.
    pub(crate) fn check(&self, addr: GuestPhys, len: u64, access: Access, mode: PrivilegeMode) -> Verdict {
        let machine = mode == PrivilegeMode::Machine;
        match self.decisive(addr.0, addr.0.saturating_add(len - 1)) {
            Some((config, whole)) => {
                let unchecked = machine && config & LOCK == 0;
                verdict(whole && (unchecked || config & permission(access) != 0))
            }
            None => verdict(machine),
        }
    }

    /// Whether a single entry, or none, covers the whole range, so that the check of any
    /// part holds for all of it.
    pub(crate) fn is_uniform(&self, addr: GuestPhys, len: u64) -> bool {
        self.decisive(addr.0, addr.0.saturating_add(len - 1)).is_none_or(|(_, whole)| whole)
    }
}

fn verdict(allowed: bool) -> Verdict {
    if allowed { Verdict::Allowed } else { Verdict::Denied }
}

fn permission(access: Access) -> u8 {
    match access {
        Access::Load => READ,
        Access::Store => WRITE,
        Access::Fetch => EXECUTE,
    }
}

fn matching(config: u8) -> u8 {
    config >> 3 & 3
}

fn byte_range(matching: u8, below: u64, address: u64) -> Option<(u64, u64)> {
    match matching {
        OFF => None,
        TOR => (below < address).then(|| (below << 2, (address << 2) - 1)),
        NA4 => Some((address << 2, (address << 2) + 3)),
        _ => {
            // NAPOT: n trailing ones encode a range of 2^(n+3) bytes.
            let ones = address.trailing_ones().min(54);
            let size = 8u64 << ones;
            let low = address >> ones << ones << 2;
            Some((low, low.saturating_add(size - 1)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: u8 = READ | WRITE | EXECUTE;

    fn pmp(entries: &[(u8, u64)]) -> Pmp {
        let mut pmp = Pmp::default();
        for (n, &(_, address)) in entries.iter().enumerate() {
            pmp.set_address(n, address);
        }
        for (n, &(config, _)) in entries.iter().enumerate() {
            pmp.set_config(n, config);
        }
        pmp
    }

    fn user(pmp: &Pmp, addr: u64, len: u64, access: Access) -> Verdict {
        pmp.check(GuestPhys(addr), len, access, PrivilegeMode::User)
    }

    #[test]
    fn without_a_match_only_machine_mode_passes() {
        let pmp = Pmp::default();
        assert_eq!(user(&pmp, 0, 1, Access::Load), Verdict::Denied);
        assert_eq!(pmp.check(GuestPhys(0), 1, Access::Load, PrivilegeMode::Machine), Verdict::Allowed);
    }

    #[test]
    fn napot_ranges_have_the_encoded_size() {
        // 0x8000_0000, 4 KiB: nine trailing ones.
        let pmp = pmp(&[(READ | 3 << 3, 0x8000_0000 >> 2 | 0x1ff)]);
        assert_eq!(user(&pmp, 0x8000_0000, 8, Access::Load), Verdict::Allowed);
        assert_eq!(user(&pmp, 0x8000_0ff8, 8, Access::Load), Verdict::Allowed);
        assert_eq!(user(&pmp, 0x8000_0ffc, 8, Access::Load), Verdict::Denied, "leaves the range");
        assert_eq!(user(&pmp, 0x8000_1000, 1, Access::Load), Verdict::Denied);
        assert_eq!(user(&pmp, 0x7fff_ffff, 1, Access::Load), Verdict::Denied);
        assert_eq!(user(&pmp, 0x8000_0000, 1, Access::Store), Verdict::Denied);
    }

    #[test]
    fn all_ones_napot_matches_everything() {
        let mut pmp = Pmp::default();
        pmp.allow_everything();
        assert_eq!(user(&pmp, 0, 8, Access::Store), Verdict::Allowed);
        assert_eq!(user(&pmp, (1 << 56) - 8, 8, Access::Fetch), Verdict::Allowed);
        assert!(pmp.is_uniform(GuestPhys(0x8000_0000), 1 << 30));
    }

    #[test]
    fn the_lowest_entry_decides() {
        let pmp = pmp(&[(NA4 << 3, 0x1000 >> 2), (ALL | TOR << 3, 0x2000 >> 2)]);
        assert_eq!(user(&pmp, 0x1000, 4, Access::Load), Verdict::Denied);
        assert_eq!(user(&pmp, 0x1004, 4, Access::Load), Verdict::Allowed);
        assert_eq!(user(&pmp, 0x1000, 8, Access::Load), Verdict::Denied, "partial match");
        assert!(!pmp.is_uniform(GuestPhys(0x1000), 4096));
        // Entry 1 is TOR from entry 0's address on.
        assert_eq!(user(&pmp, 0xffc, 4, Access::Load), Verdict::Denied);
    }

    #[test]
    fn locked_entries_bind_machine_mode_and_stay() {
        let mut pmp = pmp(&[(LOCK | READ | NA4 << 3, 0x1000 >> 2)]);
        let machine = |pmp: &Pmp, access| pmp.check(GuestPhys(0x1000), 4, access, PrivilegeMode::Machine);
        assert_eq!(machine(&pmp, Access::Load), Verdict::Allowed);
        assert_eq!(machine(&pmp, Access::Store), Verdict::Denied);
        pmp.set_config(0, ALL);
        pmp.set_address(0, 0);
        assert_eq!(machine(&pmp, Access::Store), Verdict::Denied);
    }

    #[test]
    fn the_base_of_a_locked_tor_entry_is_locked_too() {
        let mut pmp = pmp(&[(0, 0x1000 >> 2), (LOCK | TOR << 3, 0x2000 >> 2)]);
        pmp.set_address(0, 0);
        assert_eq!(pmp.address(0), 0x1000 >> 2);
    }

    #[test]
    fn entries_beyond_the_last_read_zero() {
        let mut pmp = Pmp::default();
        pmp.set_address(40, 1);
        pmp.set_config(40, ALL);
        assert_eq!((pmp.address(40), pmp.config(40)), (0, 0));
    }
}
