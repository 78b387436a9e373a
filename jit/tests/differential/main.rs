//! Differential test of the JIT against the interpreter with random programs: equal state
//! after any number of instructions.
//!
//! ```text
//!  seed ──► generate/ ──► Program ──► machine.rs on the interpreter ─┐
//!             │                  └──► machine.rs on the other engine ┴─► equal?
//!             profile.rs                                                  │ no
//!                                     smallest program, as text ◄── shrink.rs
//! ```
//!
//! Seeds determine everything: programs, their time, and what is compiled when, so that
//! failures are reproducible. `RISCOPE_FUZZ_INSTRUCTIONS` sets the instructions per
//! profile, `RISCOPE_FUZZ_SEED` the first seed; a failing program reports its own.
//!
//! Programs avoid undefined behaviour: executing modified code before a fence, and using
//! modified page tables before one.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "encodings and registers are bits"
)]

#[path = "../common/mod.rs"]
mod common;

mod campaign;
mod device;
mod firmware;
mod generate;
mod layout;
mod machine;
mod paging;
mod planted;
mod program;
mod shrink;

#[cfg(test)]
mod tests {
    use riscope_jit::Tiers;

    use crate::campaign::{crowded_translator, differ, run, translator};
    use crate::generate;
    use crate::generate::profile::{CONTROL, FLOAT, INTEGER, MEMORY, PATCHING, PRIVILEGED, Profile};

    /// Instructions that all profiles run together, as SPECIFICATION.md says.
    const TOTAL: u64 = 59_000_000;

    // Millions of instructions by profile.
    const ARITHMETIC: u64 = 12;
    const ACCESSES: u64 = 10;
    const FLOATING_POINT: u64 = 10;
    const FLOW: u64 = 12;
    const SYSTEM: u64 = 10;
    const CHANGES: u64 = 1;
    const CROWDED: u64 = 4;
    const _: () = {
        let millions = ARITHMETIC + ACCESSES + FLOATING_POINT + FLOW + SYSTEM + CHANGES + CROWDED;
        assert!(millions * 1_000_000 == TOTAL);
    };

    /// Programs of each profile that are run twice.
    const REPEATED: u64 = 2;

    #[test]
    fn a_run_repeats_itself_in_registers_and_memory() {
        for profile in [&INTEGER, &MEMORY, &FLOAT, &CONTROL, &PRIVILEGED, &PATCHING] {
            for seed in 0..REPEATED {
                let program = generate::program(profile, seed, 60_000);
                let difference = differ(&program, &translator(Tiers::All), &translator(Tiers::All), None);
                assert_eq!(difference, None, "in {}, seed {seed}", profile.name);
            }
        }
    }

    fn variable(name: &str) -> Option<u64> {
        let text = std::env::var(name).ok()?;
        let number = match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => text.parse(),
        };
        Some(number.unwrap_or_else(|error| panic!("{name}={text}: {error}")))
    }

    /// Runs `millions` of instructions. At least `translated` per cent must run in
    /// generated code, and half of the programs must complete `iterations` or more.
    fn engines_agree(profile: &Profile, millions: u64, translated: u64, iterations: u64) {
        let instructions = variable("RISCOPE_FUZZ_INSTRUCTIONS").unwrap_or(millions * 1_000_000);
        let seed = variable("RISCOPE_FUZZ_SEED").unwrap_or(0x5eed_0000_0000);
        for tiers in [Tiers::All, Tiers::Optimised] {
            let statistics = run(profile, seed, instructions, &translator(tiers))
                .unwrap_or_else(|finding| panic!("in {}, {}: {finding}", profile.name, tiers.name()));
            assert!(statistics.translated_percent() >= translated, "{}: {statistics:?}", tiers.name());
            assert!(statistics.median_iterations() >= iterations, "{}: {statistics:?}", tiers.name());
            assert!(statistics.blocks > statistics.programs, "{}: {statistics:?}", tiers.name());
        }
    }

    #[test]
    fn engines_agree_on_arithmetic() {
        engines_agree(&INTEGER, ARITHMETIC, 75, 200);
    }

    #[test]
    fn engines_agree_on_memory_accesses() {
        engines_agree(&MEMORY, ACCESSES, 30, 100);
    }

    #[test]
    fn engines_agree_on_floating_point() {
        // On other hosts the interpreter executes all of it.
        let translated = if cfg!(target_arch = "x86_64") { 25 } else { 8 };
        engines_agree(&FLOAT, FLOATING_POINT, translated, 100);
    }

    #[test]
    fn engines_agree_on_control_flow() {
        engines_agree(&CONTROL, FLOW, 75, 200);
    }

    #[test]
    fn engines_agree_on_privileged_programs() {
        engines_agree(&PRIVILEGED, SYSTEM, 12, 30);
    }

    #[test]
    fn engines_agree_on_programs_that_change_themselves() {
        engines_agree(&PATCHING, CHANGES, 30, 100);
    }

    #[test]
    fn engines_agree_while_code_is_evicted() {
        let instructions = variable("RISCOPE_FUZZ_INSTRUCTIONS").unwrap_or(CROWDED * 1_000_000) / 4;
        let seed = variable("RISCOPE_FUZZ_SEED").unwrap_or(0x5eed_0000_0000);
        // Evictions of each program on average. Control flow has the least code: without the checks of
        // debug builds, that of most programs fits.
        let control = if cfg!(debug_assertions) { 10 } else { 0 };
        for (profile, evictions) in [(&MEMORY, 10), (&CONTROL, control), (&PRIVILEGED, 10), (&PATCHING, 10)] {
            let statistics = run(profile, seed, instructions, &crowded_translator(Tiers::All))
                .unwrap_or_else(|finding| panic!("in {}: {finding}", profile.name));
            assert!(statistics.evicted >= evictions * statistics.programs, "{}: {statistics:?}", profile.name);
        }
    }
}
