//! `--perf-map` and `--jitdump`: names of generated code, read as `perf` reads them.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::assembly::assemble;
use support::process::{Process, run};
use support::scratch::Scratch;

/// A million rounds of a function, which becomes hot; then the test device ends the machine.
const HOT: &str = "
    .globl _start
_start:
    li a0, 1000000
1:  call spin_round
    bnez a0, 1b
    li t0, 0x100000
    li t1, 0x5555
    sw t1, 0(t0)
wait:
    j wait
    .type spin_round, @function
spin_round:
    addi a0, a0, -1
    ret
    .size spin_round, . - spin_round
";

/// A line of a perf map.
#[derive(Debug)]
struct Line {
    start: u64,
    size: u64,
    name: String,
}

fn lines(text: &str) -> Vec<Line> {
    let line = |text: &str| {
        let mut parts = text.splitn(3, ' ');
        let mut number = || u64::from_str_radix(parts.next()?, 16).ok();
        let (start, size) = (number()?, number()?);
        Some(Line { start, size, name: parts.next()?.to_owned() })
    };
    text.lines().map(|text| line(text).unwrap_or_else(|| panic!("no line of a perf map: {text}"))).collect()
}

/// The file that the process `id` has written, which is removed.
struct Map(PathBuf);

impl Map {
    fn of(id: u32) -> Self {
        Self(format!("/tmp/perf-{id}.map").into())
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn hot(scratch: &Scratch) -> String {
    assemble(scratch, "hot", HOT).to_str().expect("UTF-8").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_perf_map_and_a_jitdump_name_hot_code_by_tier_address_and_symbol() {
        let scratch = Scratch::new();
        let (program, folder) = (hot(&scratch), scratch.path().to_str().expect("UTF-8").to_owned());
        let process = Process::start(support::process::riscope([
            "run",
            "--bios",
            &program,
            "--engine",
            "baseline",
            "--perf-map",
            "--jitdump",
            &folder,
        ]));
        let id = process.id();
        let map = Map::of(id);
        process.finish().assert_code(0);
        let text = fs::read_to_string(&map.0).expect("a perf map");
        let lines = lines(&text);
        assert!(lines[0].name.contains("thunks"), "{text}");
        let wanted = if cfg!(target_arch = "x86_64") { "baseline" } else { "optimised" };
        let names = |name: &str| lines.iter().any(|line| line.name.starts_with(name) && line.name.contains(wanted));
        assert!(names("guest:spin_round ["), "{text}");
        assert!(names("guest:_start+0x"), "{text}");
        let mut parts: Vec<_> = lines.iter().map(|line| (line.start, line.start + line.size)).collect();
        parts.sort_unstable();
        assert!(parts.windows(2).all(|pair| pair[0].1 <= pair[1].0), "parts overlap: {text}");
        let dump = fs::read(Path::new(&folder).join(format!("jit-{id}.dump"))).expect("a jitdump");
        assert_eq!(&dump[..4], 0x4a69_5444_u32.to_ne_bytes(), "it has the magic number");
        for line in &lines {
            let name = format!("{}\0", line.name);
            assert!(dump.windows(name.len()).any(|part| part == name.as_bytes()), "the dump lacks {name:?}");
        }
    }

    #[test]
    fn what_cannot_be_is_told_before_the_machine_starts() {
        let scratch = Scratch::new();
        let program = hot(&scratch);
        let interpreted = run(["run", "--bios", &program, "--engine", "interpreter", "--perf-map"]);
        assert!(interpreted.assert_code(2).stderr.contains("--engine"), "{}", interpreted.log());
        let nowhere = run(["run", "--bios", &program, "--jitdump", "/nonexistent"]);
        assert!(nowhere.assert_code(2).stderr.contains("check --jitdump"), "{}", nowhere.log());
    }
}
