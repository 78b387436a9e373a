//! The report on stdout: a table for each class, and one of the classes with their targets.

use std::io::{ErrorKind, Result, Write};

use super::class::{Class, Target};
use super::plan::Session;
use super::summary::{Cell, ClassMean, Row, Summary};
use crate::spread::Spread;

/// Prints everything.
///
/// # Errors
/// Those of [`print_to`].
pub(super) fn print(summary: &Summary, settings: &str) -> Result<()> {
    print_to(&mut std::io::stdout().lock(), &format!("{}\n", render(summary, settings)))
}

/// Prints the cases with what each does.
///
/// # Errors
/// Those of [`print_to`].
pub(super) fn list(sessions: &[Session]) -> Result<()> {
    print_to(&mut std::io::stdout().lock(), &cases(sessions))
}

/// Writes `text`. A reader that has left, such as `head`, has seen what it wanted.
///
/// # Errors
/// Those of `sink`, but for a broken pipe.
fn print_to(sink: &mut impl Write, text: &str) -> Result<()> {
    match sink.write_all(text.as_bytes()).and_then(|()| sink.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// The cases, each a line.
fn cases(sessions: &[Session]) -> String {
    let mut lines = String::new();
    for step in sessions.iter().flat_map(|session| &session.steps) {
        for case in step.cases() {
            lines.push_str(&format!("{:<28} {}\n", format!("{}/{case}", step.class.name()), step.task.about));
        }
    }
    lines
}

/// The tables as text.
pub(super) fn render(summary: &Summary, settings: &str) -> String {
    let mut lines = Vec::new();
    for class in Class::ALL {
        let rows: Vec<&Row> = summary.rows_of(class).collect();
        if !rows.is_empty() {
            lines.push(String::new());
            lines.push(format!("{} ({settings})", class.title()));
            let shown = shown(summary, &rows);
            lines.push(heading(summary, &shown));
            lines.extend(rows.into_iter().map(|row| line(summary, &shown, row)));
        }
    }
    if !summary.means.is_empty() {
        let reference = &summary.subjects[summary.reference];
        lines.push(String::new());
        lines.push(format!("speed relative to {reference}: geometric means of the medians above ({settings})"));
        lines.push(format!(
            "{:<30} {:<12} {:>5} {:>8}  {:<24} {:<22} verdict",
            "class", "subject", "cases", "mean", "slowest case", "target"
        ));
        lines.extend(summary.means.iter().map(|mean| mean_line(summary, mean)));
    }
    for (subject, factor) in &summary.scaling {
        lines.push(format!(
            "two independent jobs on two harts, {}: {:.2} times as fast as one after the other ({:.2} .. {:.2}); target {}",
            summary.subjects[*subject],
            factor.median,
            factor.min,
            factor.max,
            Class::SCALING
        ));
    }
    lines.join("\n")
}

/// The subjects, apart from the reference, that ran one of the rows.
fn shown(summary: &Summary, rows: &[&Row]) -> Vec<usize> {
    let ran = |subject: usize| rows.iter().any(|row| row.cells.get(subject).is_some_and(Option::is_some));
    (0..summary.subjects.len()).filter(|&subject| subject != summary.reference && ran(subject)).collect()
}

fn heading(summary: &Summary, shown: &[usize]) -> String {
    let mut line = format!("{:<20} {:>10}", "task", summary.subjects[summary.reference]);
    for name in shown.iter().map(|&subject| &summary.subjects[subject]) {
        line.push_str(&format!(" | {name:>10} {:>7} {:>16}", "ratio", "min .. max"));
    }
    line
}

fn line(summary: &Summary, shown: &[usize], row: &Row) -> String {
    let cell = |subject: usize| row.cells.get(subject).and_then(Option::as_ref);
    let mut line = format!("{:<20} {:>10}", row.name, seconds(cell(summary.reference)));
    for &subject in shown {
        let ratio = cell(subject).and_then(|cell| cell.ratio);
        let (median, range) = ratio.map_or_else(|| ("-".to_owned(), String::new()), ratio_words);
        line.push_str(&format!(" | {:>10} {median:>7} {range:>16}", seconds(cell(subject))));
    }
    line
}

fn seconds(cell: Option<&Cell>) -> String {
    cell.map_or_else(|| "-".to_owned(), |cell| format!("{:.3} s", cell.seconds))
}

fn ratio_words(ratio: Spread) -> (String, String) {
    (format!("{:.2}", ratio.median), format!("{:.2} .. {:.2}", ratio.min, ratio.max))
}

fn mean_line(summary: &Summary, mean: &ClassMean) -> String {
    let (name, slowest) = &mean.slowest;
    let verdict = match mean.reached {
        Some(true) => "reached",
        Some(false) => "MISSED",
        None => "-",
    };
    let target = if mean.reached.is_some() { target_words(mean.class.target()) } else { "-".to_owned() };
    format!(
        "{:<30} {:<12} {:>5} {:>8.2}  {:<24} {target:<22} {verdict}",
        mean.class.title(),
        summary.subjects[mean.subject],
        mean.cases,
        mean.mean,
        format!("{slowest:.2} {name}"),
    )
}

fn target_words(target: Target) -> String {
    let words = [
        target.mean.map(|mean| format!("{mean}")),
        target.each.map(|each| format!("each {each}")),
        target.task.map(|(name, least)| format!("{name} {least}")),
    ];
    words.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::protocol::Measured;
    use crate::peers::results::Results;

    /// Refuses everything for this reason.
    struct Refuses(ErrorKind);

    impl Write for Refuses {
        fn write(&mut self, _: &[u8]) -> Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn a_reader_that_has_left_is_no_error_but_a_full_disk_is() {
        let mut written = Vec::new();
        print_to(&mut written, "a\nb\n").expect("a vector takes everything");
        assert_eq!(written, b"a\nb\n");
        print_to(&mut Refuses(ErrorKind::BrokenPipe), "a\n").expect("the reader has what it wanted");
        let full = print_to(&mut Refuses(ErrorKind::StorageFull), "a\n").expect_err("it is lost");
        assert_eq!(full.kind(), ErrorKind::StorageFull);
    }

    #[test]
    fn a_report_has_a_line_for_each_case_and_class() {
        let mut results = Results::new(["riscope", "qemu"].map(str::to_owned).into(), 1);
        for (subject, seconds) in [(0, 1.0), (1, 2.5)] {
            let measured = Measured { name: "gcc".to_owned(), seconds, status: 0, result: "same".to_owned() };
            results.record(Class::Real, subject, 0, &measured);
        }
        let text = render(&Summary::of(&results, 1, |_, _| true), "sv48");
        let words: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert!(text.contains("\nreal work (sv48)\n"), "{text}");
        let case = ["gcc", "2.500", "s", "|", "1.000", "s", "2.50", "2.50", "..", "2.50"];
        assert!(words.iter().any(|line| line == &case), "{text}");
        let class =
            ["real", "work", "riscope", "1", "2.50", "2.50", "gcc", "2.2,", "each", "1.1,", "gcc", "2", "reached"];
        assert!(words.iter().any(|line| line == &class), "{text}");
    }
}
