//! A fragment, block by block.

use super::emitter::Emitter;
use super::flow::Flow;
use super::fragment::{Block, Ending, Fragment};
use super::group::Group;
use super::registers::Set;
use super::template::Template;
use crate::abi::Leave;

impl Emitter<'_> {
    /// Emits all blocks, which are entered with these registers dirty.
    pub(super) fn blocks(&mut self, fragment: &Fragment, flow: &Flow, dirty_at_entry: &[Set]) {
        let head_is_target = self.jumps.to.contains(0);
        if head_is_target {
            self.load_all();
        }
        for (n, block) in fragment.blocks.iter().enumerate() {
            let lazy = n == 0 && !head_is_target;
            if self.jumps.to.contains(n) || n == 0 {
                self.uncounted = 0;
            }
            self.loaded = if lazy { 0 } else { self.registers.kept() };
            self.dirty = dirty_at_entry[n];
            self.following = (n + 1 < fragment.blocks.len()).then_some(n + 1);
            self.asm.bind(self.blocks[n].1);
            self.at = fragment.instructions[block.first].at;
            if n == 0 || self.jumps.back_to.contains(n) {
                self.check_countdown();
            }
            self.block(fragment, *block, flow.goes_on_inside(n));
        }
        self.emit_cold(fragment);
    }

    fn block(&mut self, fragment: &Fragment, block: Block, goes_on_inside: bool) {
        let instructions = &fragment.instructions[block.first..block.end];
        for (n, located) in (block.first..).zip(instructions) {
            (self.at, self.next) = (located.at, located.next);
            let o = located.operands();
            if let Some(group) = self.groups.pop_if(|group| group.first == n) {
                self.open_group(group);
            }
            match located.how.template {
                Template::Straight(emit) | Template::Alone(emit) => emit(self, o),
                Template::Jump(emit) | Template::Branch(emit) | Template::Leave(emit) => {
                    if goes_on_inside {
                        self.load_all();
                    }
                    emit(self, o);
                }
                Template::Call | Template::LastCall => self.call(located.insn),
                Template::Across => self.across(),
            }
            self.uncounted = self.uncounted_behind();
            self.close_group(n);
        }
        match block.ending {
            Ending::Transfer if matches!(instructions[instructions.len() - 1].how.template, Template::LastCall) => {
                // Not within the fragment, whose blocks expect kept registers to be loaded.
                self.count(self.uncounted);
                self.exit(self.place(self.next));
            }
            Ending::Transfer => {}
            Ending::FallThrough(at) => {
                if goes_on_inside {
                    self.load_all();
                }
                self.go_to(at, self.uncounted);
            }
            Ending::Interpret(at) => {
                let dirty = self.dirty;
                self.store_back(dirty);
                self.count(self.uncounted);
                self.leave(Leave::Interpret, at);
            }
        }
    }
}

impl Emitter<'_> {
    /// The instructions of a group with a probe for each access.
    pub(super) fn one_by_one(&mut self, fragment: &Fragment, group: Group) {
        for located in &fragment.instructions[group.first..=group.last] {
            (self.at, self.next) = (located.at, located.next);
            if let Template::Straight(emit) = located.how.template {
                emit(self, located.operands());
            }
            self.uncounted = self.uncounted_behind();
        }
    }
}

#[cfg(test)]
mod tests;
