//! Catalogue of log records, with one row per `event_name`: the single source of names for the records, `LOGS.md` and
//! tests.

use crate::label::LogKind;

/// Severity of a record, with the numbers of OpenTelemetry's log data model ("Severity Fields").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something that helps whoever debugs.
    Debug = 5,
    /// Something that happened as it should.
    Info = 9,
    /// The same, but significant.
    Info2 = 10,
    /// Something that may become an error.
    Warn = 13,
    /// A failure.
    Error = 17,
    /// A failure that needs attention.
    Error2 = 18,
    /// A failure that needs attention at once.
    Error3 = 19,
    /// A failure that ended the guest.
    Fatal = 21,
}

impl Severity {
    /// Short name of the data model.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Info2 => "INFO2",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Error2 => "ERROR2",
            Self::Error3 => "ERROR3",
            Self::Fatal => "FATAL",
        }
    }
}

/// Row of the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The record's `event_name`: that of the domain event behind `riscope.`.
    pub name: &'static str,
    /// Severities that records of the row have.
    pub severities: &'static [Severity],
    /// What happened.
    pub when: &'static str,
    /// Attributes, besides those of every record.
    pub attributes: &'static [&'static str],
    /// Maximum records per second and machine, with bursts of the same number.
    pub per_second: u32,
}

/// Declares the row of each kind.
macro_rules! rows {
    ($($kind:ident $per_second:literal [$($severity:ident),+] [$($attribute:literal),*] $when:literal;)*) => {
        /// The row of a kind.
        pub(crate) const fn row(kind: LogKind) -> Row {
            match kind {
                $(LogKind::$kind => Row {
                    name: LogKind::$kind.as_str(),
                    severities: &[$(Severity::$severity),+],
                    when: $when,
                    attributes: &[$($attribute),*],
                    per_second: $per_second,
                },)*
            }
        }
    };
}

rows! {
    Created 10 [Info]
        ["riscope.vm.engine", "riscope.vm.vcpus", "riscope.vm.memory"]
        "A machine was created.";
    StateChanged 50 [Info, Error]
        ["riscope.vm.state.from", "riscope.vm.state.to"]
        "A machine changed its state; an error if it failed.";
    Reset 10 [Warn] ["riscope.vm.boots"]
        "The guest reset itself and boots again.";
    GuestPanicked 10 [Fatal] ["riscope.vm.guest.panic.source"]
        "The guest's kernel panicked.";
    HartStalled 10 [Warn] ["riscope.vcpu.id"]
        "A hart executes and takes no interrupt, although one is pending.";
    HartResumed 10 [Info] ["riscope.vcpu.id"]
        "A stalled hart takes interrupts again.";
    Exited 10 [Info, Error] ["riscope.vm.exit.reason", "riscope.vm.exit.code"]
        "A machine ended; an error unless by power-off, reset, or on request.";
    Deleted 10 [Info] []
        "A machine was deleted.";
    Hotspot 5 [Info]
        ["riscope.guest.pc", "riscope.guest.physical_address", "riscope.vcpu.id", "riscope.jit.hotspot.executions",
         "riscope.jit.hotspot.from", "riscope.jit.tier"]
        "A block is executed often enough to be compiled by a higher tier.";
    CompilationFailed 5 [Error]
        ["riscope.guest.pc", "riscope.guest.physical_address", "riscope.jit.tier", "error.type"]
        "The compiler reported an error; other reasons for which a block has no code are expected, and counted.";
    CacheEvicted 5 [Info]
        ["riscope.jit.evicted.blocks", "riscope.jit.evicted.size", "riscope.jit.eviction.reason"]
        "The oldest segment of the code cache was evicted.";
    DeviceFailed 10 [Error] ["riscope.device.kind", "riscope.device.name", "error.type"]
        "A device failed to serve a request because of the host.";
    AlertFiring 10 [Info, Warn, Error] ["riscope.alert.name", "riscope.alert.severity"]
        "An alert rule that is evaluated in process fires; an error if it is critical.";
    AlertResolved 10 [Info] ["riscope.alert.name", "riscope.alert.severity"]
        "An alert that has fired no longer does.";
    ConsoleLine 20 [Debug, Info, Info2, Warn, Error, Error2, Error3, Fatal] []
        "The guest wrote a line to its console that `--log-console` selects; the body is the line.";
}

/// All rows, in the order of the documentation.
pub const ROWS: [Row; LogKind::ALL.len()] = {
    let mut rows = [row(LogKind::ALL[0]); LogKind::ALL.len()];
    let mut index = 0;
    while index < rows.len() {
        rows[index] = row(LogKind::ALL[index]);
        index += 1;
    }
    rows
};
