//! The command line of `bench-peers`.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use regex::Regex;

use super::REPOSITORY;

const EXAMPLES: &str = "\
Examples:
  make bench-peers                                          every task, three rounds: half an hour
  make bench-peers ARGS='--only gcc --rounds 1'             real/gcc, pinned/gcc and their second runs
  make bench-peers ARGS='--only ^integer/ --mmu sv39'       one class
  make bench-peers ARGS='--riscope new=target/release/riscope --riscope old=../old/riscope --only real/'
  QEMU=/opt/qemu/bin/qemu-system-riscv64 make bench-peers   another QEMU

A case is CLASS/TASK, such as real/gcc or kernel/fork; --list shows all of them.

Every round runs each case once on each subject, in turns. A ratio is the time of QEMU over that of
the subject in the same round: 2 means twice as fast as QEMU. The result is the median of the ratios
with the least and the greatest. The speed of a host drifts; compare ratios, never seconds.

Exit status: 0 if every task has the same result on every subject, 1 otherwise or if something is
missing. A target that is not reached is reported, but is no failure.";

/// Compares riscope with QEMU on the same guests, and with the host where a program can run there.
#[derive(Debug, Parser)]
#[command(name = "bench-peers", after_help = EXAMPLES, max_term_width = 100)]
pub struct Options {
    /// Rounds; each runs every case on every subject
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(super) rounds: u32,
    /// Only cases whose name matches
    #[arg(long, value_name = "REGEX")]
    pub(super) only: Option<Regex>,
    /// A riscope to measure, with a name for the report. May be given several times
    #[arg(long = "riscope", value_name = "[NAME=]BINARY", value_parser = parse_riscope,
          default_value = concat!("riscope=", env!("CARGO_MANIFEST_DIR"), "/../target/release/riscope"))]
    pub(super) riscopes: Vec<(String, PathBuf)>,
    /// The QEMU to compare with
    #[arg(long, value_name = "BINARY", env = "QEMU", default_value = "qemu-system-riscv64")]
    pub(super) qemu: PathBuf,
    /// Run no programs on the host itself
    #[arg(long)]
    pub(super) no_native: bool,
    /// Pin every subject with all of its threads to one core, in every class; without it only
    /// those of the class "pinned" are
    #[arg(long)]
    pub(super) pin: bool,
    /// Core for pinned subjects
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) core: u32,
    /// Harts of every machine; without it 2 in the class "two-harts" and 1 in the others
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=8))]
    pub(super) harts: Option<u32>,
    /// Page-table format in all machines
    #[arg(long, value_name = "MODE", value_enum, default_value_t = Mmu::Sv48)]
    pub(super) mmu: Mmu,
    /// Seconds that a machine may run
    #[arg(long, value_name = "SECS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) limit: u64,
    /// Folder of Image, initrd.gz and bench-disk.ext4
    #[arg(long, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../.cache/guest"))]
    pub(super) images: PathBuf,
    /// Folder for results.json, results.svg, the console output of each run, and temporary files
    #[arg(long, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bench-peers"))]
    pub(super) output: PathBuf,
    /// Show the cases and end
    #[arg(long)]
    pub(super) list: bool,
}

/// Page-table formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Mmu {
    /// Three levels
    Sv39,
    /// Four levels
    Sv48,
}

impl Mmu {
    /// As in `/proc/cpuinfo` and as riscope's option.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sv39 => "sv39",
            Self::Sv48 => "sv48",
        }
    }
}

/// Splits `NAME=BINARY`; the name of a plain path is that of its file.
fn parse_riscope(text: &str) -> Result<(String, PathBuf), String> {
    let (name, path) = match text.split_once('=') {
        Some((name, path)) => (name.to_owned(), PathBuf::from(path)),
        None => {
            let path = PathBuf::from(text);
            let name = path.file_name().ok_or("give the path of a program")?.to_string_lossy().into_owned();
            (name, path)
        }
    };
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
        return Err("a name consists of letters, digits, '-', '_' and '.'".to_owned());
    }
    if ["qemu", "native"].contains(&name.as_str()) {
        return Err(format!("{name} is the name of another subject"));
    }
    Ok((name, path))
}

/// The path as the messages show it: relative to the repository if it is inside.
pub(super) fn shown(path: &std::path::Path) -> String {
    let full = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let root = std::path::Path::new(REPOSITORY).canonicalize().unwrap_or_default();
    full.strip_prefix(&root).unwrap_or(&full).display().to_string()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn builds_have_names() {
        let parsed = |text: &str| parse_riscope(text);
        assert_eq!(parsed("old=a/b"), Ok(("old".to_owned(), PathBuf::from("a/b"))));
        assert_eq!(parsed("a/riscope-2"), Ok(("riscope-2".to_owned(), PathBuf::from("a/riscope-2"))));
        assert!(parsed("=a/b").is_err());
        assert!(parsed("a b=c").is_err());
        assert!(parsed("qemu=a/b").is_err(), "the name is taken");
    }

    #[test]
    fn an_invalid_option_is_refused() {
        let refused = |arguments: &[&str]| {
            Options::try_parse_from([&["bench-peers"], arguments].concat()).expect_err("it is invalid").to_string()
        };
        assert!(refused(&["--only", "("]).contains("--only"));
        assert!(refused(&["--rounds", "0"]).contains("--rounds"));
        assert!(refused(&["--harts", "9"]).contains("--harts"));
        assert!(refused(&["--mmu", "sv57"]).contains("sv48"));
    }
}
