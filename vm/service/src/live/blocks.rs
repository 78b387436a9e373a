//! Hot blocks of a machine: those that were promoted, with what is known of their translations.

use std::collections::HashMap;

use riscope_core::event::{Envelope, Event, ExecutionEvent, Tier};

use super::snapshot::HotBlock;

/// Blocks kept; the least hot half gives way to others.
const CAPACITY: usize = 4096;
/// Blocks shown.
const SHOWN: usize = 32;

#[derive(Clone, Debug)]
struct Block {
    pc: u64,
    tier: Tier,
    hart: u32,
    executions: u64,
    promotions: u64,
    instructions: u32,
    guest_bytes: u32,
    host_bytes: u32,
    compile_ns: u64,
    wall_ns: u64,
}

impl Block {
    fn new(pc: u64) -> Self {
        Self {
            pc,
            tier: Tier::ALL[0],
            hart: 0,
            executions: 0,
            promotions: 0,
            instructions: 0,
            guest_bytes: 0,
            host_bytes: 0,
            compile_ns: 0,
            wall_ns: 0,
        }
    }

    /// Blocks with a higher rank are hotter, as far as is known.
    fn rank(&self) -> (usize, u64, u64, u64) {
        (self.tier.index(), self.executions, self.promotions, self.wall_ns)
    }
}

/// Blocks by physical address.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    blocks: HashMap<u64, Block>,
    /// Events before this one are known.
    next: u64,
}

impl Blocks {
    /// Learns from the events of a machine that are new, oldest first.
    pub(super) fn learn(&mut self, events: &[Envelope]) {
        for envelope in events.iter().filter(|envelope| envelope.sequence >= self.next) {
            if let Event::Execution(event) = &envelope.event {
                record(&mut self.blocks, event, envelope.wall_ns);
            }
        }
        self.next = events.last().map_or(self.next, |last| self.next.max(last.sequence + 1));
        if self.blocks.len() > CAPACITY {
            let mut ranks: Vec<_> = self.blocks.values().map(Block::rank).collect();
            let (_, &mut median, _) = ranks.select_nth_unstable(CAPACITY / 2);
            self.blocks.retain(|_, block| block.rank() > median);
        }
    }

    /// The hottest, hottest first. `name_of` names the code at an address.
    pub(super) fn hottest(&self, name_of: impl Fn(u64) -> Option<String>) -> Vec<HotBlock> {
        let mut promoted: Vec<_> = self.blocks.iter().filter(|(_, block)| block.promotions > 0).collect();
        promoted.sort_by_key(|(phys, block)| std::cmp::Reverse((block.rank(), **phys)));
        promoted.into_iter().take(SHOWN).map(|(phys, block)| view(*phys, block, &name_of)).collect()
    }
}

fn record(blocks: &mut HashMap<u64, Block>, event: &ExecutionEvent, wall_ns: u64) {
    match *event {
        ExecutionEvent::HotspotDetected { vcpu, pc, phys, execution_count, from: _, to } => {
            let block = blocks.entry(phys).or_insert_with(|| Block::new(pc));
            block.promotions += 1;
            block.wall_ns = wall_ns;
            if to.index() >= block.tier.index() {
                (block.pc, block.hart, block.tier, block.executions) = (pc, vcpu, to, execution_count);
            }
        }
        ExecutionEvent::CodeBlockCompiled {
            pc, phys, block_size, instructions, host_size, tier, compile_ns, ..
        } => {
            let block = blocks.entry(phys).or_insert_with(|| Block::new(pc));
            block.wall_ns = wall_ns;
            if tier.index() >= block.tier.index() {
                (block.guest_bytes, block.instructions, block.host_bytes) = (block_size, instructions, host_size);
                block.compile_ns = compile_ns;
            }
        }
        ExecutionEvent::CompilationFailed { .. }
        | ExecutionEvent::CodeBlocksInvalidated { .. }
        | ExecutionEvent::CodeCacheEvicted { .. } => {}
    }
}

#[expect(clippy::cast_precision_loss, reason = "a double holds nanoseconds well enough")]
fn view(phys: u64, block: &Block, name_of: &impl Fn(u64) -> Option<String>) -> HotBlock {
    HotBlock {
        pc: format!("{:#x}", block.pc),
        phys: format!("{phys:#x}"),
        symbol: name_of(block.pc),
        tier: block.tier.as_str().to_owned(),
        hart: block.hart,
        executions: block.executions,
        promotions: block.promotions,
        instructions: block.instructions,
        guest_bytes: block.guest_bytes,
        host_bytes: block.host_bytes,
        compile_us: block.compile_ns as f64 / 1e3,
        time_ms: block.wall_ns / 1_000_000,
    }
}

#[cfg(test)]
mod tests {
    use riscope_core::event::{Trigger, VmId};

    use super::*;

    fn envelope(sequence: u64, event: ExecutionEvent) -> Envelope {
        let vm_id = VmId::from_u128(1);
        Envelope { sequence, monotonic_ns: 0, wall_ns: sequence, vm_id, event: event.into(), count: 1 }
    }

    fn hotspot(sequence: u64, phys: u64, to: Tier) -> Envelope {
        let from = Tier::Interpreter;
        let event = ExecutionEvent::HotspotDetected { vcpu: 1, pc: 2 * phys, phys, execution_count: 16, from, to };
        envelope(sequence, event)
    }

    fn compiled(sequence: u64, phys: u64, tier: Tier) -> Envelope {
        let event = ExecutionEvent::CodeBlockCompiled {
            pc: 2 * phys,
            phys,
            block_size: 40,
            instructions: 10,
            host_size: 300,
            tier,
            trigger: Trigger::Hot,
            queue_wait_ns: 0,
            compile_ns: 1500,
        };
        envelope(sequence, event)
    }

    #[test]
    fn promotions_and_translations_of_a_block_come_together() {
        let mut blocks = Blocks::default();
        let events = [hotspot(0, 8, Tier::Baseline), compiled(1, 8, Tier::Baseline), compiled(2, 9, Tier::Baseline)];
        blocks.learn(&events);
        // Those that are known already do not count again.
        blocks.learn(&[&events[..], &[hotspot(3, 7, Tier::Optimised)]].concat());
        let hottest = blocks.hottest(|pc| (pc == 16).then(|| "memcpy+0x4".to_owned()));
        let seen: Vec<_> = hottest.iter().map(|it| (it.pc.as_str(), it.tier.as_str(), it.promotions)).collect();
        assert_eq!(seen, [("0xe", "optimised", 1), ("0x10", "baseline", 1)], "what was not promoted is not there");
        let block = &hottest[1];
        assert_eq!(block.symbol.as_deref(), Some("memcpy+0x4"));
        assert_eq!((block.instructions, block.guest_bytes, block.host_bytes, block.hart), (10, 40, 300, 1));
        assert!((block.compile_us - 1.5).abs() < f64::EPSILON);
    }

    #[test]
    fn many_blocks_take_bounded_memory_and_the_hottest_stay() {
        let mut blocks = Blocks::default();
        blocks.learn(&[hotspot(0, u64::MAX / 2, Tier::Optimised)]);
        for round in 0..20 {
            let start = 1 + round * 1000;
            let events: Vec<_> = (start..start + 1000).map(|n| hotspot(n, n, Tier::Baseline)).collect();
            blocks.learn(&events);
            assert!(blocks.blocks.len() <= CAPACITY);
        }
        let hottest = blocks.hottest(|_| None);
        assert_eq!((hottest.len(), hottest[0].tier.as_str()), (SHOWN, "optimised"));
    }
}
