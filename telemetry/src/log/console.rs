//! Console lines: assembled from the guest's output, selected, and handed to the pump.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use prometheus::IntCounter;
use riscope_core::event::{VmId, wall_ns};

use super::catalog::Severity;

/// Maximum bytes of a line; the rest of it is not read.
const MAX_LINE: usize = 1024;
/// Maximum lines that wait for the pump.
const MAX_WAITING: usize = 256;

/// Lines of a console that become log records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConsoleLevel {
    /// Every line.
    All,
    /// Warnings of the kernel, and everything worse.
    Warning,
    /// Panics, oopses and reported bugs of the kernel.
    Panic,
}

/// A selected line.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) vm_id: VmId,
    /// When it ended, since the Unix epoch.
    pub(crate) wall_ns: u64,
    pub(crate) severity: Severity,
    /// Without control characters.
    pub(crate) text: String,
    /// Counts it as waiting.
    pub(crate) _place: Place,
}

/// A place in the queue of lines, which is freed when dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(waiting: &Arc<AtomicUsize>) -> Option<Self> {
        let place = Self(Arc::clone(waiting));
        (waiting.fetch_add(1, Ordering::Relaxed) < MAX_WAITING).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Takes the output of a machine's console, and makes log records of the lines that are selected.
pub struct ConsoleLog {
    vm_id: VmId,
    level: ConsoleLevel,
    /// The line so far.
    line: Vec<u8>,
    pass_on: Box<dyn Fn(Line) + Send>,
    waiting: Arc<AtomicUsize>,
    lost: IntCounter,
}

impl ConsoleLog {
    /// Lines of `vm_id` from `level` on, given to `pass_on`; `lost` counts those for which there is no room.
    pub(crate) fn new(
        vm_id: VmId,
        level: ConsoleLevel,
        lost: IntCounter,
        pass_on: impl Fn(Line) + Send + 'static,
    ) -> Self {
        Self { vm_id, level, line: Vec::new(), pass_on: Box::new(pass_on), waiting: Arc::default(), lost }
    }

    /// Takes `bytes`, which the guest has written. Never waits.
    pub fn see(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.extend(&rest[..end]);
            self.end_line();
            rest = &rest[end + 1..];
        }
        self.extend(rest);
    }

    fn extend(&mut self, bytes: &[u8]) {
        let room = MAX_LINE.saturating_sub(self.line.len());
        self.line.extend_from_slice(&bytes[..room.min(bytes.len())]);
    }

    fn end_line(&mut self) {
        let text = printable(&self.line);
        self.line.clear();
        let severity = severity(&text);
        let wanted = match self.level {
            ConsoleLevel::All => !text.is_empty(),
            ConsoleLevel::Warning => severity >= Severity::Warn,
            ConsoleLevel::Panic => is_bug(message(&text).1),
        };
        if !wanted {
            return;
        }
        match Place::take(&self.waiting) {
            Some(place) => {
                let (vm_id, wall_ns) = (self.vm_id, wall_ns());
                (self.pass_on)(Line { vm_id, wall_ns, severity, text, _place: place });
            }
            None => self.lost.inc(),
        }
    }
}

impl fmt::Debug for ConsoleLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsoleLog").field("vm_id", &self.vm_id).field("level", &self.level).finish_non_exhaustive()
    }
}

/// The line as text, without the escape sequences of terminals (ECMA-48, section 5.4) and other control characters.
fn printable(line: &[u8]) -> String {
    let line = String::from_utf8_lossy(line);
    let mut text = String::with_capacity(line.len());
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        if c == '\x1b' && rest.as_str().starts_with('[') {
            rest.by_ref().skip(1).find(|c| ('@'..='~').contains(c));
        } else if c == '\t' {
            text.push(' ');
        } else if !c.is_control() {
            text.push(c);
        }
    }
    text.truncate(text.trim_end().len());
    text
}

/// Severity in front of a message, if the kernel prints it, and the message behind its time stamp.
fn message(line: &str) -> (Option<u8>, &str) {
    let mut text = line;
    let mut priority = None;
    if let Some((digits, rest)) = text.strip_prefix('<').and_then(|rest| rest.split_once('>'))
        && let Ok(number) = digits.parse::<u16>()
    {
        // Facility and severity (RFC 5424, section 6.2.1).
        priority = u8::try_from(number % 8).ok();
        text = rest;
    }
    // Time stamp, and task or CPU.
    for _ in 0..2 {
        let Some((inside, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) else { break };
        let is_stamp = inside.trim_start_matches([' ', 'T', 'C']).chars().all(|c| c.is_ascii_digit() || c == '.');
        if !is_stamp {
            break;
        }
        text = rest.trim_start();
    }
    (priority, text)
}

/// Severity of a line: the kernel's, or by how the message begins.
fn severity(line: &str) -> Severity {
    let (priority, text) = message(line);
    if text.starts_with("Kernel panic") {
        return Severity::Fatal;
    }
    match priority {
        // OpenTelemetry's log data model, "Appendix B: SeverityNumber example mappings".
        Some(0) => Severity::Fatal,
        Some(1) => Severity::Error3,
        Some(2) => Severity::Error2,
        Some(3) => Severity::Error,
        Some(4) => Severity::Warn,
        Some(5) => Severity::Info2,
        Some(6) => Severity::Info,
        Some(_) => Severity::Debug,
        None if is_bug(text) => Severity::Error,
        None if is_warning(text) => Severity::Warn,
        None => Severity::Info,
    }
}

/// Whether the kernel reports a panic, an oops or a bug.
fn is_bug(text: &str) -> bool {
    const BEGINNINGS: [&str; 6] =
        ["Kernel panic", "Oops", "BUG:", "kernel BUG at", "Unable to handle kernel", "Internal error"];
    BEGINNINGS.iter().any(|beginning| text.starts_with(beginning)) || text.starts_with("---[ end Kernel panic")
}

/// Whether the kernel warns of something.
fn is_warning(text: &str) -> bool {
    const BEGINNINGS: [&str; 9] = [
        "WARNING:",
        "INFO: task ",
        "watchdog:",
        "rcu: INFO:",
        "Out of memory:",
        "I/O error,",
        "Buffer I/O error",
        "BTRFS error",
        "BTRFS warning",
    ];
    let of_file_system = text.split_once("-fs ").is_some_and(|(name, what)| {
        name.chars().all(|c| c.is_ascii_alphanumeric()) && (what.starts_with("error") || what.starts_with("warning"))
    });
    of_file_system || BEGINNINGS.iter().any(|beginning| text.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Lines that a console log at this level makes of `output`, and the number of lost ones.
    fn lines(level: ConsoleLevel, output: &[&[u8]]) -> (Vec<(Severity, String)>, u64) {
        let made = Arc::<Mutex<Vec<Line>>>::default();
        let lost = IntCounter::new("lost", "Lost.").expect("a name");
        let keep = Arc::clone(&made);
        let mut log = ConsoleLog::new(VmId::from_u128(1), level, lost.clone(), move |line| {
            keep.lock().expect("no panic elsewhere").push(line);
        });
        output.iter().for_each(|bytes| log.see(bytes));
        let made = made.lock().expect("no panic elsewhere");
        (made.iter().map(|line| (line.severity, line.text.clone())).collect(), lost.get())
    }

    #[test]
    fn lines_are_those_of_the_guest_however_it_writes_them() {
        let (made, _) = lines(ConsoleLevel::All, &[b"he", b"llo\r", b"\n\r\n\x1b[1;31mred\x1b[0m\tend\nrest"]);
        assert_eq!(made, [(Severity::Info, "hello".to_owned()), (Severity::Info, "red end".to_owned())]);
    }

    #[test]
    fn severities_are_the_kernels_or_known_by_the_words() {
        for (line, severity) in [
            ("<0>[    1.5] x", Severity::Fatal),
            ("<3>x", Severity::Error),
            ("<12>[ 1.5][    T1] x", Severity::Warn),
            ("<6>[    0.0] Linux version 6.12", Severity::Info),
            ("<7>x", Severity::Debug),
            ("<x>y", Severity::Info),
            ("[    9.1] Kernel panic - not syncing: x", Severity::Fatal),
            ("<0>[    9.1] Kernel panic - not syncing: x", Severity::Fatal),
            ("[    9.1][    T1] Oops [#1]", Severity::Error),
            ("[    9.1] BUG: scheduling while atomic", Severity::Error),
            ("[    9.1] WARNING: CPU: 0 PID: 1 at kernel/x.c:1", Severity::Warn),
            ("[    9.1] EXT4-fs error (device vda): x", Severity::Warn),
            ("[    9.1] EXT4-fs (vda): mounted filesystem", Severity::Info),
            ("echo WARNING: not the kernel", Severity::Info),
            ("", Severity::Info),
        ] {
            assert_eq!(super::severity(line), severity, "{line}");
        }
    }

    #[test]
    fn a_level_selects_lines() {
        let output: &[&[u8]] = &[b"<6>hello\n<4>low\n[ 1.0] BUG: bad\n<3>disk\n[ 2.0] Kernel panic - x\n\n"];
        let texts = |level| lines(level, output).0.into_iter().map(|(_, text)| text).collect::<Vec<_>>();
        assert_eq!(texts(ConsoleLevel::Panic), ["[ 1.0] BUG: bad", "[ 2.0] Kernel panic - x"]);
        assert_eq!(texts(ConsoleLevel::Warning), ["<4>low", "[ 1.0] BUG: bad", "<3>disk", "[ 2.0] Kernel panic - x"]);
        assert_eq!(texts(ConsoleLevel::All).len(), 5);
    }

    #[test]
    fn a_guest_cannot_fill_the_hosts_memory() {
        let endless = vec![b'x'; 3 * MAX_LINE];
        let (made, lost) = lines(ConsoleLevel::All, &[&endless, b"\n", &b"y\n".repeat(MAX_WAITING + 9)]);
        assert_eq!((made[0].1.len(), made.len(), lost), (MAX_LINE, MAX_WAITING, 10));
    }
}
