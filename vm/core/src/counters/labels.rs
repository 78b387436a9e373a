//! The closed sets by which counters are told apart, as far as they belong to nothing else.

use crate::labels;

labels! {
    /// How a page-table walk ended.
    pub enum WalkResult {
        /// With a translation.
        Ok "ok",
        /// With a page fault.
        PageFault "page_fault",
        /// With an access fault.
        AccessFault "access_fault",
    }
}

labels! {
    /// How much of the TLB was flushed, and for whom.
    pub enum FlushScope {
        /// All of it.
        All "all",
        /// One address.
        Page "page",
        /// All of it, for another hart.
        Remote "remote",
    }
}

labels! {
    /// Why generated code returned to the runtime.
    pub enum CodeExit {
        /// The quantum was used up.
        Quantum "quantum",
        /// The next instruction is only interpreted.
        Fallback "fallback",
        /// No translation of the next address was known.
        Lookup "lookup",
        /// An access faulted, was a device's, or crossed pages.
        Access "access",
    }
}

labels! {
    /// Extensions of the SBI.
    pub enum SbiExtension {
        /// Base.
        Base "base",
        /// Timer.
        Time "time",
        /// Inter-processor interrupts.
        Ipi "ipi",
        /// Remote fences.
        Rfence "rfence",
        /// Hart state management.
        Hsm "hsm",
        /// System reset.
        Srst "srst",
        /// Debug console.
        Dbcn "dbcn",
        /// Performance monitoring.
        Pmu "pmu",
        /// The calls of version 0.1.
        Legacy "legacy",
        /// Anything else.
        Other "other",
    }
}

labels! {
    /// What a hart's thread spends its time on.
    pub enum HartTime {
        /// Executing the guest.
        Guest "guest",
        /// Waiting for an interrupt.
        Idle "idle",
    }
}
