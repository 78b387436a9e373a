//! What engine events say, in sums: for metrics that stay exact when an engine has more to tell than
//! the bus and its subscribers should carry.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::event::{CompileFailure, EvictionReason, ExecutionEvent, ExecutionEventType, InvalidationReason, Tier};

const TIERS: usize = Tier::ALL.len();

/// Something that is summed up over events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Events of a type.
    Events(ExecutionEventType),
    /// Blocks compiled in a tier.
    Blocks(Tier),
    /// Guest instructions compiled in a tier.
    Instructions(Tier),
    /// Guest bytes compiled in a tier.
    GuestBytes(Tier),
    /// Host bytes generated in a tier.
    HostBytes(Tier),
    /// Nanoseconds of compilation in a tier.
    CompileNs(Tier),
    /// Nanoseconds that compilations in a tier waited for a compiler thread.
    QueueWaitNs(Tier),
    /// Compilations in a tier that gave no code.
    Failures(Tier, CompileFailure),
    /// Blocks to be promoted from one tier to another.
    Hotspots {
        /// Tier that executed them so far.
        from: Tier,
        /// Tier they are promoted to.
        to: Tier,
    },
    /// Blocks invalidated.
    Invalidated(InvalidationReason),
    /// Blocks evicted.
    Evicted(EvictionReason),
    /// Host bytes evicted.
    EvictedBytes(EvictionReason),
}

/// Number of facts.
const FACTS: usize = EVICTED + 2 * EvictionReason::ALL.len();
const BLOCKS: usize = ExecutionEventType::ALL.len();
const FAILURES: usize = BLOCKS + 6 * TIERS;
const HOTSPOTS: usize = FAILURES + TIERS * CompileFailure::ALL.len();
const INVALIDATED: usize = HOTSPOTS + TIERS * TIERS;
const EVICTED: usize = INVALIDATED + InvalidationReason::ALL.len();

impl Fact {
    /// Position among all facts.
    const fn index(self) -> usize {
        match self {
            Self::Events(kind) => kind.index(),
            Self::Blocks(tier) => BLOCKS + tier.index(),
            Self::Instructions(tier) => BLOCKS + TIERS + tier.index(),
            Self::GuestBytes(tier) => BLOCKS + 2 * TIERS + tier.index(),
            Self::HostBytes(tier) => BLOCKS + 3 * TIERS + tier.index(),
            Self::CompileNs(tier) => BLOCKS + 4 * TIERS + tier.index(),
            Self::QueueWaitNs(tier) => BLOCKS + 5 * TIERS + tier.index(),
            Self::Failures(tier, reason) => FAILURES + tier.index() * CompileFailure::ALL.len() + reason.index(),
            Self::Hotspots { from, to } => HOTSPOTS + from.index() * TIERS + to.index(),
            Self::Invalidated(reason) => INVALIDATED + reason.index(),
            Self::Evicted(reason) => EVICTED + reason.index(),
            Self::EvictedBytes(reason) => EVICTED + EvictionReason::ALL.len() + reason.index(),
        }
    }
}

/// Calls `count` with each fact of an event and how much it adds to it.
fn each_fact(event: &ExecutionEvent, mut count: impl FnMut(Fact, u64)) {
    count(Fact::Events(event.kind()), 1);
    match *event {
        ExecutionEvent::CodeBlockCompiled {
            block_size,
            instructions,
            host_size,
            tier,
            queue_wait_ns,
            compile_ns,
            ..
        } => {
            count(Fact::Blocks(tier), 1);
            count(Fact::Instructions(tier), instructions.into());
            count(Fact::GuestBytes(tier), block_size.into());
            count(Fact::HostBytes(tier), host_size.into());
            count(Fact::CompileNs(tier), compile_ns);
            count(Fact::QueueWaitNs(tier), queue_wait_ns);
        }
        ExecutionEvent::HotspotDetected { from, to, .. } => count(Fact::Hotspots { from, to }, 1),
        ExecutionEvent::CompilationFailed { tier, reason, .. } => count(Fact::Failures(tier, reason), 1),
        ExecutionEvent::CodeBlocksInvalidated { blocks, reason } => count(Fact::Invalidated(reason), blocks.into()),
        ExecutionEvent::CodeCacheEvicted { blocks, bytes, reason } => {
            count(Fact::Evicted(reason), blocks.into());
            count(Fact::EvictedBytes(reason), bytes);
        }
    }
}

/// Sums over events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventSums([u64; FACTS]);

impl Default for EventSums {
    fn default() -> Self {
        Self([0; FACTS])
    }
}

impl EventSums {
    /// Sum of a fact.
    pub fn of(&self, fact: Fact) -> u64 {
        self.0[fact.index()]
    }

    /// Adds an event.
    pub fn add(&mut self, event: &ExecutionEvent) {
        each_fact(event, |fact, n| {
            let sum = &mut self.0[fact.index()];
            *sum = sum.wrapping_add(n);
        });
    }

    /// Adds the sums over other events.
    pub fn add_all(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, n)| *sum = sum.wrapping_add(n));
    }
}

/// Sums over events of several threads, which any thread may read. The sums of one event may be
/// read partly.
#[derive(Debug)]
pub struct SharedEventSums([AtomicU64; FACTS]);

impl Default for SharedEventSums {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; FACTS])
    }
}

impl SharedEventSums {
    /// Adds an event.
    pub fn add(&self, event: &ExecutionEvent) {
        each_fact(event, |fact, n| {
            self.0[fact.index()].fetch_add(n, Ordering::Relaxed);
        });
    }

    /// The sums so far.
    pub fn read(&self) -> EventSums {
        EventSums(self.0.each_ref().map(|sum| sum.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Vec<Fact> {
        let tiers = || Tier::ALL.iter().copied();
        let mut facts: Vec<_> = ExecutionEventType::ALL.iter().map(|kind| Fact::Events(*kind)).collect();
        let sizes = [Fact::Blocks, Fact::Instructions, Fact::GuestBytes, Fact::HostBytes];
        for of in sizes.into_iter().chain([Fact::CompileNs, Fact::QueueWaitNs]) {
            facts.extend(tiers().map(of));
        }
        let failures = |tier| CompileFailure::ALL.iter().map(move |reason| Fact::Failures(tier, *reason));
        facts.extend(tiers().flat_map(failures));
        facts.extend(tiers().flat_map(|from| tiers().map(move |to| Fact::Hotspots { from, to })));
        facts.extend(InvalidationReason::ALL.iter().map(|reason| Fact::Invalidated(*reason)));
        let evictions = EvictionReason::ALL.iter();
        facts.extend(evictions.flat_map(|&reason| [Fact::Evicted(reason), Fact::EvictedBytes(reason)]));
        facts
    }

    #[test]
    fn every_fact_has_a_place_of_its_own() {
        assert!(facts().into_iter().map(Fact::index).eq(0..FACTS));
    }

    #[test]
    fn an_event_adds_to_what_it_tells_and_to_nothing_else() {
        let (from, to) = (Tier::Baseline, Tier::Optimised);
        let compiled = ExecutionEvent::CodeBlockCompiled {
            pc: 1,
            phys: 2,
            block_size: 40,
            instructions: 10,
            host_size: 300,
            tier: to,
            trigger: crate::event::Trigger::Hot,
            queue_wait_ns: 5,
            compile_ns: 7,
        };
        let invalidated = ExecutionEvent::CodeBlocksInvalidated { blocks: 3, reason: InvalidationReason::CodeChanged };
        let hotspot = ExecutionEvent::HotspotDetected { vcpu: 0, pc: 1, phys: 2, execution_count: 9, from, to };
        let events = [compiled.clone(), compiled, invalidated, hotspot];
        let (mut sums, shared) = (EventSums::default(), SharedEventSums::default());
        for event in &events {
            sums.add(event);
            shared.add(event);
        }
        assert_eq!(shared.read(), sums);
        let told: Vec<_> = facts().into_iter().map(|fact| (fact, sums.of(fact))).filter(|(_, n)| *n > 0).collect();
        let expected = [
            (Fact::Events(ExecutionEventType::CodeBlockCompiled), 2),
            (Fact::Events(ExecutionEventType::HotspotDetected), 1),
            (Fact::Events(ExecutionEventType::CodeBlocksInvalidated), 1),
            (Fact::Blocks(to), 2),
            (Fact::Instructions(to), 20),
            (Fact::GuestBytes(to), 80),
            (Fact::HostBytes(to), 600),
            (Fact::CompileNs(to), 14),
            (Fact::QueueWaitNs(to), 10),
            (Fact::Hotspots { from, to }, 1),
            (Fact::Invalidated(InvalidationReason::CodeChanged), 3),
        ];
        assert_eq!(told, expected);
        sums.add_all(&shared.read());
        assert_eq!(sums.of(Fact::HostBytes(to)), 1200);
    }
}
