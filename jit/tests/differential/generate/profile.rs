//! Kinds of programs: their snippets with frequencies, and their execution environments.

/// A kind of snippet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Register arithmetic of I, M and the bit-manipulation extensions.
    Integer,
    /// A 16-bit instruction that is not a jump.
    Compressed,
    Load,
    Store,
    /// A read-modify-write.
    Atomic,
    /// Load-reserved and store-conditional.
    Reserved,
    /// Zeroing of a cache block.
    CacheBlock,
    /// Floating-point arithmetic, comparison, conversion, move.
    Float,
    /// Floating-point loads and stores.
    FloatMemory,
    /// Rounding mode and flags.
    FloatControl,
    /// A branch to a following unit.
    Branch,
    /// A jump to a following unit.
    Jump,
    /// A counted loop around the following snippets.
    Loop,
    /// A call of a function.
    Call,
    /// A call of a function that calls itself.
    Recursion,
    /// A return before the end of a function, perhaps elsewhere than behind the last call.
    Return,
    /// A jump to a computed address.
    ComputedJump,
    /// A read of any control register.
    ControlRead,
    /// A write of a harmless control register.
    ControlWrite,
    /// Sets or clears one bit of the status register.
    StatusBit,
    /// `ecall`, `ebreak`, `wfi`, `mret`, `sret`, a software interrupt.
    System,
    /// `fence`, `fence.i`, `sfence.vma`.
    Fence,
    /// An illegal encoding, or a random word.
    Invalid,
    /// An access to the device.
    Device,
    /// An access to vacant addresses.
    Unmapped,
    /// An access through a random register.
    Stray,
    /// Changes an instruction and fences.
    Patch,
    /// Changes a page table entry and fences.
    Remap,
    /// Switches between the two address spaces.
    SwitchSpace,
}

/// A kind of program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Profile {
    pub(crate) name: &'static str,
    /// Snippets with their weights.
    pub(crate) kinds: &'static [(u32, Kind)],
    /// Modes to start in, and to change to: 0 is U, 1 is S, 3 is M.
    pub(crate) modes: &'static [u8],
    /// Percentage of programs with address spaces.
    pub(crate) paging: u32,
    /// Percentage of programs with a running timer.
    pub(crate) timer: u32,
    /// Whether programs modify their code. They then restrict their other stores, as a
    /// change without a fence has no defined effect.
    pub(crate) patches: bool,
}

use Kind::{
    Atomic, Branch, CacheBlock, Call, Compressed, ComputedJump, ControlRead, ControlWrite, Device, Fence, Float,
    FloatControl, FloatMemory, Integer, Invalid, Jump, Load, Loop, Patch, Recursion, Remap, Reserved, Return,
    StatusBit, Store, Stray, SwitchSpace, System, Unmapped,
};

/// Arithmetic and control flow, with few traps.
pub(crate) const INTEGER: Profile = Profile {
    name: "integer",
    kinds: &[
        (60, Integer),
        (20, Compressed),
        (8, Branch),
        (2, Jump),
        (2, Loop),
        (2, Call),
        (1, ComputedJump),
        (2, Load),
        (2, Store),
    ],
    modes: &[3, 1, 0],
    paging: 30,
    timer: 10,
    patches: false,
};

/// Accesses of all kinds, aligned or not, permitted or not.
pub(crate) const MEMORY: Profile = Profile {
    name: "memory",
    kinds: &[
        (20, Integer),
        (12, Compressed),
        (25, Load),
        (20, Store),
        (10, Atomic),
        (5, Reserved),
        (1, CacheBlock),
        (4, FloatMemory),
        (5, Branch),
        (1, Loop),
        (1, Call),
        (1, Device),
        (1, Unmapped),
        (1, Stray),
    ],
    modes: &[3, 1, 0],
    paging: 60,
    timer: 10,
    patches: false,
};

/// Floating point in all rounding modes.
pub(crate) const FLOAT: Profile = Profile {
    name: "float",
    kinds: &[
        (60, Float),
        (8, FloatControl),
        (12, FloatMemory),
        (10, Integer),
        (5, Branch),
        (2, Loop),
        (2, Call),
        (1, Recursion),
        (1, StatusBit),
    ],
    modes: &[3, 0],
    paging: 20,
    timer: 5,
    patches: false,
};

/// Jumps of all kinds, across pages and into the middle of instructions.
pub(crate) const CONTROL: Profile = Profile {
    name: "control",
    kinds: &[
        (25, Integer),
        (12, Compressed),
        (25, Branch),
        (8, Jump),
        (8, Loop),
        (12, Call),
        (3, Recursion),
        (5, Return),
        (8, ComputedJump),
        (1, Fence),
        (1, Load),
    ],
    modes: &[3, 1, 0],
    paging: 50,
    timer: 30,
    patches: false,
};

/// CSRs, traps, changes of mode and of translation.
pub(crate) const PRIVILEGED: Profile = Profile {
    name: "privileged",
    kinds: &[
        (60, Integer),
        (20, Load),
        (20, Store),
        (6, Atomic),
        (8, Branch),
        (2, Loop),
        (6, Call),
        (1, Recursion),
        (2, Return),
        (4, ControlRead),
        (4, ControlWrite),
        (3, StatusBit),
        (3, System),
        (3, Fence),
        (2, Invalid),
        (2, Device),
        (2, Unmapped),
        (2, Stray),
        (4, Remap),
        (2, SwitchSpace),
        (4, Float),
    ],
    modes: &[0, 1, 3],
    paging: 80,
    timer: 40,
    patches: false,
};

/// Self-modifying code.
pub(crate) const PATCHING: Profile = Profile {
    name: "patching",
    kinds: &[
        (50, Integer),
        (12, Compressed),
        (8, Load),
        (8, Store),
        (8, Branch),
        (2, Jump),
        (2, Loop),
        (4, Call),
        (1, Recursion),
        (2, ComputedJump),
        (5, Patch),
        (1, Fence),
    ],
    modes: &[3, 1, 0],
    paging: 50,
    timer: 20,
    patches: true,
};
