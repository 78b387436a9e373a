//! Reserved registers of a program, by which most accesses hit memory and most loops end.

use crate::common::random::Random;

const SP: u32 = 2;

/// Reserved registers, which other snippets rarely overwrite.
#[derive(Clone, Copy, Debug)]
pub(super) struct Registers {
    /// Pointers into the data window. The first is `sp`, the second one that 16-bit loads
    /// and stores can encode.
    pub(super) pointers: [u32; 3],
    /// Counters of loops, by depth.
    pub(super) counters: [u32; 2],
    /// Holds an address within a snippet and 0 outside.
    pub(super) address: u32,
    /// Return addresses: of calls from the main line, and of calls from functions.
    pub(super) links: [u32; 2],
    /// Where recursion keeps return addresses, and its levels that are left.
    pub(super) stack: u32,
    pub(super) depth: u32,
}

impl Registers {
    /// A random choice.
    pub(super) fn random(random: &mut Random) -> Self {
        let mut free: Vec<u32> = (1..32).filter(|&register| register != SP).collect();
        let mut take = |among: std::ops::Range<u32>, random: &mut Random| {
            let choices: Vec<u32> = free.iter().copied().filter(|register| among.contains(register)).collect();
            let register = random.pick(&choices);
            free.retain(|&other| other != register);
            register
        };
        let short = take(8..16, random);
        let address = take(8..16, random);
        // Mostly the two registers that are hints for return-address stacks.
        let links = if random.chance(80) {
            [take(1..2, random), take(5..6, random)]
        } else {
            [take(1..32, random), take(1..32, random)]
        };
        Self {
            pointers: [SP, short, take(1..32, random)],
            counters: [take(1..32, random), take(1..32, random)],
            address,
            links,
            stack: take(1..32, random),
            depth: take(1..32, random),
        }
    }

    fn is_reserved(&self, register: u32) -> bool {
        let one_of = |registers: &[u32]| registers.contains(&register);
        one_of(&self.pointers) || one_of(&self.counters) || one_of(&self.links) || one_of(&[self.stack, self.depth])
    }

    /// Whether an instruction should not write `register`.
    pub(super) fn protects(&self, register: u32, random: &mut Random) -> bool {
        register == self.address || self.is_reserved(register) && !random.chance(1)
    }

    /// A register to write.
    pub(super) fn target(&self, random: &mut Random) -> u32 {
        loop {
            let register = random.below(32);
            if !self.protects(register, random) {
                return register;
            }
        }
    }
}
