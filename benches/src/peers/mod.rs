//! Comparison of riscope with QEMU and with the host, on the same programs.
//!
//! ```text
//! options, catalog ─► plan ─► payload, loops ─► machine, native ─► results ─► summary ─► table, json, chart
//!                   sessions    second disk       per round, in turns
//! ```
//!
//! A session is a machine in which some tasks run one after another, timed by the guest's
//! clock. Each round runs each session on each subject, so that a ratio compares what ran
//! within a minute or so.

mod catalog;
mod chart;
mod class;
mod error;
mod folder;
mod generate;
mod json;
mod loops;
mod machine;
mod native;
mod options;
mod payload;
mod plan;
mod process;
mod progress;
mod protocol;
mod results;
mod subject;
mod summary;
mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

pub use catalog::{Task, Work, tasks};
pub use class::{Class, Target};
pub use error::PeersError;
pub use native::{FLAGS, compile};
pub use options::Options;

use folder::Folder;
use machine::{Images, Outcome, Workshop};
use options::shown;
use plan::Session;
use progress::say;
use results::Results;
use subject::{Kind, Subject};
use summary::Summary;

/// Root of the repository.
const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// Folder of the guests' scripts and of the loops.
pub const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers");

/// Compares, and reports on stdout and in files.
pub fn main(options: &Options) -> ExitCode {
    let outcome = if options.list {
        table::list(&plan::sessions(options)).map(|()| true).map_err(PeersError::Stdout)
    } else {
        compare(options)
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(error);
            ExitCode::FAILURE
        }
    }
}

/// Whether every measurement was valid.
fn compare(options: &Options) -> Result<bool, PeersError> {
    let sessions = plan::sessions(options);
    if sessions.is_empty() {
        return Err(PeersError::NoCase);
    }
    let subjects = Subject::all(options);
    require(&subjects)?;
    let images = Images::find(&options.images)?;
    let folder = Folder::new(&options.output)?;
    let logs = options.output.join("logs");
    std::fs::create_dir_all(&logs).map_err(PeersError::at(&logs))?;
    let mut comparison = Comparison {
        options,
        sessions: &sessions,
        subjects: &subjects,
        workshop: Workshop { options, images: &images, folder: folder.path() },
        payload: PathBuf::new(),
        natives: BTreeMap::new(),
        logs,
        results: Results::new(
            subjects.iter().map(|subject| subject.name.clone()).collect(),
            usize::try_from(options.rounds).unwrap_or(usize::MAX),
        ),
    };
    let load = load();
    if let Some(load) = load.filter(|&load| load > QUIET) {
        say(format_args!("other programs are running (load {load}): ratios will be less certain"));
    }
    comparison.prepare()?;
    comparison.rounds()?;
    report(options, &subjects, &comparison.results, load)
}

/// Load of a host on which hardly anything else runs.
const QUIET: f64 = 0.7;

/// The host's load over the last minute.
fn load() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}

/// Checks that the subjects can be started.
fn require(subjects: &[Subject]) -> Result<(), PeersError> {
    for subject in subjects {
        let (path, remedy) = match &subject.kind {
            Kind::Riscope(path) => (path.as_path(), "`cargo build --release -p riscope` builds it"),
            Kind::Qemu(path) => (path.as_path(), "`make tools` installs it, and QEMU= names another"),
            Kind::Native => (Path::new("cc"), "install a C compiler, or leave the host out with --no-native"),
        };
        if subject.version().is_none() {
            return Err(PeersError::Missing { path: path.display().to_string(), remedy });
        }
    }
    Ok(())
}

/// A comparison that takes place.
#[derive(Debug)]
struct Comparison<'a> {
    options: &'a Options,
    sessions: &'a [Session],
    subjects: &'a [Subject],
    workshop: Workshop<'a>,
    /// The archive that is the guests' second disk.
    payload: PathBuf,
    /// Programs for the host by the names of their tasks.
    natives: BTreeMap<&'static str, PathBuf>,
    /// Folder for the consoles.
    logs: PathBuf,
    results: Results,
}

impl Comparison<'_> {
    /// Compiles the loops and writes the payload.
    fn prepare(&mut self) -> Result<(), PeersError> {
        let steps = self.sessions.iter().flat_map(|session| &session.steps);
        let programs: Vec<&'static str> =
            steps.filter(|step| matches!(step.task.work, Work::Loop { .. })).map(|step| step.task.name).collect();
        let mut loops = None;
        if !programs.is_empty() {
            let qemu = self.subjects.iter().find(|subject| matches!(subject.kind, Kind::Qemu(_)));
            if let Some(qemu) = qemu {
                loops = Some(loops::compiled(&self.workshop, qemu, &self.options.output)?);
            }
        }
        if !self.options.no_native {
            let folder = self.workshop.folder.join("native");
            std::fs::create_dir_all(&folder).map_err(PeersError::at(&folder))?;
            for name in programs {
                self.natives.insert(name, compile(name, &folder)?);
            }
        }
        self.payload = payload::write(self.workshop.folder, self.sessions, loops.as_deref())?;
        Ok(())
    }

    fn rounds(&mut self) -> Result<(), PeersError> {
        let rounds = usize::try_from(self.options.rounds).unwrap_or(usize::MAX);
        for round in 0..rounds {
            for (number, session) in self.sessions.iter().enumerate() {
                // In the other order each second time, so that none is always first.
                let mut order: Vec<usize> = (0..self.subjects.len()).collect();
                if (round + number) % 2 == 1 {
                    order.reverse();
                }
                for subject in order {
                    self.run(round, session, subject)?;
                }
            }
        }
        Ok(())
    }

    /// Runs a session on a subject.
    fn run(&mut self, round: usize, session: &Session, number: usize) -> Result<(), PeersError> {
        let subject = &self.subjects[number];
        let name = format!("round {} of {}: {} on {}", round + 1, self.options.rounds, session.name, subject.name);
        let log = self.logs.join(format!("{}-{}-{}.log", session.name, subject.name, round + 1));
        let start = Instant::now();
        let outcome = match (&subject.kind, session.is_boot()) {
            (Kind::Native, _) => self.on_the_host(session)?,
            (_, true) => self.workshop.boot(subject, session, &log)?,
            (_, false) => self.workshop.tasks(subject, session, &self.payload, None, &log)?,
        };
        if subject.kind != Kind::Native {
            say(format_args!("{name}: {:.0} s", start.elapsed().as_secs_f64()));
        }
        if let Some(failure) = outcome.failure {
            let failure = format!("{name}: {failure}; its console is in {}", shown(&log));
            say(&failure);
            self.results.failures.push(failure);
        }
        for measured in &outcome.measured {
            let step = session.steps.iter().find(|step| step.cases().contains(&measured.name));
            if let Some(step) = step {
                self.results.record(step.class, number, round, measured);
            }
        }
        Ok(())
    }

    fn on_the_host(&self, session: &Session) -> Result<Outcome, PeersError> {
        let core = session.pinned.then_some(self.options.core);
        let mut measured = Vec::new();
        for step in &session.steps {
            if let (Work::Loop { rounds }, Some(program)) = (step.task.work, self.natives.get(step.task.name)) {
                measured.push(native::measure(program, rounds, self.options.limit, core)?);
            }
        }
        Ok(Outcome { measured, failure: None })
    }
}

/// What holds for all classes, for headings.
fn settings(options: &Options) -> String {
    let mut words = vec![options.mmu.name().to_owned()];
    words.extend(options.harts.map(|harts| format!("{harts} hart{}", if harts == 1 { "" } else { "s" })));
    words.extend(options.pin.then(|| "all on one core".to_owned()));
    words.push(format!("{} round{}", options.rounds, if options.rounds == 1 { "" } else { "s" }));
    words.join(", ")
}

/// Reports; returns whether every measurement was valid.
fn report(options: &Options, subjects: &[Subject], results: &Results, load: Option<f64>) -> Result<bool, PeersError> {
    let qemu = options.riscopes.len();
    let settings = settings(options);
    let judged = |class, subject| subject < qemu && plan::is_standard(class, options);
    let summary = Summary::of(results, qemu, judged);
    // First, as they are there even if stdout takes nothing.
    let (json, svg) = (options.output.join("results.json"), options.output.join("results.svg"));
    json::write(&json, options, subjects, results, &summary, load)?;
    chart::draw(&svg, &summary, &settings)?;
    table::print(&summary, &settings).map_err(PeersError::Stdout)?;
    if options.riscopes.len() > 1 {
        table::print(&Summary::of(results, 0, |_, _| false).only(qemu), &settings).map_err(PeersError::Stdout)?;
    }
    for failure in &results.failures {
        say(format_args!("FAILED: {failure}"));
    }
    say(format_args!("wrote {} and {}", shown(&json), shown(&svg)));
    Ok(results.failures.is_empty())
}
