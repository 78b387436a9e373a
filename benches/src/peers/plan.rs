//! What is run: the selected tasks, grouped by the machine that they share.

use super::catalog::{Task, Work, tasks};
use super::class::Class;
use super::options::Options;

/// A task in a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) class: Class,
    pub(super) task: &'static Task,
    /// Whether it runs twice.
    pub(super) again: bool,
}

impl Step {
    /// Names of its measurements.
    pub(super) fn cases(&self) -> Vec<String> {
        let mut names = vec![self.task.name.to_owned()];
        if self.again {
            names.push(format!("{}-again", self.task.name));
        }
        names
    }
}

/// One machine of each peer, and the tasks that run in it in turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Session {
    /// For messages and file names.
    pub(super) name: String,
    pub(super) harts: u32,
    pub(super) pinned: bool,
    /// None of another class, or only one boot.
    pub(super) steps: Vec<Step>,
}

impl Session {
    /// Whether it is nothing but the boot of a kernel.
    pub(super) fn is_boot(&self) -> bool {
        self.steps.iter().all(|step| step.task.work == Work::Boot)
    }
}

/// The sessions of a round, in order.
pub(super) fn sessions(options: &Options) -> Vec<Session> {
    let mut sessions: Vec<Session> = Vec::new();
    for class in Class::ALL.into_iter().filter(|&class| !is_redundant(class, options)) {
        let (harts, pinned) = (options.harts.unwrap_or_else(|| class.harts()), options.pin || class == Class::Pinned);
        for step in tasks(class).filter_map(|task| selected(class, task, options)) {
            let name = group(class, step.task);
            match sessions.iter_mut().find(|session| session.name == name) {
                Some(session) => session.steps.push(step),
                None => sessions.push(Session { name, harts, pinned, steps: vec![step] }),
            }
        }
    }
    sessions
}

/// Whether options make the class the same as another.
fn is_redundant(class: Class, options: &Options) -> bool {
    match class {
        Class::Real => options.pin,
        Class::TwoHarts | Class::Jobs => options.harts.is_some(),
        _ => false,
    }
}

/// Whether a class is measured as its target says.
pub(super) fn is_standard(class: Class, options: &Options) -> bool {
    options.harts.is_none_or(|harts| harts == class.harts()) && (!options.pin || class == Class::Pinned)
}

fn selected(class: Class, task: &'static Task, options: &Options) -> Option<Step> {
    let matches = |name: &str| {
        let name = format!("{}/{name}", class.name());
        options.only.as_ref().is_none_or(|only| only.is_match(&name))
    };
    let repeats = matches!(task.work, Work::Script { again: true, .. });
    let again = repeats && matches(&format!("{}-again", task.name));
    (again || matches(task.name)).then_some(Step { class, task, again })
}

/// The session of a task. Short ones of several classes share one.
fn group(class: Class, task: &Task) -> String {
    match (class, task.work) {
        (Class::Real | Class::Pinned, Work::Script { group, .. }) => format!("{}-{group}", class.name()),
        (Class::TwoHarts | Class::Jobs, _) => "two-harts".to_owned(),
        (Class::Float | Class::Memory | Class::Calls | Class::Worst, _) => "loops".to_owned(),
        _ => class.name().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn planned(arguments: &[&str]) -> Vec<Session> {
        sessions(&Options::parse_from([&["bench-peers"], arguments].concat()))
    }

    fn cases(sessions: &[Session]) -> Vec<String> {
        let steps = sessions.iter().flat_map(|session| &session.steps);
        steps.flat_map(|step| step.cases().into_iter().map(|name| format!("{}/{name}", step.class.name()))).collect()
    }

    #[test]
    fn a_task_runs_in_one_session_of_each_of_its_classes() {
        let all = cases(&planned(&[]));
        for case in ["real/gcc", "real/gcc-again", "pinned/gcc-again", "two-harts/make", "boot/boot", "worst/pages"] {
            assert_eq!(all.iter().filter(|&name| name == case).count(), 1, "{case}");
        }
    }

    #[test]
    fn an_expression_selects_cases_and_their_second_runs() {
        assert_eq!(cases(&planned(&["--only", "^real/gcc"])), ["real/gcc", "real/gcc-again"]);
        assert_eq!(cases(&planned(&["--only", "/gcc$"])), ["real/gcc", "pinned/gcc"]);
        assert_eq!(cases(&planned(&["--only", "boot"])), ["boot/boot"]);
        assert!(planned(&["--only", "no such task"]).is_empty());
    }

    #[test]
    fn sessions_have_the_harts_and_the_core_of_their_class() {
        let settings = |arguments: &[&str]| {
            let sessions = planned(arguments);
            sessions.into_iter().map(|session| (session.name, session.harts, session.pinned)).collect::<Vec<_>>()
        };
        let named = |name: &str, harts, pinned| (name.to_owned(), harts, pinned);
        assert_eq!(
            settings(&["--only", "make"]),
            [named("real-builds", 1, false), named("pinned-builds", 1, true), named("two-harts", 2, false)]
        );
        assert_eq!(settings(&["--only", "make", "--pin"])[0], named("pinned-builds", 1, true));
        assert_eq!(settings(&["--only", "real/make", "--harts", "4"]), [named("real-builds", 4, false)]);
        assert_eq!(settings(&["--only", "fib|nbody|copy"]), [named("loops", 1, false)]);
    }

    #[test]
    fn targets_apply_to_what_they_are_meant_for() {
        let options = |arguments: &[&str]| Options::parse_from([&["bench-peers"], arguments].concat());
        assert!(is_standard(Class::Real, &options(&[])));
        assert!(is_standard(Class::TwoHarts, &options(&["--harts", "2"])));
        assert!(!is_standard(Class::Real, &options(&["--harts", "2"])));
        assert!(!is_standard(Class::Integer, &options(&["--pin"])));
        assert!(is_standard(Class::Pinned, &options(&["--pin"])));
    }
}
