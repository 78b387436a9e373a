//! The loops on the host itself: compiled by its compiler, from the sources and with the flags
//! of the guest's.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use super::SOURCES;
use super::error::PeersError;
use super::payload::run;
use super::protocol::Measured;
use super::subject::bound;

/// Flags of the compilers in the guest and on the host. Contraction to fused operations would
/// change floating-point results where a processor has them.
pub const FLAGS: [&str; 4] = ["-O2", "-std=gnu17", "-Wall", "-ffp-contract=off"];

/// Compiles a loop for the host to a file of its name in `folder`.
///
/// # Errors
/// If there is no compiler, or it finds something to complain about.
pub fn compile(name: &str, folder: &Path) -> Result<PathBuf, PeersError> {
    let (source, program) = (Path::new(SOURCES).join(format!("loops/{name}.c")), folder.join(name));
    run(Command::new("cc").args(FLAGS).arg("-Werror").arg("-o").arg(&program).arg(source).arg("-lm"))?;
    Ok(program)
}

/// Runs a program for so many rounds, at most for `limit` seconds.
pub(super) fn measure(program: &Path, rounds: u32, limit: u64, core: Option<u32>) -> Result<Measured, PeersError> {
    let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut command = bound(Path::new("timeout"), core);
    command.args([format!("{limit}"), program.display().to_string(), rounds.to_string()]);
    let start = Instant::now();
    let output =
        command.output().map_err(|error| PeersError::Program { program: name.clone(), message: error.to_string() })?;
    let seconds = start.elapsed().as_secs_f64();
    let result = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok(Measured { name, seconds, status: output.status.code().unwrap_or(-1), result })
}
