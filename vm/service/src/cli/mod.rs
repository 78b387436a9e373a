//! Command line. Option names are stable; `--help` is self-contained.

mod about;
mod disk;
mod listen;
mod name;
mod phases;
mod rate;
mod size;

use std::ffi::OsString;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use clap::builder::{ArgPredicate, OsStringValueParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use riscope_core::mem::MAX_HARTS;
use riscope_machine::DiskSpec;

use crate::error::USAGE;
use crate::message::say;
pub(crate) use about::AboutArguments;
use disk::parse_disk;
pub(crate) use listen::ListenAddress;
use listen::parse_listen;
pub(crate) use name::parse_name;
use phases::{PHASES, parse_phases};
pub(crate) use rate::{RATE, parse_rate};
use size::{parse_grace, parse_memory, parse_timeout};

/// Parses the arguments of this process.
///
/// # Errors
/// The exit status, if the arguments request help or are invalid; the output has then been
/// printed.
pub(crate) fn parse() -> Result<Command, u8> {
    let error = match Cli::try_parse() {
        Ok(cli) => return Ok(cli.command),
        Err(error) => error,
    };
    let is_help = error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    if is_help || !error.use_stderr() {
        // A failure to print cannot be reported.
        let _ = error.print();
    } else {
        say(&format_args!("{}; see --help", one_line(&error.to_string())));
    }
    Err(if error.use_stderr() { USAGE } else { 0 })
}

/// The problem in `text`, a multi-line message of the parser.
fn one_line(text: &str) -> String {
    let is_about_use = |line: &&str| !line.starts_with("Usage:") && !line.starts_with("For more information");
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let mut line = String::new();
    for part in text.lines().map(str::trim).filter(|line| !line.is_empty()).take_while(is_about_use) {
        if !line.is_empty() {
            line.push_str(if line.ends_with(':') { " " } else { "; " });
        }
        line.push_str(part);
    }
    line
}

/// Runs riscv64 Linux machines through a JIT and shows what they do.
#[derive(Debug, Parser)]
#[command(version, about, propagate_version = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run one machine in the foreground, its console on stdin and stdout
    #[command(after_help = RUN_HELP)]
    Run(Box<RunArguments>),
    /// Run the built-in guest and serve its page and metrics; needs no download
    #[command(after_help = DEMO_HELP)]
    Demo(Box<DemoArguments>),
    /// Fetch, show, convert and compare profiles of guests
    #[command(after_help = PROFILE_HELP)]
    Profile(ProfileArguments),
    /// Show what a machine does, in a terminal
    #[command(after_help = TOP_HELP)]
    Top(TopArguments),
}

pub(crate) const RUN_HELP: &str = "\
Examples:
  riscope run --kernel Image --initrd initrd.gz --append 'console=ttyS0'
  riscope run --kernel Image --append 'console=ttyS0 root=/dev/vda rw' --disk disk.ext4 --memory 1G
  riscope run --bios fw_jump.elf --kernel Image --initrd initrd.gz
  riscope run --bios test.elf --signature out.txt      (bare metal in M-mode, HTIF)

On a terminal, Ctrl-A x ends the machine and Ctrl-A Ctrl-A types Ctrl-A.
SIGTERM presses the guest's power button. It ends a guest that has no driver for the button at
once, and one that has not shut down after --grace. A second signal ends it at once.
SIGUSR1 writes the last events of the machine to stderr, or to the file of --flight-recorder.

Exit status:
  0    the guest powered off
  n    the guest ended with failure code n; 255 if that does not fit
  2    wrong use, or a file that cannot be used
  3    the guest requested a reset under --no-reboot
  70   riscope or its host failed, or the output of a guest that powered off was lost
  71   the guest panicked, under --on-panic exit
  124  --timeout elapsed
  130  ended by the user: Ctrl-A x, or a signal; by SIGTERM unless the guest shut down

A guest can end with any code. --status FILE distinguishes its codes from riscope's own, as in
  {\"reason\":\"guest_failure\",\"code\":2,\"status\":2,...}
with one of the reasons poweroff, guest_failure, guest_panic, reset, timeout, killed, usage, host, error.";

const DEMO_HELP: &str = "\
The guest repeats the phases integer, float, memory and churn. Meanwhile open http://127.0.0.1:8440/
in a browser, run \"riscope top\" in another terminal, or have Prometheus scrape /metrics. Ctrl-C ends
it.";

const TOP_HELP: &str = "\
Examples:
  riscope top                          a machine of this host with --listen 127.0.0.1:8440
  riscope top http://127.0.0.1:9000
  riscope top --json --count 1         one snapshot, as the page gets them from /api/v1/live

Keys: q quits, p pauses, Tab shows the next machine, ? explains. RISCOPE_URL is used if there is no URL.";

const PROFILE_HELP: &str = "\
Examples:
  riscope profile fetch http://127.0.0.1:8440 --seconds 30 -o guest.pb.gz
  riscope profile show guest.pb.gz -o guest.svg
  riscope profile diff before.pb.gz after.pb.gz
  go tool pprof 'http://127.0.0.1:8440/debug/pprof/guest?seconds=30'";

/// `riscope run`
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("program").args(["kernel", "bios"]).required(true).multiple(true)))]
pub(crate) struct RunArguments {
    /// Kernel: Image, EFI-stub Image, zboot vmlinuz or ELF, also compressed. Entered in S-mode
    #[arg(long, value_name = "FILE")]
    pub(crate) kernel: Option<PathBuf>,
    /// Firmware or bare-metal program: ELF or raw image. Entered in M-mode
    #[arg(long, value_name = "FILE")]
    pub(crate) bios: Option<PathBuf>,
    /// Initial RAM disk for the kernel
    #[arg(long, value_name = "FILE")]
    pub(crate) initrd: Option<PathBuf>,
    /// Kernel command line
    #[arg(long, value_name = "STRING", default_value = "", allow_hyphen_values = true)]
    pub(crate) append: OsString,
    /// Raw disk image; ",ro" makes it read-only, ",name=N" names it. May be given several times.
    /// file=FILE allows any path; commas in it are doubled
    #[arg(long = "disk", value_name = "[file=]FILE[,ro][,name=N]",
          value_parser = OsStringValueParser::new().try_map(|disk| parse_disk(&disk)))]
    pub(crate) disks: Vec<DiskSpec>,
    /// Number of harts, 1 to 8
    #[arg(long, value_name = "N", default_value = "1", value_parser = parse_cpus, allow_hyphen_values = true)]
    pub(crate) cpus: usize,
    /// Guest memory, such as 512M or 2G
    #[arg(long, value_name = "SIZE", default_value = "512M", value_parser = parse_memory, allow_hyphen_values = true)]
    pub(crate) memory: u64,
    /// Deepest page-table format of the harts, which is the one that kernels use
    #[arg(long, value_name = "MODE", value_enum, default_value_t = MmuChoice::Sv48)]
    pub(crate) mmu: MmuChoice,
    /// Engine that executes the guest
    #[arg(long, value_name = "ENGINE", value_enum, default_value_t = EngineChoice::Tiered,
          default_value_if("trace", ArgPredicate::IsPresent, "interpreter"))]
    pub(crate) engine: EngineChoice,
    /// Console device on stdin and stdout. virtio is hvc0, which follows the terminal's size; use
    /// --append 'console=hvc0' with it. Output of the serial port is shown in both cases
    #[arg(long, value_name = "DEVICE", value_enum, default_value_t = ConsoleChoice::Serial)]
    pub(crate) console: ConsoleChoice,
    /// Seconds that the guest may take to shut down after SIGTERM; 0 ends it at once
    #[arg(long, value_name = "SECS", default_value = "30", value_parser = parse_grace, allow_hyphen_values = true)]
    pub(crate) grace: std::time::Duration,
    /// Seconds for which the metrics stay after the guest has ended, so that they are scraped once
    /// more; more than two intervals of the scraper. A signal ends it
    #[arg(long, value_name = "SECS", default_value = "0", value_parser = parse_grace, allow_hyphen_values = true)]
    pub(crate) linger: std::time::Duration,
    /// Action after a guest panic, besides a line on stderr: none, exit with status 71, or reset
    #[arg(long, value_name = "ACTION", value_enum, default_value_t = PanicChoice::Report)]
    pub(crate) on_panic: PanicChoice,
    /// Add a memory balloon: memory that the guest frees goes back to the host
    #[arg(long)]
    pub(crate) balloon: bool,
    /// End with status 3 when the guest requests a reset
    #[arg(long)]
    pub(crate) no_reboot: bool,
    /// End with status 124 after this many seconds
    #[arg(long, value_name = "SECS", value_parser = parse_timeout, allow_hyphen_values = true)]
    pub(crate) timeout: Option<std::time::Duration>,
    /// Write memory from begin_signature to end_signature to this file when the machine ends
    #[arg(long, value_name = "FILE")]
    pub(crate) signature: Option<PathBuf>,
    /// Serve a page and /metrics at this address, such as 127.0.0.1:8440, localhost:8440 or :8440,
    /// which is the same as the first
    #[arg(long, value_name = "ADDR", value_parser = parse_listen)]
    pub(crate) listen: Option<ListenAddress>,
    #[command(flatten)]
    pub(crate) about: AboutArguments,
}

impl RunArguments {
    /// File that best identifies the program.
    pub(crate) fn program(&self) -> Option<&Path> {
        self.kernel.as_deref().or(self.bios.as_deref())
    }
}

/// `riscope demo`
#[derive(Args, Debug)]
pub(crate) struct DemoArguments {
    /// Phases to run, in order
    #[arg(long, value_name = "LIST", default_value_t = PHASES.join(","), value_parser = parse_phases)]
    pub(crate) phases: String,
    /// Seconds per phase
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) seconds: u32,
    /// Serve the page and /metrics at this address
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8440", value_parser = parse_listen)]
    pub(crate) listen: ListenAddress,
    /// Engine that executes the guest
    #[arg(long, value_name = "ENGINE", value_enum, default_value_t = EngineChoice::Tiered,
          default_value_if("trace", ArgPredicate::IsPresent, "interpreter"))]
    pub(crate) engine: EngineChoice,
    #[command(flatten)]
    pub(crate) about: AboutArguments,
}

/// `riscope profile`
#[derive(Args, Debug)]
pub(crate) struct ProfileArguments {
    #[command(subcommand)]
    pub(crate) command: ProfileCommand,
}

/// What to do with profiles. They are in the format of pprof or folded.
#[derive(Debug, Subcommand)]
pub(crate) enum ProfileCommand {
    /// Take a profile of the guest at an address of --listen
    Fetch {
        /// Such as http://127.0.0.1:8440
        url: String,
        /// Seconds that it takes
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=300))]
        seconds: u32,
        /// Samples per hart and second, 1 to 1000
        #[arg(long, value_name = "HZ", default_value_t = RATE, value_parser = parse_rate)]
        rate: NonZeroU32,
        #[command(flatten)]
        output: OutputArguments,
    },
    /// Show a profile, or convert it
    Show {
        /// The profile
        file: PathBuf,
        #[command(flatten)]
        output: OutputArguments,
    },
    /// Compare two profiles by the shares of their functions
    Diff {
        /// The profile to compare with
        before: PathBuf,
        /// The profile to compare
        after: PathBuf,
        #[command(flatten)]
        output: OutputArguments,
    },
}

/// Where `riscope profile` writes.
#[derive(Args, Debug)]
pub(crate) struct OutputArguments {
    /// Write to this file, in the format that its name says, instead of a table to stdout
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// `riscope top`
#[derive(Args, Debug)]
pub(crate) struct TopArguments {
    /// Where the machine listens, by default http://127.0.0.1:8440
    #[arg(value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Print a snapshot a second as JSON, one a line
    #[arg(long)]
    pub(crate) json: bool,
    /// End after this many snapshots
    #[arg(long, value_name = "N", requires = "json", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
}

/// Parses a number of harts.
fn parse_cpus(text: &str) -> Result<usize, String> {
    let cpus = text.parse().ok().filter(|cpus| (1..=MAX_HARTS).contains(cpus));
    cpus.ok_or_else(|| format!("a machine has 1 to {MAX_HARTS}"))
}

/// Page-table formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MmuChoice {
    /// Three levels, 39-bit addresses
    Sv39,
    /// Four levels, 48-bit addresses
    Sv48,
    /// Five levels, 57-bit addresses; some programs, such as older JVMs, do not run with it
    Sv57,
}

/// Policies after a guest panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PanicChoice {
    /// Nothing: the guest may write its memory to a disk or reset itself
    Report,
    /// The machine ends
    Exit,
    /// The machine is reset, which ends it under --no-reboot
    Reset,
}

/// Console devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ConsoleChoice {
    /// The serial port, ttyS0
    Serial,
    /// A virtio console, hvc0
    Virtio,
}

/// Engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineChoice {
    /// The reference interpreter: slow and simple
    Interpreter,
    /// Interpreter, and templates for hot code; the same as tiered on AArch64 hosts
    Baseline,
    /// All tiers: an optimising compiler as well
    Tiered,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_mistake_is_told_in_one_line() {
        let told = |arguments: &[&str]| {
            let error = Cli::try_parse_from(arguments).expect_err("it is a mistake");
            one_line(&error.to_string())
        };
        let missing = told(&["riscope", "run"]);
        assert!(missing.starts_with("the following required arguments were not provided: "), "{missing}");
        assert!(missing.contains("--kernel") && missing.contains("--bios"), "{missing}");
        let engine = told(&["riscope", "run", "--bios", "x", "--engine", "steam"]);
        assert!(engine.ends_with("; [possible values: interpreter, baseline, tiered]"), "{engine}");
        let spelling = told(&["riscope", "run", "--bios", "x", "--cpu", "2"]);
        assert!(spelling.contains("'--cpus'") && !spelling.contains('\n'), "{spelling}");
    }

    #[test]
    fn a_run_needs_something_to_run() {
        assert!(Cli::try_parse_from(["riscope", "run"]).is_err());
        assert!(Cli::try_parse_from(["riscope", "run", "--bios", "x"]).is_ok());
        assert!(Cli::try_parse_from(["riscope", "run", "--kernel", "x", "--memory", "12Q"]).is_err());
    }
}
