//! `riscope`: run riscv64 machines and observe them.

#![forbid(unsafe_code)]

mod cli;
mod console;
mod demo;
mod descriptor;
mod error;
mod http;
mod message;
mod output;
mod run;
mod session;
mod signals;
mod size;
mod stop;
mod terminal;
mod wiring;

use std::process::ExitCode;

fn main() -> ExitCode {
    let command = match cli::parse() {
        Ok(command) => command,
        Err(status) => return ExitCode::from(status),
    };
    let outcome = match command {
        cli::Command::Run(arguments) => run::run(&arguments),
        cli::Command::Demo(arguments) => demo::demo(&arguments),
    };
    ExitCode::from(outcome.unwrap_or_else(|error| {
        message::say(&error);
        error.status()
    }))
}
