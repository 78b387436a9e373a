//! Options for naming, observing and reporting a machine.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use riscope_telemetry::ConsoleLevel;
use riscope_telemetry::alert::Silence;

use super::listen::parse_host;
use super::parse_name;
use super::rate::{RATE, parse_rate};

/// Options for naming, observing and reporting a machine.
#[derive(Args, Debug)]
pub(crate) struct AboutArguments {
    /// Name of the machine in metrics and spans; by default the name of its program with a suffix
    /// that is unique to the machine
    #[arg(long, value_name = "NAME", value_parser = parse_name, allow_hyphen_values = true)]
    pub(crate) name: Option<String>,
    /// Write the result as JSON to this file; an existing file is removed at the start
    #[arg(long, value_name = "FILE")]
    pub(crate) status: Option<PathBuf>,
    /// Write a line per executed instruction here, or to stdout for "-", in the format of Spike's
    /// --log-commits, with traps and disassembly. Implies --engine interpreter, and is about a
    /// hundred times slower
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
    /// Write the last 1024 events of the machine to this file, a JSON object a line, when the
    /// guest panics (at most once a minute), when riscope or its host fails, and at SIGUSR1. Each
    /// time replaces the file. Without this option, SIGUSR1 writes them to stderr
    #[arg(long, value_name = "FILE")]
    pub(crate) flight_recorder: Option<PathBuf>,
    /// Write /tmp/perf-PID.map, by which perf names generated code: tier, guest address and, if
    /// the kernel or firmware is an ELF file with symbols, the guest's function
    #[arg(long)]
    pub(crate) perf_map: bool,
    /// Write DIR/jit-PID.dump for "perf record -k mono" and "perf inject --jit": as --perf-map,
    /// with the code, and right also where code was replaced by other code
    #[arg(long, value_name = "DIR")]
    pub(crate) jitdump: Option<PathBuf>,
    /// Write a profile of the guest to this file when the machine ends: pprof (.pb.gz), folded stacks
    /// (.folded), speedscope (.json), flame graph (.svg) or table (.txt)
    #[arg(long, value_name = "FILE")]
    pub(crate) profile: Option<PathBuf>,
    /// Samples per hart and second for --profile, 1 to 1000
    #[arg(long, value_name = "HZ", default_value_t = RATE, value_parser = parse_rate)]
    pub(crate) profile_rate: NonZeroU32,
    /// Name code in profiles by this file: an ELF file of the kernel, or of a program by its build
    /// id, or a System.map. May be given several times. Kernels with kallsyms need none, and
    /// programs have at least their dynamic symbols
    #[arg(long, value_name = "FILE")]
    pub(crate) symbols: Vec<PathBuf>,
    /// Serve HTTP clients that use this host name, besides addresses, localhost and the name in
    /// --listen; "*" allows every name. May be given several times
    #[arg(long = "allow-host", value_name = "NAME", value_parser = parse_allowed_host)]
    pub(crate) allow_hosts: Vec<String>,
    /// Send spans to this OTLP/HTTP receiver, such as http://127.0.0.1:4318; with OTEL_LOGS_EXPORTER=otlp and
    /// OTEL_METRICS_EXPORTER=otlp in the environment, log records and metrics as well
    #[arg(long, value_name = "URL")]
    pub(crate) otlp: Option<String>,
    /// Send alerts to this Alertmanager, such as http://127.0.0.1:9093. Alerts are evaluated when
    /// this option, --listen or --alert-rules is given; each one is also a line on stderr
    #[arg(long, value_name = "URL")]
    pub(crate) alertmanager: Option<String>,
    /// Evaluate the rules in this file, in Prometheus's format, instead of the built-in ones. May be
    /// given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) alert_rules: Vec<PathBuf>,
    /// Tell nobody of alerts with these labels, in Alertmanager's syntax, such as
    /// 'alertname=~"RiscopeJit.*"'. May be given several times
    #[arg(long = "silence", value_name = "MATCHERS")]
    pub(crate) silences: Vec<Silence>,
    /// Append traceparent=.. to the kernel command line (W3C Trace Context), which Linux passes to init in its
    /// environment: programs in the guest can make their spans part of the machine's trace
    #[arg(long)]
    pub(crate) traceparent: bool,
    /// Make log records of lines that the guest writes to its consoles, if log records are sent
    #[arg(long, value_name = "LEVEL", value_enum)]
    pub(crate) log_console: Option<LogConsoleChoice>,
}

/// Parses a host name or `*`.
fn parse_allowed_host(text: &str) -> Result<String, String> {
    match text {
        "*" => Ok(text.to_owned()),
        _ if text.contains(':') => Err("give the name alone, without a port".to_owned()),
        _ => parse_host(text),
    }
}

/// Console lines that become log records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogConsoleChoice {
    /// Panics, oopses and bugs that the kernel reports
    Panic,
    /// These, warnings and errors
    Warning,
    /// All lines
    All,
}

impl From<LogConsoleChoice> for ConsoleLevel {
    fn from(choice: LogConsoleChoice) -> Self {
        match choice {
            LogConsoleChoice::Panic => Self::Panic,
            LogConsoleChoice::Warning => Self::Warning,
            LogConsoleChoice::All => Self::All,
        }
    }
}
