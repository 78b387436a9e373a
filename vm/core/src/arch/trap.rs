//! Trap causes (privileged specification, tables of `mcause` and `scause`).

use crate::labels;

/// Synchronous exception with the trap value for `mtval` or `stval`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exception {
    /// Cause.
    pub cause: ExceptionCause,
    /// Trap value: faulting address, instruction bits or 0.
    pub value: u64,
}

impl Exception {
    /// An exception of `cause` with trap value `value`.
    pub fn new(cause: ExceptionCause, value: u64) -> Self {
        Self { cause, value }
    }

    /// Illegal-instruction exception for the encoding `bits`.
    pub fn illegal(bits: u32) -> Self {
        Self::new(ExceptionCause::IllegalInstruction, u64::from(bits))
    }
}

labels! {
    /// Synchronous exceptions that a hart raises, by their code in `mcause`.
    #[repr(u64)]
    pub enum ExceptionCause {
        /// Jump to an address that is not 2-byte aligned.
        InstructionMisaligned "instruction_address_misaligned" = 0,
        /// Fetch from memory that is not executable, or denied by PMP.
        InstructionAccessFault "instruction_access_fault" = 1,
        /// Reserved or unimplemented encoding, or one not allowed in the current mode.
        IllegalInstruction "illegal_instruction" = 2,
        /// `ebreak`.
        Breakpoint "breakpoint" = 3,
        /// Misaligned load from memory that does not support it.
        LoadMisaligned "load_address_misaligned" = 4,
        /// Load from a vacant address, or denied by PMP.
        LoadAccessFault "load_access_fault" = 5,
        /// Misaligned store, AMO or `sc` to memory that does not support it.
        StoreMisaligned "store_address_misaligned" = 6,
        /// Store or AMO to a vacant address, or denied by PMP.
        StoreAccessFault "store_access_fault" = 7,
        /// `ecall` in U-mode.
        UserEcall "ecall_u" = 8,
        /// `ecall` in S-mode.
        SupervisorEcall "ecall_s" = 9,
        /// `ecall` in M-mode.
        MachineEcall "ecall_m" = 11,
        /// Fetch without a valid, executable translation.
        InstructionPageFault "instruction_page_fault" = 12,
        /// Load without a valid, readable translation.
        LoadPageFault "load_page_fault" = 13,
        /// Store or AMO without a valid, writable translation.
        StorePageFault "store_page_fault" = 15,
    }
}

labels! {
    /// Interrupts that a hart takes, by their bit number in `mip` and `mie`.
    #[repr(u64)]
    pub enum Interrupt {
        /// SSI
        SupervisorSoftware "supervisor_software" = 1,
        /// MSI
        MachineSoftware "machine_software" = 3,
        /// STI
        SupervisorTimer "supervisor_timer" = 5,
        /// MTI
        MachineTimer "machine_timer" = 7,
        /// SEI
        SupervisorExternal "supervisor_external" = 9,
        /// MEI
        MachineExternal "machine_external" = 11,
    }
}

impl ExceptionCause {
    /// Set of all causes, each at the bit position of its code, as in `medeleg`.
    pub const MASK: u64 = {
        let (mut mask, mut n) = (0, 0);
        while n < Self::ALL.len() {
            mask |= Self::ALL[n].mask();
            n += 1;
        }
        mask
    };

    /// This cause's bit in `medeleg`.
    pub const fn mask(self) -> u64 {
        1 << self as u64
    }
}

impl Interrupt {
    /// All interrupts by priority, highest first (privileged specification, `mip` and
    /// `mie`).
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
