//! Output files: a check that they do not replace input files, and their replacement.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::cli::{Command, RunArguments};
use crate::error::CommandError;

/// Device and inode, which identify a file under any name.
fn identity(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

/// Compares the files of `--status`, `--signature`, `--trace`, `--flight-recorder` and `--profile` with each other, with
/// the disks, the boot files, and the rule files.
///
/// # Errors
/// [`CommandError::Output`] if one of them would replace another.
pub(crate) fn check(command: &Command) -> Result<(), CommandError> {
    let (about, signature, mut inputs) = match command {
        Command::Run(run) => (&run.about, run.signature.as_deref(), inputs(run)),
        // Its guest is built in.
        Command::Demo(demo) => (&demo.about, None, Vec::new()),
        Command::Profile(_) | Command::Top(_) => return Ok(()),
    };
    let rules = about.alert_rules.iter().filter_map(|path| fs::metadata(path).ok());
    inputs.extend(rules.map(|found| identity(&found)));
    let outputs = [
        ("--status", about.status.as_deref()),
        ("--signature", signature),
        ("--trace", about.trace.as_deref()),
        ("--flight-recorder", about.flight_recorder.as_deref()),
        ("--profile", about.profile.as_deref()),
    ];
    let outputs: Vec<_> = outputs.into_iter().filter_map(|(option, path)| Some((option, path?))).collect();
    for (index, (option, path)) in outputs.iter().enumerate() {
        let replaces_input = fs::metadata(path).is_ok_and(|found| inputs.contains(&identity(&found)));
        if replaces_input || outputs[..index].iter().any(|(_, other)| other == path) {
            return Err(CommandError::Output { option, path: path.into() });
        }
    }
    Ok(())
}

/// Files that a run reads.
fn inputs(arguments: &RunArguments) -> Vec<(u64, u64)> {
    let files = [&arguments.kernel, &arguments.bios, &arguments.initrd];
    let files = files.into_iter().flatten().filter_map(|path| fs::metadata(path).ok());
    let disks = arguments.disks.iter().filter_map(|disk| disk.open().ok()?.metadata().ok());
    files.chain(disks).map(|found| identity(&found)).collect()
}

/// Atomically replaces the file at `path`, or to which a link there leads, by one with these
/// contents, which is first written beside it.
///
/// # Errors
/// The host's; the file is as it was.
pub(crate) fn replace(path: &Path, contents: impl AsRef<[u8]>) -> io::Result<()> {
    let path = resolved(path);
    let temporary = beside(&path)?;
    let written = fs::write(&temporary, contents).and_then(|()| fs::rename(&temporary, &path));
    // The first error is returned.
    written.inspect_err(|_| drop(fs::remove_file(&temporary)))
}

/// Path of the file itself, unless there is none.
fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Path of the temporary file from which [`replace`] makes that at `path`.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let mut name = path.file_name().ok_or_else(|| io::Error::other("it has no name"))?.to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    Ok(path.with_file_name(name))
}

/// Checks that [`replace`] can replace a file, without changing it.
///
/// # Errors
/// The host's, or that it is no regular file.
pub(crate) fn try_to_replace(path: &Path) -> io::Result<()> {
    try_to_write(path)?;
    let temporary = beside(&resolved(path))?;
    fs::write(&temporary, "")?;
    fs::remove_file(&temporary)
}

/// Opens a file for writing without changing its contents.
///
/// # Errors
/// The host's, or that it is no regular file.
pub(crate) fn try_to_write(path: &Path) -> io::Result<()> {
    let found = fs::metadata(path);
    if found.as_ref().is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::other("it is no regular file"));
    }
    fs::File::options().append(true).create(true).open(path)?;
    if found.is_err() {
        // Removes the file that was created, not a link to it.
        fs::remove_file(path.canonicalize()?)?;
    }
    Ok(())
}
