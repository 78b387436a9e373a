//! The measurements of all rounds, and what contradicts among them.

use super::class::Class;
use super::protocol::Measured;

/// Times of one case.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) class: Class,
    pub(super) name: String,
    /// Result of the first measurement, with which all others are compared.
    result: String,
    /// Seconds by subject and round, where there is a valid measurement.
    seconds: Vec<Vec<Option<f64>>>,
}

impl Case {
    /// Seconds of a subject in a round.
    pub(super) fn seconds(&self, subject: usize, round: usize) -> Option<f64> {
        *self.seconds.get(subject)?.get(round)?
    }

    /// All valid times of a subject.
    pub(super) fn times(&self, subject: usize) -> impl Iterator<Item = f64> {
        self.seconds.get(subject).into_iter().flatten().copied().flatten()
    }

    /// Ratios of the times of `reference` and `subject` within each round.
    pub(super) fn ratios(&self, reference: usize, subject: usize) -> Vec<f64> {
        let rounds = self.seconds.get(subject).map_or(0, Vec::len);
        let ratio = |round| Some(self.seconds(reference, round)? / self.seconds(subject, round)?);
        (0..rounds).filter_map(ratio).collect()
    }
}

/// All measurements.
#[derive(Clone, Debug)]
pub(super) struct Results {
    subjects: Vec<String>,
    rounds: usize,
    pub(super) cases: Vec<Case>,
    /// What went wrong, in words.
    pub(super) failures: Vec<String>,
}

impl Results {
    /// For these subjects and this number of rounds.
    pub(super) fn new(subjects: Vec<String>, rounds: usize) -> Self {
        Self { subjects, rounds, cases: Vec::new(), failures: Vec::new() }
    }

    /// Names of the subjects.
    pub(super) fn subjects(&self) -> &[String] {
        &self.subjects
    }

    /// The number of rounds.
    pub(super) fn rounds(&self) -> usize {
        self.rounds
    }

    /// Records a measurement; one with a wrong status or result becomes a failure.
    pub(super) fn record(&mut self, class: Class, subject: usize, round: usize, measured: &Measured) {
        let place = self.cases.iter().position(|case| case.class == class && case.name == measured.name);
        let who = format!("{}/{} on {}, round {}", class.name(), measured.name, self.subjects[subject], round + 1);
        if measured.status != 0 {
            self.failures.push(format!("{who}: ended with status {}", measured.status));
            return;
        }
        let place = place.unwrap_or_else(|| {
            let seconds = vec![vec![None; self.rounds]; self.subjects.len()];
            let (name, result) = (measured.name.clone(), measured.result.clone());
            self.cases.push(Case { class, name, result, seconds });
            self.cases.len() - 1
        });
        let case = &mut self.cases[place];
        if case.result == measured.result {
            case.seconds[subject][round] = Some(measured.seconds.max(SHORTEST));
        } else {
            let others = &case.result;
            self.failures.push(format!("{who}: the result is {}, but was {others} before", measured.result));
        }
    }
}

/// Resolution of the kernels' time stamps, in seconds. Nothing is shorter.
const SHORTEST: f64 = 1e-6;

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(seconds: f64, status: i32, result: &str) -> Measured {
        Measured { name: "gcc".to_owned(), seconds, status, result: result.to_owned() }
    }

    fn two_subjects() -> Results {
        Results::new(vec!["riscope".to_owned(), "qemu".to_owned()], 2)
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        let mut results = two_subjects();
        for (subject, round, seconds) in [(0, 0, 1.0), (1, 0, 2.0), (0, 1, 3.0), (1, 1, 9.0)] {
            results.record(Class::Real, subject, round, &measured(seconds, 0, "same"));
        }
        assert_eq!(results.cases[0].ratios(1, 0), [2.0, 3.0]);
        assert_eq!(results.cases[0].times(1).collect::<Vec<_>>(), [2.0, 9.0]);
        assert_eq!(results.failures, Vec::<String>::new());
    }

    #[test]
    fn a_round_without_one_of_the_two_has_no_ratio() {
        let mut results = two_subjects();
        results.record(Class::Real, 0, 0, &measured(1.0, 0, "same"));
        results.record(Class::Real, 0, 1, &measured(1.0, 0, "same"));
        results.record(Class::Real, 1, 1, &measured(4.0, 0, "same"));
        assert_eq!(results.cases[0].ratios(1, 0), [4.0]);
    }

    #[test]
    fn another_status_or_result_is_a_failure_and_no_time() {
        let mut results = two_subjects();
        results.record(Class::Real, 0, 0, &measured(1.0, 0, "one"));
        results.record(Class::Real, 1, 0, &measured(1.0, 0, "other"));
        results.record(Class::Real, 1, 1, &measured(1.0, 3, "one"));
        assert_eq!(
            results.failures,
            [
                "real/gcc on qemu, round 1: the result is other, but was one before",
                "real/gcc on qemu, round 2: ended with status 3"
            ]
        );
        assert_eq!(results.cases[0].ratios(1, 0), Vec::<f64>::new());
    }

    #[test]
    fn the_same_task_in_another_class_is_another_case() {
        let mut results = two_subjects();
        results.record(Class::Real, 0, 0, &measured(1.0, 0, "one"));
        results.record(Class::Pinned, 0, 0, &measured(2.0, 0, "other"));
        assert_eq!(results.cases.len(), 2);
        assert_eq!(results.failures, Vec::<String>::new());
    }
}
