//! Engine events: compilation, hotspots, invalidation.

use super::family::events;
use crate::labels;

labels! {
    /// Execution tiers, coldest first.
    pub enum Tier {
        /// Interpretation of pre-decoded instructions.
        Interpreter "interpreter",
        /// First translation of a block.
        Baseline "baseline",
        /// The translation of what is hot, by an optimising compiler.
        Optimised "optimised",
    }
}

labels! {
    /// Why a block was compiled.
    pub enum Trigger {
        /// Its execution count reached the threshold.
        Hot "hot",
    }
}

labels! {
    /// Why a compilation failed.
    pub enum CompileFailure {
        /// The first instruction is not translatable.
        Untranslatable "untranslatable",
        /// The page changed during compilation.
        Stale "stale",
        /// The compiler reported an error.
        Compiler "compiler",
        /// The code cache has no room.
        CacheFull "cache_full",
    }
}

labels! {
    /// Why translations were invalidated.
    pub enum InvalidationReason {
        /// The page had changed at a `fence.i`, of this hart or requested by another one.
        FenceI "fence_i",
        /// The page had changed without a `fence.i`. Noticed when the writer dropped its
        /// translation of the page, when a device had written, or at the first execution of new
        /// code on the page.
        CodeChanged "code_changed",
    }
}

labels! {
    /// Why code was evicted from the code cache.
    pub enum EvictionReason {
        /// Other code needed its space.
        Capacity "capacity",
    }
}

events! {
    /// Events of the engine. Addresses are virtual unless a field says otherwise.
    ///
    /// All can be coalesced: what happens again and again to a block is one event with the
    /// newest state and the time that it took altogether, what happens to the code cache one
    /// with the sums.
    pub enum ExecutionEvent, types ExecutionEventType {
        /// A block of guest code was translated.
        CodeBlockCompiled "execution.code_block_compiled" {
            /// Address of the block's first instruction.
            pc: u64,
            /// Its physical address, which is unique across address spaces.
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
        } => coalesced by (phys, tier), adding (queue_wait_ns, compile_ns)
        /// A block reached the threshold of a higher tier and is going to be compiled
        /// there.
        HotspotDetected "execution.hotspot_detected" {
            /// Index of the hart that counted.
            vcpu: u32,
            /// Address of the block's first instruction.
            pc: u64,
            /// Its physical address, which is unique across address spaces.
            phys: u64,
            /// Number of arrivals at the block on that hart.
            execution_count: u64,
            /// Tier that executed it so far.
            from: Tier,
            /// Tier it is promoted to.
            to: Tier,
        } => coalesced by (vcpu, phys, to)
        /// A block could not be compiled.
        CompilationFailed "execution.compilation_failed" {
            /// Address of the block's first instruction.
            pc: u64,
            /// Its physical address, which is unique across address spaces.
            phys: u64,
            /// Tier of the attempt.
            tier: Tier,
            /// Why not.
            reason: CompileFailure,
        } => coalesced by (phys, tier, reason)
        /// Translations were dropped because their guest code changed.
        CodeBlocksInvalidated "execution.code_blocks_invalidated" {
            /// Number of blocks.
            blocks: u32,
            /// Why.
            reason: InvalidationReason,
        } => coalesced by (reason), adding (blocks)
        /// The oldest segment of the code cache was evicted.
        CodeCacheEvicted "execution.code_cache_evicted" {
            /// Number of blocks.
            blocks: u32,
            /// Host bytes freed, those of code that was dropped before included.
            bytes: u64,
            /// Why.
            reason: EvictionReason,
        } => coalesced by (reason), adding (blocks, bytes)
    }
}
