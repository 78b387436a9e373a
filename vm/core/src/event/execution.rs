//! What happens in the engine: compilation, hotspots, invalidation.

use super::{EventType, VmId};
use crate::label::labels;

labels! {
    /// Execution tiers, coldest first.
    pub enum Tier {
        /// Pre-decoded interpretation.
        Interpreter "interpreter",
        /// The first translation of a block.
        Baseline "baseline",
        /// Optimised regions.
        Optimized "optimized",
    }
}

labels! {
    /// Why something was compiled.
    pub enum Trigger {
        /// It was executed often.
        Hot "hot",
    }
}

labels! {
    /// Why a compilation gave no code.
    pub enum CompileFailure {
        /// Its first instruction is not translated.
        Untranslatable "untranslatable",
        /// The page changed while it was being compiled.
        Stale "stale",
        /// The compiler reported an error.
        Compiler "compiler",
        /// The code cache has no room.
        CacheFull "cache_full",
    }
}

labels! {
    /// Why translations were dropped.
    pub enum InvalidationReason {
        /// A `fence.i`, or the first execution of more code there, found their page changed.
        FenceI "fence_i",
    }
}

labels! {
    /// Why the whole code cache was emptied.
    pub enum FlushReason {
        /// It was full.
        Full "full",
    }
}

/// Events of the engine. Addresses are virtual unless a field says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecutionEvent {
    /// A block of guest code was translated.
    CodeBlockCompiled {
        /// The machine.
        vm_id: VmId,
        /// Address of the block's first instruction.
        pc: u64,
        /// Its physical address, which tells blocks of different address spaces apart.
        phys: u64,
        /// Guest bytes translated.
        block_size: u32,
        /// Guest instructions translated.
        instructions: u32,
        /// Host bytes generated.
        host_size: u32,
        /// Tier of the generated code.
        tier: Tier,
        /// Why it was compiled.
        trigger: Trigger,
        /// Nanoseconds it waited for a compiler thread.
        queue_wait_ns: u64,
        /// Nanoseconds of compilation.
        compile_ns: u64,
    },
    /// Execution of a block crossed the threshold of a higher tier; it is going to
    /// be compiled there.
    HotspotDetected {
        /// The machine.
        vm_id: VmId,
        /// Index of the hart that noticed.
        vcpu: u32,
        /// Address of the block's first instruction.
        pc: u64,
        /// Its physical address, which tells blocks of different address spaces apart.
        phys: u64,
        /// How often the hart had arrived there.
        execution_count: u64,
        /// Tier it executed in.
        from: Tier,
        /// Tier it is promoted to.
        to: Tier,
    },
    /// A block was to be translated and was not.
    CompilationFailed {
        /// The machine.
        vm_id: VmId,
        /// Address of the block's first instruction.
        pc: u64,
        /// Its physical address, which tells blocks of different address spaces apart.
        phys: u64,
        /// Tier it was meant for.
        tier: Tier,
        /// Why not.
        reason: CompileFailure,
    },
    /// Translations were dropped because their source changed.
    CodeBlocksInvalidated {
        /// The machine.
        vm_id: VmId,
        /// Number of blocks.
        blocks: u32,
        /// Why.
        reason: InvalidationReason,
    },
    /// All translations were dropped.
    CodeCacheFlushed {
        /// The machine.
        vm_id: VmId,
        /// Number of blocks.
        blocks: u32,
        /// Host bytes freed.
        bytes: u64,
        /// Why.
        reason: FlushReason,
    },
}

impl ExecutionEvent {
    /// Which event it is.
    pub const fn kind(&self) -> EventType {
        match self {
            Self::CodeBlockCompiled { .. } => EventType::CodeBlockCompiled,
            Self::HotspotDetected { .. } => EventType::HotspotDetected,
            Self::CompilationFailed { .. } => EventType::CompilationFailed,
            Self::CodeBlocksInvalidated { .. } => EventType::CodeBlocksInvalidated,
            Self::CodeCacheFlushed { .. } => EventType::CodeCacheFlushed,
        }
    }

    /// The machine it happened in.
    pub const fn vm_id(&self) -> VmId {
        match *self {
            Self::CodeBlockCompiled { vm_id, .. }
            | Self::HotspotDetected { vm_id, .. }
            | Self::CompilationFailed { vm_id, .. }
            | Self::CodeBlocksInvalidated { vm_id, .. }
            | Self::CodeCacheFlushed { vm_id, .. } => vm_id,
        }
    }
}
