//! Causes of traps (privileged specification, tables of `mcause` and `scause`).

/// A synchronous exception with the value that goes to `mtval` or `stval`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exception {
    /// What happened.
    pub cause: ExceptionCause,
    /// Faulting address, or the instruction's bits, or 0.
    pub value: u64,
}

impl Exception {
    /// An exception of `cause` with trap value `value`.
    pub fn new(cause: ExceptionCause, value: u64) -> Self {
        Self { cause, value }
    }

    /// An illegal instruction whose bits are `bits`.
    pub fn illegal(bits: u32) -> Self {
        Self::new(ExceptionCause::IllegalInstruction, u64::from(bits))
    }
}

/// Codes of synchronous exceptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum ExceptionCause {
    /// Jump to an address that is not 2-byte aligned.
    InstructionMisaligned = 0,
    /// Fetch from where no executable memory is, or PMP forbids it.
    InstructionAccessFault = 1,
    /// Reserved or unimplemented encoding, or not allowed in this mode.
    IllegalInstruction = 2,
    /// `ebreak`.
    Breakpoint = 3,
    /// Misaligned load that the address does not support.
    LoadMisaligned = 4,
    /// Load where nothing answers, or PMP forbids it.
    LoadAccessFault = 5,
    /// Misaligned store, AMO or `sc` that the address does not support.
    StoreMisaligned = 6,
    /// Store or AMO where nothing answers, or PMP forbids it.
    StoreAccessFault = 7,
    /// `ecall` in U-mode.
    UserEcall = 8,
    /// `ecall` in S-mode.
    SupervisorEcall = 9,
    /// `ecall` in M-mode.
    MachineEcall = 11,
    /// Fetch without a valid, executable translation.
    InstructionPageFault = 12,
    /// Load without a valid, readable translation.
    LoadPageFault = 13,
    /// Store or AMO without a valid, writable translation.
    StorePageFault = 15,
}

/// Interrupts, by their bit number in `mip` and `mie`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Interrupt {
    /// SSI
    SupervisorSoftware = 1,
    /// MSI
    MachineSoftware = 3,
    /// STI
    SupervisorTimer = 5,
    /// MTI
    MachineTimer = 7,
    /// SEI
    SupervisorExternal = 9,
    /// MEI
    MachineExternal = 11,
}

impl Interrupt {
    /// By priority, highest first (privileged specification, `mip` and `mie`).
    pub const BY_PRIORITY: [Self; 6] = [
        Self::MachineExternal,
        Self::MachineSoftware,
        Self::MachineTimer,
        Self::SupervisorExternal,
        Self::SupervisorSoftware,
        Self::SupervisorTimer,
    ];

    /// This interrupt's bit in `mip`, `mie` and `mideleg`.
    pub const fn mask(self) -> u64 {
        1 << self as u64
    }
}
