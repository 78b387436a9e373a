//! What happens in the engine: compilation, hotspots, invalidation.

use super::family::events;
use crate::labels;

labels! {
    /// Execution tiers, coldest first.
    pub enum Tier {
        /// Pre-decoded interpretation.
        Interpreter "interpreter",
        /// The first translation of a block.
        Baseline "baseline",
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
        /// A `fence.i`, or what counts as one, found their page changed.
        FenceI "fence_i",
        /// The first execution of more code on their page found it changed.
        CodeChanged "code_changed",
    }
}

labels! {
    /// Why the whole code cache was emptied.
    pub enum FlushReason {
        /// It was full.
        Full "full",
    }
}

events! {
    /// Events of the engine. Addresses are virtual unless a field says otherwise.
    pub enum ExecutionEvent, types ExecutionEventType {
        /// A block of guest code was translated.
        CodeBlockCompiled "execution.code_block_compiled" {
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
        }
        /// Execution of a block crossed the threshold of a higher tier; it is going to
        /// be compiled there.
        HotspotDetected "execution.hotspot_detected" {
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
        }
        /// A block was to be translated and was not.
        CompilationFailed "execution.compilation_failed" {
            /// Address of the block's first instruction.
            pc: u64,
            /// Its physical address, which tells blocks of different address spaces apart.
            phys: u64,
            /// Tier it was meant for.
            tier: Tier,
            /// Why not.
            reason: CompileFailure,
        }
        /// Translations were dropped because their source changed.
        CodeBlocksInvalidated "execution.code_blocks_invalidated" {
            /// Number of blocks.
            blocks: u32,
            /// Why.
            reason: InvalidationReason,
        }
        /// All translations were dropped.
        CodeCacheFlushed "execution.code_cache_flushed" {
            /// Number of blocks.
            blocks: u32,
            /// Host bytes freed.
            bytes: u64,
            /// Why.
            reason: FlushReason,
        }
    }
}
