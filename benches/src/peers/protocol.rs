//! The lines that the program `guest/run` prints on the console of a guest.

/// A measurement in a guest or on the host.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Measured {
    /// Name of the case within its class.
    pub(super) name: String,
    pub(super) seconds: f64,
    /// Exit status of the work.
    pub(super) status: i32,
    /// Identifies the result; the same on every subject.
    pub(super) result: String,
}

/// What a guest printed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Report {
    pub(super) measured: Vec<Measured>,
    /// The page-table format and the number of harts.
    pub(super) machine: Option<(String, u32)>,
    /// The last case that began.
    pub(super) last: Option<String>,
}

/// Reads a console. Lines of the kernel and of the firmware are skipped; one may precede a
/// line of the guest's program on the same line.
pub(super) fn parse(console: &str) -> Report {
    let mut report = Report::default();
    for line in console.lines() {
        if let Some(name) = after(line, "peers-start: ") {
            report.last = Some(name.trim().to_owned());
        } else if let Some(text) = after(line, "peers-machine: ") {
            report.machine = machine(text);
        } else if let Some(measured) = after(line, "peers: ").and_then(measurement) {
            report.measured.push(measured);
        }
    }
    report
}

fn after<'line>(line: &'line str, mark: &str) -> Option<&'line str> {
    line.split_once(mark).map(|(_, rest)| rest)
}

fn machine(text: &str) -> Option<(String, u32)> {
    let (mmu, harts) = text.trim().split_once(' ')?;
    Some((mmu.to_owned(), harts.parse().ok()?))
}

fn measurement(text: &str) -> Option<Measured> {
    let mut words = text.split_whitespace();
    let (name, microseconds, status, result) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let microseconds: u32 = microseconds.parse().ok()?;
    let is_whole = words.next().is_none();
    is_whole.then_some(Measured {
        name: name.to_owned(),
        seconds: f64::from(microseconds) / 1e6,
        status: status.parse().ok()?,
        result: result.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measurements_are_found_between_other_lines() {
        let report = parse(
            "[    0.0] Linux\r\npeers-machine: sv48 2\r\npeers-start: gcc\r\nout of\r\n\
             [  9.9] random: peers: gcc 1234567 0 0123456789abcdef\r\npeers-start: gcc-again\r\n",
        );
        let gcc = Measured { name: "gcc".into(), seconds: 1.234567, status: 0, result: "0123456789abcdef".into() };
        assert_eq!(report.measured, [gcc]);
        assert_eq!(report.machine, Some(("sv48".to_owned(), 2)));
        assert_eq!(report.last.as_deref(), Some("gcc-again"));
    }

    #[test]
    fn half_a_line_is_no_measurement() {
        for line in ["peers: gcc 1 0", "peers: gcc x 0 r", "peers: gcc 1 x r", "peers: gcc -1 0 r", "peers: a 1 0 r s"]
        {
            assert_eq!(parse(line).measured, [], "{line}");
        }
        assert_eq!(parse("peers-machine: sv48").machine, None);
    }
}
