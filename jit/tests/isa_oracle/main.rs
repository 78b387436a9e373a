//! Test of every instruction on at least a thousand operands: interpreter and JIT compute
//! the same as the RISC-V reference simulator.
//!
//! A suite is a bare-metal program that all three run; they must write the same words of
//! memory. The simulator is Spike, which is published for x86-64 hosts only. On other hosts
//! the interpreter, which computes with integers only, replaces it.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "encodings and registers are bits"
)]

#[path = "../common/mod.rs"]
mod common;

#[cfg(target_arch = "x86_64")]
mod carried;
mod cases;
mod disassembly;
mod elf;
mod engines;
#[cfg(target_arch = "x86_64")]
mod float_unit;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod reference;
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
#[path = "stand_in.rs"]
mod reference;
mod suite;
mod values;

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use riscope_core::isa::compressed;
    use riscope_core::isa::rows;

    use crate::cases::{
        ATOMIC, BASE, BITS, COMPRESSED, CONTROL, DOUBLE, FLOW, GROUPS, Group, MEMORY, MULTIPLY, SINGLE,
    };
    use riscope_jit::Tiers;

    use crate::engines::{self, interpreter, translator};
    use crate::reference;

    /// Instructions without operands, or without an effect of them on one hart; other tests
    /// set up the environment of trap returns and `wfi`.
    const WITHOUT_OPERANDS: &[&str] =
        &["ecall", "ebreak", "c.ebreak", "fence", "fence.i", "sfence.vma", "mret", "sret", "wfi"];

    /// Compares all three.
    fn all_agree(group: Group) {
        let (name, suite) = (group.name, (group.build)());
        let expected = reference::results(name, &suite);
        assert_eq!(expected.len(), suite.results(), "{name}: the simulator gave another number of results");
        let engines = [Tiers::Baseline, Tiers::Optimised].map(translator);
        for factory in engines.into_iter().chain([interpreter()]) {
            let (found, share) = engines::results(&suite, &*factory);
            let differing = (0..found.len()).filter(|&n| expected[n] != found[n]);
            let lines: Vec<_> = differing
                .map(|n| format!("{}\n  expected {:#x}, found {:#x}", suite.describe(n), expected[n], found[n]))
                .collect();
            let shown = lines.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
            let engine = factory.name();
            assert!(lines.is_empty(), "{name}: {} results differ on the {engine} engine\n{shown}", lines.len());
            assert!(engine == "interpreter" || share >= group.translated, "{name}: {share}% translated");
        }
    }

    #[test]
    fn base_arithmetic_agrees() {
        all_agree(BASE);
    }

    #[test]
    fn multiplication_and_division_agree() {
        all_agree(MULTIPLY);
    }

    #[test]
    fn bit_manipulation_agrees() {
        all_agree(BITS);
    }

    #[test]
    fn loads_and_stores_agree() {
        all_agree(MEMORY);
    }

    #[test]
    fn atomics_agree() {
        all_agree(ATOMIC);
    }

    #[test]
    fn single_precision_agrees() {
        all_agree(SINGLE);
    }

    #[test]
    fn double_precision_agrees() {
        all_agree(DOUBLE);
    }

    #[test]
    fn branches_and_jumps_agree() {
        all_agree(FLOW);
    }

    #[test]
    fn compressed_instructions_agree() {
        all_agree(COMPRESSED);
    }

    #[test]
    fn control_registers_traps_and_fences_agree() {
        all_agree(CONTROL);
    }

    #[test]
    fn every_instruction_is_tried_on_a_thousand_operands() {
        let mut tried: HashMap<&str, usize> = HashMap::new();
        for group in GROUPS {
            for (mnemonic, combinations) in (group.build)().tried {
                *tried.entry(mnemonic).or_default() += combinations;
            }
        }
        let mnemonics = rows().map(|row| row.mnemonic).chain(compressed::ROWS.iter().map(|row| row.mnemonic));
        for mnemonic in mnemonics.filter(|mnemonic| !WITHOUT_OPERANDS.contains(mnemonic)) {
            let combinations = tried.get(mnemonic).copied().unwrap_or(0);
            assert!(combinations >= 1000, "{mnemonic} is tried on {combinations} operands");
        }
    }

    #[test]
    fn every_experiment_notices_when_its_instruction_does_nothing() {
        for group in GROUPS {
            let (sound, _) = engines::results(&(group.build)(), &*interpreter());
            let broken = (group.build)().without_subjects();
            let (found, _) = engines::results(&broken, &*interpreter());
            for experiment in broken.experiments.iter().filter(|experiment| experiment.title != "fences") {
                let range = experiment.range();
                assert_ne!(sound[range.clone()], found[range], "{}: {}", group.name, experiment.title);
            }
        }
    }
}
