//! What follows from the measurements: ratios to QEMU by case, geometric means by class, and
//! whether they reach the targets.

use super::catalog::{JOB, TWO_JOBS};
use super::class::{Class, Target};
use super::results::{Case, Results};
use crate::spread::{Spread, geometric_mean};

/// A case on a subject.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    /// Median of the times.
    pub(super) seconds: f64,
    /// Speed as a multiple of QEMU's; `None` where a round has not both.
    pub(super) ratio: Option<Spread>,
}

/// A case on all subjects, in their order; `None` where it did not run.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) class: Class,
    pub(super) name: String,
    pub(super) cells: Vec<Option<Cell>>,
}

/// A class on a subject.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ClassMean {
    pub(super) class: Class,
    pub(super) subject: usize,
    /// Geometric mean of the cases' medians.
    pub(super) mean: f64,
    /// The slowest case with its median.
    pub(super) slowest: (String, f64),
    /// Number of cases.
    pub(super) cases: usize,
    /// Whether the target is reached; `None` without one.
    pub(super) reached: Option<bool>,
}

/// Everything that is reported.
#[derive(Clone, Debug)]
pub(super) struct Summary {
    pub(super) subjects: Vec<String>,
    /// The subject that all others are compared with.
    pub(super) reference: usize,
    pub(super) rows: Vec<Row>,
    pub(super) means: Vec<ClassMean>,
    /// By subject: how many times as fast two harts did independent jobs as one.
    pub(super) scaling: Vec<(usize, Spread)>,
}

impl Summary {
    /// Of `results`, whose subject `reference` is QEMU. `judged` says whether a subject's
    /// class is compared with its target.
    pub(super) fn of(results: &Results, reference: usize, judged: impl Fn(Class, usize) -> bool) -> Self {
        let subjects = results.subjects().to_vec();
        let mut rows: Vec<Row> = results.cases.iter().map(|case| row(case, reference, subjects.len())).collect();
        rows.sort_by_key(|row| row.class);
        let pairs = Class::ALL.into_iter().flat_map(|class| (0..subjects.len()).map(move |subject| (class, subject)));
        let means = pairs
            .filter(|&(_, subject)| subject != reference)
            .filter_map(|(class, subject)| mean(&rows, class, subject, judged(class, subject)))
            .collect();
        let scaling = (0..subjects.len()).filter_map(|subject| Some((subject, scaling(results, subject)?))).collect();
        Self { subjects, reference, rows, means, scaling }
    }

    /// The same without the subjects from number `end`.
    pub(super) fn only(mut self, end: usize) -> Self {
        self.subjects.truncate(end);
        self.rows.iter_mut().for_each(|row| row.cells.truncate(end));
        self.means.retain(|mean| mean.subject < end);
        self.scaling.retain(|(subject, _)| *subject < end);
        self
    }

    /// The rows of a class.
    pub(super) fn rows_of(&self, class: Class) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.class == class)
    }
}

fn row(case: &Case, reference: usize, subjects: usize) -> Row {
    let cell = |subject| {
        let seconds = Spread::of(case.times(subject)).median;
        let ratios = case.ratios(reference, subject);
        let ratio = (!ratios.is_empty()).then(|| Spread::of(ratios));
        (!seconds.is_nan()).then_some(Cell { seconds, ratio })
    };
    Row { class: case.class, name: case.name.clone(), cells: (0..subjects).map(cell).collect() }
}

/// Twice the time of a job alone, over that of two at once.
fn scaling(results: &Results, subject: usize) -> Option<Spread> {
    let case = |name| results.cases.iter().find(|case| case.class == Class::Jobs && case.name == name);
    let (job, two) = (case(JOB)?, case(TWO_JOBS)?);
    let factor = |round| Some(2.0 * job.seconds(subject, round)? / two.seconds(subject, round)?);
    let factors: Vec<f64> = (0..results.rounds()).filter_map(factor).collect();
    (!factors.is_empty()).then(|| Spread::of(factors))
}

fn mean(rows: &[Row], class: Class, subject: usize, judged: bool) -> Option<ClassMean> {
    let median = |row: &Row| Some((row.name.clone(), row.cells.get(subject)?.as_ref()?.ratio?.median));
    let medians: Vec<(String, f64)> = rows.iter().filter(|row| row.class == class).filter_map(median).collect();
    let mean = geometric_mean(&medians.iter().map(|(_, ratio)| *ratio).collect::<Vec<_>>())?;
    let slowest = medians.iter().min_by(|a, b| a.1.total_cmp(&b.1))?.clone();
    let reached = if judged { is_reached(class.target(), mean, slowest.1, &medians) } else { None };
    Some(ClassMean { class, subject, mean, slowest, cases: medians.len(), reached })
}

/// Whether a mean, the slowest case and a certain one reach a target; `None` if it requires
/// nothing. `medians` are those of all cases.
fn is_reached(target: Target, mean: f64, slowest: f64, medians: &[(String, f64)]) -> Option<bool> {
    let certain = target.task.and_then(|(name, least)| {
        let (_, median) = medians.iter().find(|(case, _)| case == name)?;
        Some(*median >= least)
    });
    let requirements = [target.mean.map(|least| mean >= least), target.each.map(|least| slowest >= least), certain];
    requirements.into_iter().flatten().reduce(|one, other| one && other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::protocol::Measured;

    /// Two cases of a class, on riscope, QEMU and the host.
    fn results() -> Results {
        let mut results = Results::new(["riscope", "qemu", "native"].map(str::to_owned).into(), 3);
        let mut record = |name: &str, subject, times: [f64; 3]| {
            for (round, seconds) in times.into_iter().enumerate() {
                let measured = Measured { name: name.to_owned(), seconds, status: 0, result: "same".to_owned() };
                results.record(Class::Integer, subject, round, &measured);
            }
        };
        record("aes", 0, [1.0, 2.0, 1.0]);
        record("aes", 1, [1.0, 8.0, 2.0]);
        record("aes", 2, [0.1, 0.1, 0.1]);
        record("norx", 0, [1.0, 1.0, 1.0]);
        record("norx", 1, [0.5, 0.5, 0.5]);
        results
    }

    #[test]
    fn ratios_are_those_of_the_rounds_and_means_are_geometric() {
        let summary = Summary::of(&results(), 1, |_, subject| subject == 0);
        let cell = summary.rows[0].cells[0].expect("riscope ran it");
        assert_eq!(cell.ratio, Some(Spread { min: 1.0, median: 2.0, max: 4.0 }));
        assert!((cell.seconds - 1.0).abs() < 1e-12);
        let riscope = summary.means.iter().find(|mean| mean.subject == 0).expect("riscope has a mean");
        assert!((riscope.mean - 1.0).abs() < 1e-12, "of 2 and 1/2: {}", riscope.mean);
        assert_eq!(riscope.slowest, ("norx".to_owned(), 0.5));
        assert_eq!((riscope.cases, riscope.reached), (2, Some(false)));
        let native = summary.means.iter().find(|mean| mean.subject == 2).expect("the host has a mean");
        assert!((native.mean - 20.0).abs() < 1e-9);
        assert_eq!((native.cases, native.reached), (1, None), "the host has no target");
        assert!(summary.rows[1].cells[2].is_none(), "it did not run on the host");
        let riscopes = summary.only(1);
        assert_eq!((riscopes.subjects.len(), riscopes.rows[0].cells.len(), riscopes.means.len()), (1, 1, 1));
    }

    #[test]
    fn a_target_is_reached_by_the_mean_and_by_every_case() {
        let target = |mean, each| Target { mean, each, aim: None, task: None };
        let reached = |target, mean, slowest| is_reached(target, mean, slowest, &[("gcc".to_owned(), 1.5)]);
        assert_eq!(reached(target(Some(2.0), Some(1.0)), 2.0, 1.0), Some(true));
        assert_eq!(reached(target(Some(2.0), Some(1.0)), 1.9, 1.0), Some(false));
        assert_eq!(reached(target(Some(2.0), Some(1.0)), 2.0, 0.9), Some(false));
        assert_eq!(reached(target(None, Some(0.9)), 0.1, 0.9), Some(true));
        assert_eq!(reached(target(None, None), 2.0, 1.0), None);
        let with = |name, least| Target { task: Some((name, least)), ..target(None, None) };
        assert_eq!(reached(with("gcc", 1.5), 2.0, 1.0), Some(true));
        assert_eq!(reached(with("gcc", 1.6), 2.0, 1.0), Some(false));
        assert_eq!(reached(with("perl", 1.0), 2.0, 1.0), None, "it was not measured");
    }

    #[test]
    fn two_jobs_in_the_time_of_one_are_twice_as_fast() {
        let mut results = Results::new(["riscope", "qemu"].map(str::to_owned).into(), 2);
        for (name, round, seconds) in [(JOB, 0, 1.0), (TWO_JOBS, 0, 1.0), (JOB, 1, 1.0), (TWO_JOBS, 1, 2.0)] {
            let measured = Measured { name: name.to_owned(), seconds, status: 0, result: name.to_owned() };
            results.record(Class::Jobs, 0, round, &measured);
        }
        let summary = Summary::of(&results, 1, |_, _| true);
        assert_eq!(summary.scaling, [(0, Spread { min: 1.0, median: 1.5, max: 2.0 })]);
    }
}
