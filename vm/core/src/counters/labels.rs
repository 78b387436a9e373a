//! Label sets of counters that belong to no other module.

use crate::labels;

labels! {
    /// Outcome of a page-table walk.
    pub enum WalkResult {
        /// Translation found.
        Ok "ok",
        /// Page fault.
        PageFault "page_fault",
        /// Access fault.
        AccessFault "access_fault",
    }
}

labels! {
    /// Extent and origin of a TLB flush.
    pub enum FlushScope {
        /// The whole TLB.
        All "all",
        /// One address, in an address space or in all.
        Page "page",
        /// An address space.
        AddressSpace "address_space",
        /// What another hart's remote fence names.
        Remote "remote",
    }
}

labels! {
    /// How the address space that a hart switched to was found.
    pub enum SpaceSwitch {
        /// Its translations were still cached.
        Known "known",
        /// It is new.
        New "new",
        /// It is new, or was forgotten, and another one was forgotten for it.
        Replaced "replaced",
    }
}

labels! {
    /// Reason why generated code returned to the runtime.
    pub enum CodeExit {
        /// End of the quantum, where generated code does not poll by itself or may not go on.
        Quantum "quantum",
        /// The next instruction is only interpreted.
        Fallback "fallback",
        /// No translation of the next address is known, where generated code does not call the
        /// interpreter or that may not go on.
        Lookup "lookup",
        /// An access faulted, hit a device or crossed a page.
        Access "access",
        /// A trap, `wfi`, a fence or a control register, after which a poll is due.
        System "system",
    }
}

labels! {
    /// What a machine is configured with.
    pub enum Setting {
        /// Engine that was asked for.
        Engine "engine",
        /// Number of harts.
        Harts "harts",
        /// Bytes of RAM.
        Memory "memory",
        /// Deepest page-table format.
        Mmu "mmu",
        /// Kernel.
        Kernel "kernel",
        /// Firmware or bare-metal program.
        Firmware "firmware",
        /// Initial RAM disk.
        Initrd "initrd",
        /// Names of the disks.
        Disks "disks",
        /// Whether there is a memory balloon.
        Balloon "balloon",
        /// What follows a panic of the guest.
        OnPanic "on_panic",
        /// Whether a reset boots the guest again.
        Reboot "reboot",
    }
}

labels! {
    /// SBI extensions.
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
        /// The legacy calls of version 0.1.
        Legacy "legacy",
        /// Any other extension.
        Other "other",
    }
}

labels! {
    /// What a hart's host thread does while it uses a CPU.
    pub enum HartActivity {
        /// Dispatching, polling, looking up code; the built-in SBI.
        Runtime "runtime",
        /// Interpreting.
        Interpreter "interpreter",
        /// Executing generated code, of any tier: code of one jumps to that of another.
        Code "code",
        /// Executing an interpreter's handler that generated code called.
        Handler "handler",
        /// Filling the TLB for generated code, page walks included.
        Refill "refill",
        /// Translating code.
        Translator "translator",
        /// Waiting for a device's answer.
        Device "device",
    }
}

labels! {
    /// States of a hart's host thread.
    pub enum HartTime {
        /// Executing the guest.
        Guest "guest",
        /// Waiting for an interrupt.
        Idle "idle",
    }
}
