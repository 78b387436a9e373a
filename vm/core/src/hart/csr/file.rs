//! Storage of control and status registers.

/// Registers that are not in [`HartState`](crate::hart::HartState).
#[derive(Clone, Debug, Default)]
pub(crate) struct CsrFile {
    pub(crate) medeleg: u64,
    pub(crate) mideleg: u64,
    pub(crate) mie: u64,
    /// Software-written bits of `mip`, without lines and timers.
    pub(crate) mip: u64,
    pub(crate) mtvec: u64,
    pub(crate) mepc: u64,
    pub(crate) mcause: u64,
    pub(crate) mtval: u64,
    pub(crate) mscratch: u64,
    pub(crate) mcounteren: u64,
    pub(crate) mcountinhibit: u64,
    pub(crate) menvcfg: u64,
    pub(crate) stvec: u64,
    pub(crate) scounteren: u64,
    pub(crate) senvcfg: u64,
    /// Supervisor timer compare value in ticks.
    pub(crate) stimecmp: u64,
    pub(crate) satp: u64,
    /// `mcycle` minus the hart's count of retired instructions.
    pub(crate) cycle_offset: u64,
    /// `minstret` minus the hart's count of retired instructions.
    pub(crate) instret_offset: u64,
}
