//! Tier 1: host code from templates, one pass over the instructions, made by the hart itself.
//!
//! ```text
//!  fragment.rs    page bytes → instructions in blocks;  select.rs  Op → template
//!  flow.rs        which registers are kept and dirty, which blocks are jumped to
//!  translate.rs   the fragment, block by block
//!  i.rs m.rs zba.rs …  templates, under the file names of riscope_core::isa
//!  memory.rs      the TLB probe;  group.rs grouping.rs  accesses that share one;  exit.rs  ways out
//!  call.rs across.rs   instructions without a template, and those on two pages
//!  refill.rs ways.rs   thunks: what fragments call and jump to;  poison.rs  what they may expect
//!  emitter.rs     guest registers as operands;  registers.rs  where they are kept
//!  cold.rs site.rs     what stands behind the hot code
//!  assembler.rs encodings.rs label.rs     x86-64 instructions;  opcode.rs operand.rs  their encodings
//!  sequence.rs    instructions that are encoded at compile time
//! ```
//!
//! A guest's call is a call of the host, and its return one of the host if it goes where that
//! came from; see `exit.rs` and `sys/x86_64.rs`.
//!
//! Host code has two parts: what runs, and what rarely does, which is placed elsewhere so that
//! it takes no room in the host's instruction caches.

mod a;
mod across;
mod assembler;
mod call;
mod cold;
mod emitter;
mod encodings;
mod exit;
mod flow;
mod fragment;
mod group;
mod grouping;
mod i;
mod jumps;
mod label;
mod m;
mod memory;
mod opcode;
mod operand;
mod poison;
mod refill;
mod registers;
mod select;
mod sequence;
mod site;
mod template;
mod translate;
mod ways;
mod zba;
mod zbb;
mod zbs;
mod zicboz;
mod zicond;
mod zicsr;

use riscope_core::event::{CompileFailure, Tier};
use riscope_core::hart::HartState;

use crate::abi::Word;
use crate::code::{Covered, Made, Maker, Origin};
use assembler::Assembler;
use emitter::{Emitter, Lists};
use flow::Flow;
use fragment::Fragment;
use group::Group;
use registers::{HOSTS, Set};

/// Whether the host has templates.
pub(crate) const AVAILABLE: bool = true;

/// Translates one fragment at a time, in buffers that are kept.
#[derive(Debug, Default)]
pub(crate) struct Translator {
    assembler: Assembler,
    fragment: Fragment,
    flow: Flow,
    lists: Lists,
    dirty: Vec<Set>,
}

impl Maker for Translator {
    fn make(&mut self, Origin { page, head, executed }: Origin<'_>) -> Result<Made<'_>, CompileFailure> {
        let Self { assembler, fragment, flow, lists, dirty } = self;
        if !fragment.find(page, head.page_offset(), executed) {
            return Err(CompileFailure::Untranslatable);
        }
        find_groups(fragment, &mut lists.groups);
        flow.survey(fragment);
        let registers = flow.registers(HOSTS.len() - usize::from(!lists.groups.is_empty()));
        flow.dirty_at_entry(registers.kept(), dirty);
        assembler.clear();
        let blocks = fragment.blocks.iter().map(|block| fragment.instructions[block.first].at);
        Emitter::new(assembler, lists, blocks, flow.jumps, registers, head).blocks(fragment, flow, dirty);
        let lines = fragment.lines();
        let code = assembler.finish();
        Ok(Made {
            tier: Tier::Baseline,
            covered: Covered::of(lines.clone()),
            instructions: fragment.instructions.len(),
            guest_bytes: lines.map(|line| line.end.index() - line.start.index()).sum(),
            code,
        })
    }
}

/// Finds the groups of a fragment, the first one last.
fn find_groups(fragment: &Fragment, groups: &mut Vec<Group>) {
    groups.clear();
    for block in &fragment.blocks {
        grouping::find(&fragment.instructions, *block, groups);
    }
    groups.reverse();
}

/// Sets the engine words that the code of templates uses.
pub(crate) fn set_words(state: &mut HartState) {
    type Thunk = unsafe extern "sysv64" fn();
    let thunks: [(Word, Thunk); 10] = [
        (Word::BaselineRefill, refill::refill_thunk),
        (Word::BaselineProbe, refill::probe_thunk),
        (Word::Call, call::call_thunk),
        (Word::AcrossThunk, ways::across_thunk),
        (Word::FindThunk, ways::find_thunk),
        (Word::Resolve, ways::resolve_thunk),
        (Word::Return, ways::return_thunk),
        (Word::BaselineLeave, ways::leave_thunk),
        (Word::BaselineLeft, ways::left_thunk),
        (Word::BaselineQuantum, ways::quantum_thunk),
    ];
    for (word, thunk) in thunks {
        state.engine[word as usize] = thunk as *const () as usize as u64;
    }
}
