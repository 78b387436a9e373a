//! What an evaluation of all shipped rules takes.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Instant;

use riscope_telemetry::alert::{Evaluator, Labels, Observation, Rules};

use crate::case::cases;

/// Prints the time of an evaluation over the series of every rule test at the same time,
/// which are more than those of a process with a few machines.
#[test]
fn an_evaluation_of_all_rules_is_measured() {
    let mut evaluator = Evaluator::new(Rules::shipped().expect("they are valid"), Labels::default());
    let step_ms = 5_000;
    let mut series = Vec::new();
    for (file, case) in cases() {
        for (index, (name, labels)) in case.names().enumerate() {
            let mut labels = labels.clone();
            labels.set("instance", format!("{file}-{index}"));
            series.push((Arc::clone(name), labels));
        }
    }
    let number = series.len();
    // Fills the window of the longest range that is evaluated each time.
    for step in 0..60 {
        let time_ms = step * step_ms;
        let value = f64::from(i32::try_from(step).expect("few"));
        let observation = |(name, labels): &(Arc<str>, Labels)| {
            let (name, labels) = (Arc::clone(name), labels.clone());
            Observation { name, labels, value, is_counter: true }
        };
        evaluator.observe(time_ms, series.iter().map(observation));
    }
    let rounds = 20;
    let begin = Instant::now();
    let mut evaluated = 0;
    for round in 0..rounds {
        evaluated += evaluator.evaluate_all((60 + round) * step_ms).evaluated;
    }
    let took = begin.elapsed() / u32::try_from(rounds).expect("few");
    let (kept, samples) = evaluator.store().size();
    let _ = writeln!(
        std::io::stdout(),
        "an evaluation of all rules over {kept} of {number} series with {samples} samples takes {took:?}"
    );
    assert!(evaluated > 0 && kept > 0);
}
