//! `riscope profile`: fetches, shows, converts and compares profiles.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use riscope_telemetry::plain_http;
use riscope_telemetry::profile::{Format, Profile, format};

use super::cannot_write;
use crate::cli::{OutputArguments, ProfileCommand};
use crate::error::CommandError;
use crate::outputs::replace;

/// Largest profile that is read, in bytes.
const MAX_BYTES: u64 = 256 << 20;
/// Time that an endpoint has besides the length of the profile.
const SLACK: Duration = Duration::from_secs(30);
/// Path of the profile at the endpoint of a machine.
const PATH: &str = "/debug/pprof/guest";

/// Executes the command.
///
/// # Errors
/// Those of the files, formats and connections, as [`CommandError`].
pub(crate) fn execute(command: &ProfileCommand) -> Result<(), CommandError> {
    match command {
        ProfileCommand::Fetch { url, seconds, rate, output } => {
            let profile = decode(&fetch(url, *seconds, rate.get())?)?;
            write(output, |format| format.encode(&profile))
        }
        ProfileCommand::Show { file, output } => {
            let profile = read(file)?;
            write(output, |format| format.encode(&profile))
        }
        ProfileCommand::Diff { before, after, output } => {
            let (before, after) = (read(before)?, read(after)?);
            write(output, |format| format.encode_difference(&before, &after))
        }
    }
}

fn decode(bytes: &[u8]) -> Result<Profile, CommandError> {
    format::decode(bytes).map_err(CommandError::ProfileFormat)
}

fn read(path: &Path) -> Result<Profile, CommandError> {
    let mut bytes = Vec::new();
    let found = File::open(path).and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes));
    found.map_err(|source| CommandError::ReadProfile { path: path.into(), source })?;
    decode(&bytes)
}

/// Writes to the file, or a text to stdout.
fn write(
    output: &OutputArguments,
    encode: impl FnOnce(Format) -> Result<Vec<u8>, format::FormatError>,
) -> Result<(), CommandError> {
    let format = output.output.as_deref().map_or(Ok(Format::Text), Format::of_path);
    let bytes = format.and_then(encode).map_err(CommandError::ProfileFormat)?;
    match &output.output {
        Some(path) => replace(path, bytes).map_err(cannot_write(path)),
        None => std::io::stdout().write_all(&bytes).map_err(|source| CommandError::ProfileOutput { source }),
    }
}

/// A profile of the guest at `url`, which takes `seconds`.
fn fetch(url: &str, seconds: u32, rate: u32) -> Result<Vec<u8>, CommandError> {
    let failed = |reason: String| CommandError::FetchProfile { url: url.to_owned(), reason };
    let mut target = reqwest::Url::parse(url).map_err(|error| failed(error.to_string()))?;
    if target.scheme() != "http" {
        return Err(failed(format!("{} is not http", target.scheme())));
    }
    if target.path() == "/" {
        target.set_path(PATH);
    }
    target.set_query(Some(&format!("seconds={seconds}&rate={rate}&format=pprof")));
    let builder = plain_http().map_err(|error| failed(error.to_string()))?;
    let client = builder.timeout(Duration::from_secs(seconds.into()) + SLACK).no_proxy().build();
    let answer = client.and_then(|client| client.get(target).send()).map_err(|error| failed(said(&error)))?;
    let status = answer.status();
    let mut bytes = Vec::new();
    answer.take(MAX_BYTES).read_to_end(&mut bytes).map_err(|error| failed(error.to_string()))?;
    if status.is_success() { Ok(bytes) } else { Err(failed(format!("{status}{}", detail(&bytes)))) }
}

/// An error with its causes.
fn said(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// What the endpoint says about its refusal.
fn detail(body: &[u8]) -> String {
    let problem: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let detail = problem.as_ref().and_then(|problem| problem["detail"].as_str());
    detail.map_or_else(String::new, |detail| format!(": {detail}"))
}
