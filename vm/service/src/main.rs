//! `riscope`: run riscv64 machines and observe them.

#![forbid(unsafe_code)]

mod cli;
mod console;
mod demo;
mod error;
mod foreground;
mod http;
mod message;
mod reports;
mod run;
mod runbooks;
mod session;
mod signals;
mod stop;
mod terminal;
mod wiring;

use std::process::ExitCode;

use riscope_machine::MachineExit;

fn main() -> ExitCode {
    let command = match cli::parse() {
        Ok(command) => command,
        Err(status) => return ExitCode::from(status),
    };
    let outcome = match command {
        cli::Command::Run(arguments) => run::run(&arguments),
        cli::Command::Demo(arguments) => demo::demo(&arguments),
    };
    let status = outcome.map(MachineExit::status).unwrap_or_else(|error| {
        message::say(&error);
        error.status()
    });
    message::settle();
    ExitCode::from(status)
}
