//! `riscope`: run riscv64 machines and observe them.

#![forbid(unsafe_code)]

mod alerts;
mod cli;
mod console;
mod demo;
mod ending;
mod error;
mod flight;
mod foreground;
mod http;
mod identity;
mod limits;
mod live;
mod logged;
mod message;
mod outputs;
mod panics;
mod perf;
mod profile;
mod reports;
mod run;
mod runbooks;
mod session;
mod signals;
mod stop;
mod terminal;
mod top;
mod trace;
mod trouble;
mod wiring;

use std::process::ExitCode;
use std::sync::Arc;

use cli::{Command, ProfileArguments, TopArguments};
use ending::StatusFile;
use error::{CommandError, HOST, USAGE};
use identity::Identity;

fn main() -> ExitCode {
    panics::report(|| {});
    let command = match cli::parse() {
        Ok(command) => command,
        Err(status) => return ExitCode::from(status),
    };
    ExitCode::from(panics::caught(|| execute(&command)).unwrap_or(HOST))
}

/// Executes the command, reports its result, and returns the exit status.
fn execute(command: &Command) -> u8 {
    if let Err(error) = outputs::check(command) {
        message::say(&error);
        return error.status();
    }
    let (identity, status) = &match command {
        Command::Run(run) => (Identity::new(run.about.name.as_deref(), run.program()), run.about.status.as_deref()),
        Command::Demo(demo) => {
            (Identity::new(demo.about.name.as_deref(), Some("demo".as_ref())), demo.about.status.as_deref())
        }
        Command::Profile(arguments) => return profiled(arguments),
        Command::Top(arguments) => return shown(arguments),
    };
    let file = StatusFile::prepare(*status, &identity.name, &identity.id.to_string());
    let file = match file {
        Ok(file) => Arc::new(file),
        Err(error) => {
            message::say(&error);
            return error.status();
        }
    };
    let outcome = limits::survive_file_size_limit().map_err(CommandError::Runtime).and_then(|()| {
        let outcome = panics::caught(|| match command {
            Command::Run(arguments) => run::run(arguments, identity, &file),
            Command::Demo(arguments) => demo::demo(arguments, identity, &file),
            Command::Profile(_) => Err(CommandError::Bug),
            Command::Top(_) => Err(CommandError::Bug),
        });
        outcome.unwrap_or(Err(CommandError::Bug))
    });
    ending::finish(&outcome, &file)
}

/// Executes `riscope profile`.
fn profiled(arguments: &ProfileArguments) -> u8 {
    profile::execute(&arguments.command).map_or_else(
        |error| {
            message::say(&error);
            error.status()
        },
        |()| 0,
    )
}

/// Executes `riscope top`.
fn shown(arguments: &TopArguments) -> u8 {
    top::top(arguments).map_or_else(
        |error| {
            message::say(&error);
            if error.is_usage() { USAGE } else { HOST }
        },
        |()| 0,
    )
}
