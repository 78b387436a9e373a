//! Fuzz test without a fuzzer: interprets bytes as a program of copies, moves, fills,
//! compares and scans on two buffers, and runs it on every implementation and on a model of
//! standard library functions.
//!
//! The tests run a fixed number of programs from a fixed seed. `FUZZ_PROGRAMS=10000000`
//! runs more, `FUZZ_SEED=7` others; a failure prints the program, and a program in
//! `FUZZ_PROGRAM` (hexadecimal) is run alone.

#[cfg(test)]
mod machine;

#[cfg(test)]
mod fuzz {
    use std::env::{self, VarError};
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use simd_mem::Implementation;

    use crate::machine::run;

    const PROGRAMS: u64 = 3000;
    const LONGEST_PROGRAM: u64 = 200;

    /// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
    fn next(state: &mut u64) -> u64 {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (*state ^ *state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn number(name: &str, default: u64) -> u64 {
        match env::var(name) {
            Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")),
            Err(VarError::NotPresent) => default,
            Err(error) => panic!("{name}: {error}"),
        }
    }

    /// Runs a program with every implementation.
    fn check(program: &[u8]) {
        for implementation in Implementation::available() {
            // The panic message describes the failure.
            if catch_unwind(AssertUnwindSafe(|| run(implementation, program))).is_err() {
                let text: String = program.iter().map(|byte| format!("{byte:02x}")).collect();
                panic!("{} fails: repeat with FUZZ_PROGRAM={text}", implementation.name());
            }
        }
    }

    #[test]
    fn no_program_tells_an_implementation_from_the_model() {
        if let Ok(text) = env::var("FUZZ_PROGRAM") {
            let digits: Vec<char> = text.chars().collect();
            let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16);
            let program: Result<Vec<u8>, _> = digits.chunks(2).map(byte).collect();
            return check(&program.expect("FUZZ_PROGRAM holds hexadecimal digits"));
        }
        let mut state = number("FUZZ_SEED", 0x5249_5343_4f50_4533);
        for _ in 0..number("FUZZ_PROGRAMS", PROGRAMS) {
            let len = next(&mut state) % LONGEST_PROGRAM;
            let program: Vec<u8> = (0..len).map(|_| next(&mut state).to_le_bytes()[0]).collect();
            check(&program);
        }
    }
}
