//! Instructions whose second half is on the next page. The interpreter executes them as a whole,
//! called from generated code, which goes on where that says: nothing of the next page becomes
//! part of the translation.

use super::emitter::{Emitter, word};
use crate::abi::Word;

impl Emitter<'_> {
    /// Has the current instruction executed, and goes on behind it.
    pub(super) fn across(&mut self) {
        self.store_all();
        self.count(self.uncounted);
        let distance = self.distance(self.at());
        self.move_pc(distance);
        self.asm.jump_at(word(Word::AcrossThunk));
    }
}
