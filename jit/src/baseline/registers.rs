//! Which guest registers a fragment keeps in host registers, and which of them memory does not
//! have yet.
//!
//! | host register | holds |
//! |---|---|
//! | `rdi` | the anchor of the hart's state |
//! | `rsi` | the virtual address that the fragment was entered with |
//! | `rax`, `rcx`, `rdx` | scratch within one template |
//! | [`HOSTS`] | the guest registers that the fragment uses most |
//!
//! Nothing else is live between fragments: a fragment loads what it keeps, and stores what it
//! has written where it is left.

use riscope_core::addr::to_usize;

use super::operand::Reg;

/// Host registers for guest registers. Those that survive a call of a host function come
/// first and go to the most used ones.
pub(super) const HOSTS: [Reg; 10] =
    [Reg::RBX, Reg::RBP, Reg::R12, Reg::R13, Reg::R14, Reg::R15, Reg::R8, Reg::R9, Reg::R10, Reg::R11];

/// How many of [`HOSTS`] survive a call of a host function.
pub(super) const PRESERVED: usize = 6;

/// A set of guest registers, a bit each.
pub(super) type Set = u32;

/// The assignment for one fragment.
#[derive(Clone, Debug, Default)]
pub(super) struct Registers {
    /// Index in [`HOSTS`] by guest register.
    host: [Option<u8>; 32],
    /// Guest register by index in [`HOSTS`]; 0 for none.
    guests: [u8; HOSTS.len()],
    /// All that are kept.
    kept: Set,
}

impl Registers {
    /// Keeps these guest registers, the most used one first; as many as there are [`HOSTS`].
    pub(super) fn keeping(guests: impl Iterator<Item = u8>) -> Self {
        let mut registers = Self::default();
        for (index, guest) in (0..).zip(guests.take(HOSTS.len())) {
            registers.host[usize::from(guest)] = Some(index);
            registers.guests[usize::from(index)] = guest;
            registers.kept |= 1 << guest;
        }
        registers
    }

    /// The host register of a guest register.
    pub(super) fn host(&self, guest: usize) -> Option<Reg> {
        self.host[guest].map(|index| HOSTS[usize::from(index)])
    }

    /// All guest registers that are kept.
    pub(super) fn kept(&self) -> Set {
        self.kept
    }

    /// Those whose host registers a call does not preserve.
    pub(super) fn lost_by_calls(&self) -> Set {
        self.guests[PRESERVED..].iter().filter(|&&guest| guest != 0).fold(0, |set, &guest| set | 1 << guest)
    }

    /// Guest register by index in [`HOSTS`], in one word, see [`guest_in`].
    pub(super) fn guests(&self) -> u64 {
        self.guests.iter().rev().fold(0, |word, guest| word << GUEST_BITS | u64::from(*guest))
    }

    /// A set of guest registers as indices in [`HOSTS`].
    pub(super) fn hosts_of(&self, set: Set) -> u16 {
        members(set).filter_map(|guest| self.host[guest]).fold(0, |hosts, index| hosts | 1 << index)
    }
}

/// Bits of a guest register's number.
const GUEST_BITS: usize = 5;
const _: () = assert!(HOSTS.len() * GUEST_BITS <= 64);

/// Guest register by index in [`HOSTS`], of [`Registers::guests`].
pub(super) fn guest_in(guests: u64, index: usize) -> usize {
    to_usize(guests >> (GUEST_BITS * index)) & ((1 << GUEST_BITS) - 1)
}

/// The members of a set.
pub(super) fn members(mut set: Set) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        (set != 0).then(|| {
            let lowest = set.trailing_zeros() as usize;
            set &= set - 1;
            lowest
        })
    })
}
