//! ABI between the runtime and generated code: where it finds the [`HartState`] and the encoding
//! of the values passed between them.
//!
//! A translation is a function of Cranelift's `tail` convention,
//! `fn(cpu: *mut Anchor, pc: u64) -> u64`, entered with `pc` = the virtual address of
//! its first instruction. It sets `cpu.pc` and leaves with a [`Leave`] code through the leave
//! thunk, which returns it to the entry: code of templates makes the guest's calls by calls of
//! its own. It keeps no register for its caller, so on hosts with templates the entry saves
//! them all.

use std::mem::offset_of;

use cranelift_codegen::ir::{AbiParam, Signature, types};
use cranelift_codegen::isa::CallConv;
use riscope_core::engine::Exit;
use riscope_core::hart::HartState;
use riscope_core::interp::BlockEnd;
use riscope_core::mmu::{Access, TlbEntry, TlbSlot};

/// Calls of floating-point handlers a hart makes before the fragment of the last one is
/// promoted. So a fragment is promoted with a probability that grows with the calls it makes,
/// and nothing has to be counted in those without.
pub(crate) const CALLS_PER_SAMPLE: u16 = 1024;

/// Words of [`HartState::engine`] that this engine uses.
#[derive(Clone, Copy, Debug)]
#[repr(usize)]
pub(crate) enum Word {
    /// Entry of the leave thunk.
    Leave,
    /// Virtual address of the access that missed the TLB.
    MissAddress,
    /// Packed [`Miss`] that describes the access.
    MissKind,
    /// Host address of the access after a successful refill.
    HostAddress,
    /// Address of the refill thunk.
    Refill,
    /// Host floating-point control register: the guest's value while generated code runs;
    /// on return, the final value with the accrued flags. 0 if generated code must not use
    /// the floating-point unit.
    FloatControl,
    /// The host's own value of that register, restored on return.
    HostFloatControl,
    /// That register as generated code has last asked for it, with the flags accrued.
    FloatStatus,
    /// Instructions that code of the optimising tier has retired since it was entered.
    Optimised,
    /// A [`Resume`] function.
    Resume,
    /// An [`Ask`] function for an address that the jump cache does not know. It interprets as long
    /// as there is no code.
    Find,
    /// Entry of the across thunk.
    AcrossThunk,
    /// An [`Ask`] function that executes the instruction at `pc`, whose second half is on the next
    /// page.
    Across,
    /// Address of the engine, for these functions.
    Engine,
    /// Failed store-conditionals of generated code that are not counted yet.
    StoresFailed,
    /// Calls of floating-point handlers so far.
    FloatCalls,
    /// Physical address of the head of the fragment that is to be promoted.
    Promoted,
    /// Its virtual address.
    PromotedPc,
    /// An [`Ask`] function for an address that has no code. It interprets until there is some.
    Absent,
    /// An [`Ask`] function for when the quantum does not suffice for what is at `pc`. It polls and
    /// starts another one.
    Renew,
    /// Entry of the resolve thunk of templates.
    Resolve,
    /// Entry of the thunk that returns from the last call on the host's stack.
    Return,
    // What the code of templates uses is at the end, near the anchor.
    /// Host stack pointer with which generated code returns: on x86-64 hosts, guest calls are
    /// calls of the host and leave their return addresses below it.
    HostStack = 24,
    /// Lowest host stack pointer with which generated code may make another such call.
    CallLimit,
    /// Base of the hart's jump-cache table for its address space.
    JumpCache,
    /// Mask of slot offsets in that table.
    JumpMask,
    /// Entry of the thunk that fills the TLB for the code of templates.
    BaselineRefill,
    /// Entry of the one that looks into the TLB first.
    BaselineProbe,
    /// Entry of the call thunk.
    Call,
    /// Entry of the find thunk.
    FindThunk,
    /// Entry of the thunk by which the code of templates returns to the engine, ...
    BaselineLeave,
    /// ... and of the one that it goes to when the call thunk says so.
    BaselineLeft,
    /// Entry of the thunk that it goes to at the end of the quantum.
    BaselineQuantum,
}

/// What generated code addresses the state of its hart by, [`ANCHOR`] bytes behind its start.
/// Host functions that generated code calls get the state itself.
#[derive(Debug)]
pub(crate) enum Anchor {}

/// Distance of the anchor from the start of [`HartState`]: half of what short displacements reach
/// is registers from `x1` on, the other half `pc`, countdown, TLB and the last engine words.
pub(crate) const ANCHOR: usize = offset_of!(HartState, x) + 8;

/// The anchor of a state.
pub(crate) fn anchor(cpu: *mut HartState) -> *mut Anchor {
    cpu.wrapping_byte_add(ANCHOR).cast()
}

/// Distance of a field from the anchor, given its offset in [`HartState`].
const fn from_anchor(bytes: usize) -> i32 {
    offset(bytes) - offset(ANCHOR)
}

/// Distance of an engine word from the anchor.
pub(crate) const fn word(word: Word) -> i32 {
    from_anchor(offset_of!(HartState, engine) + 8 * word as usize)
}

/// Distance of an integer register from the anchor.
pub(crate) fn x(register: usize) -> i32 {
    from_anchor(offset_of!(HartState, x) + 8 * register)
}

/// Distance of a floating-point register from the anchor.
pub(crate) fn f(register: usize) -> i32 {
    from_anchor(offset_of!(HartState, f) + 8 * register)
}

pub(crate) const PC: i32 = from_anchor(offset_of!(HartState, pc));
pub(crate) const COUNTDOWN: i32 = from_anchor(offset_of!(HartState, countdown));
pub(crate) const TLB: i32 = from_anchor(offset_of!(HartState, tlb));
pub(crate) const FFLAGS: i32 = from_anchor(offset_of!(HartState, fflags));
pub(crate) const FRM: i32 = from_anchor(offset_of!(HartState, frm));
pub(crate) const RESERVATION: i32 = from_anchor(offset_of!(HartState, reservation));
pub(crate) const RESERVED_VALUE: i32 = from_anchor(offset_of!(HartState, reserved_value));
pub(crate) const STATUS: i32 = from_anchor(offset_of!(HartState, status));
pub(crate) const PERMITTED: i32 = from_anchor(offset_of!(HartState, permitted));
pub(crate) const SSCRATCH: i32 = from_anchor(offset_of!(HartState, sscratch));
pub(crate) const SEPC: i32 = from_anchor(offset_of!(HartState, sepc));
pub(crate) const SCAUSE: i32 = from_anchor(offset_of!(HartState, scause));
pub(crate) const STVAL: i32 = from_anchor(offset_of!(HartState, stval));

/// Field offsets and sizes of a TLB bank.
pub(crate) mod tlb {
    use super::{TlbEntry, TlbSlot, offset, offset_of};

    pub(crate) const READ: i32 = offset(offset_of!(TlbSlot, read));
    pub(crate) const WRITE: i32 = offset(offset_of!(TlbSlot, write));
    pub(crate) const START: i32 = offset(offset_of!(TlbEntry, start));
    pub(crate) const LENGTH: i32 = offset(offset_of!(TlbEntry, length));
    pub(crate) const ADDEND: i32 = offset(offset_of!(TlbEntry, addend));
    /// Base-two logarithm of the size of a slot.
    pub(crate) const SLOT_SHIFT: u32 = size_of::<TlbSlot>().trailing_zeros();
    const _: () = assert!(size_of::<TlbSlot>().is_power_of_two());
}

/// Converts an offset to the type of Cranelift's memory operands.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "offsets in structures of a few dozen KiB"
)]
pub(crate) const fn offset(bytes: usize) -> i32 {
    assert!(bytes < 1 << 20);
    bytes as i32
}

/// Signature of a translation: `fn(cpu, pc) -> Leave`.
pub(crate) fn code_signature() -> Signature {
    let mut signature = Signature::new(CallConv::Tail);
    signature.params.extend([AbiParam::new(types::I64), AbiParam::new(types::I64)]);
    signature.returns.push(AbiParam::new(types::I64));
    signature
}

/// Signature of the refill thunk: one argument, no result, no register touched.
pub(crate) fn refill_signature() -> Signature {
    let mut signature = Signature::new(CallConv::PreserveAll);
    signature.params.push(AbiParam::new(types::I64));
    signature
}

/// Reason for returning from generated code to the runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Leave {
    /// Fewer instructions are left in the quantum than the block at `pc` has.
    Quantum = 0,
    /// No translation of `pc` is known.
    Lookup = 1,
    /// The instruction at `pc` is only interpreted.
    Interpret = 2,
    /// A data access did not resolve to RAM; the interpreter executes the instruction at
    /// `pc` again.
    Abandoned = 3,
    /// An interrupt, a fence or a trap may be due at `pc`.
    Poll = 4,
    /// `wfi` has retired, and nothing is pending.
    Wfi = 5,
    /// `pc` is at an `ecall` for the built-in SBI.
    SbiCall = 6,
    /// The fragment whose head is in [`Word::Promoted`] is hot. Nothing is due at `pc`.
    Hot = 7,
    /// Generated code goes on at `pc`, if the jump cache knows it.
    Resume = 8,
    /// As [`Leave::Resume`]; and nothing changed that generated code depends on.
    Unchanged = 9,
    /// No translation was known; the interpreter has gone on from there until a poll was due, ...
    Interpreted = 10,
    /// ... or until code was dropped.
    Dropped = 11,
}

impl Leave {
    /// Decodes a return code.
    pub(crate) fn from_code(code: u64) -> Self {
        match code {
            0 => Self::Quantum,
            1 => Self::Lookup,
            2 => Self::Interpret,
            3 => Self::Abandoned,
            5 => Self::Wfi,
            6 => Self::SbiCall,
            7 => Self::Hot,
            8 => Self::Resume,
            9 => Self::Unchanged,
            10 => Self::Interpreted,
            11 => Self::Dropped,
            _ => Self::Poll,
        }
    }

    /// The return code.
    pub(crate) const fn code(self) -> i32 {
        let [code, ..] = (self as u64).to_le_bytes();
        code as i32
    }

    /// Whether generated code goes on.
    pub(crate) fn goes_on(self) -> bool {
        matches!(self, Self::Resume | Self::Unchanged)
    }

    /// What the engine is told when the interpreter's part of an instruction ended so.
    pub(crate) fn from_end(end: BlockEnd) -> Self {
        match end {
            BlockEnd::Exit(Exit::Wfi) => Self::Wfi,
            BlockEnd::Exit(Exit::SbiCall) => Self::SbiCall,
            BlockEnd::Exit(Exit::Stopped | Exit::LimitReached)
            | BlockEnd::Poll
            | BlockEnd::Jump
            | BlockEnd::Hot { .. } => Self::Poll,
        }
    }
}

/// What is called behind an instruction after which a poll is due, with the hart as after the
/// instruction or its trap. Does what the engine's loop would do, and returns [`Leave::Resume`] or
/// [`Leave::Unchanged`] if generated code may go on at `pc`.
pub(crate) type Resume = unsafe extern "C" fn(cpu: *mut HartState) -> u64;

/// What generated code calls for something at `pc` that it cannot do itself, everything else being
/// in memory; `link` is the guest's return address of the last call on the host's stack.
pub(crate) type Ask = unsafe extern "C" fn(cpu: *mut HartState, pc: u64, link: u64) -> WayOn;

/// How generated code goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct WayOn {
    /// The code for the hart's `pc`; null if generated code is left.
    pub(crate) code: *const u8,
    /// The code of a [`Leave`]: why it is left, or else [`Leave::Unchanged`] or
    /// [`Leave::Resume`].
    pub(crate) leave: u64,
}

impl WayOn {
    /// Generated code goes on with `code` after `left`, which says that it may.
    pub(crate) fn code(code: *const u8, left: Leave) -> Self {
        Self { code, leave: left as u64 }
    }

    /// Generated code is left.
    pub(crate) fn leave(why: Leave) -> Self {
        Self { code: std::ptr::null(), leave: why as u64 }
    }
}

/// Data access that missed the TLB, packed into one word by the translator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Miss {
    /// Size in bytes, 1 to 8.
    pub(crate) len: u8,
    /// Whether it stores; atomics do.
    pub(crate) store: bool,
    /// Instructions of the block that have not retired, this one included. Added back to
    /// the countdown when the access faults or is abandoned.
    pub(crate) unretired: u16,
    /// Address of the instruction minus the `pc` at which the translation was entered.
    pub(crate) pc_delta: i32,
}

impl Miss {
    /// Encodes the access as the word that generated code stores.
    pub(crate) fn pack(self) -> i64 {
        i64::from(self.pc_delta) << 32
            | i64::from(self.unretired) << 16
            | i64::from(self.store) << 8
            | i64::from(self.len)
    }

    /// Decodes a word stored by generated code.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "each field is taken out of its bits")]
    pub(crate) fn unpack(word: i64) -> Self {
        Self {
            len: word as u8,
            store: word >> 8 & 1 != 0,
            unretired: (word >> 16) as u16,
            pc_delta: (word >> 32) as i32,
        }
    }

    /// Access kind for the MMU.
    pub(crate) fn access(self) -> Access {
        if self.store { Access::Store } else { Access::Load }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_miss_survives_packing() {
        for pc_delta in [0, -4094, 4094, -2] {
            let miss = Miss { len: 8, store: true, unretired: 64, pc_delta };
            assert_eq!(Miss::unpack(miss.pack()), miss);
        }
    }

    #[test]
    fn what_templates_use_most_is_in_reach_of_short_displacements() {
        let last = Word::BaselineQuantum as usize;
        let words = (Word::HostStack as usize..=last)
            .map(|n| word(Word::HostStack) + offset(8 * (n - Word::HostStack as usize)));
        for distance in words.chain((1..=16).map(x)).chain([PC, COUNTDOWN, TLB]) {
            assert!(i8::try_from(distance).is_ok(), "{distance}");
        }
        assert!(last < HartState::default().engine.len());
    }

    #[test]
    fn the_state_that_code_addresses_is_eight_byte_aligned() {
        for offset in [PC, COUNTDOWN, TLB, RESERVATION, RESERVED_VALUE, word(Word::HostStack), x(31), f(0)] {
            assert_eq!(offset % 8, 0);
        }
    }
}
