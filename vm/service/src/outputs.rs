//! Check that the output files of a run do not replace its input files.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::cli::RunArguments;
use crate::error::CommandError;

/// Device and inode, which identify a file under any name.
fn identity(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

/// Compares the files of `--status`, `--signature`, `--trace` and `--flight-recorder` with each other, with the
/// disks, and with the boot files.
///
/// # Errors
/// [`CommandError::Output`] if one of them would replace another.
pub(crate) fn check(arguments: &RunArguments) -> Result<(), CommandError> {
    let files = [&arguments.kernel, &arguments.bios, &arguments.initrd];
    let files = files.into_iter().flatten().filter_map(|path| fs::metadata(path).ok());
    let disks = arguments.disks.iter().filter_map(|disk| disk.open().ok()?.metadata().ok());
    let inputs: Vec<_> = files.chain(disks).map(|found| identity(&found)).collect();
    let refused = |option, path: &Path| Err(CommandError::Output { option, path: path.into() });
    let about = &arguments.about;
    let outputs = [
        ("--status", about.status.as_deref()),
        ("--signature", arguments.signature.as_deref()),
        ("--trace", about.trace.as_deref()),
        ("--flight-recorder", about.flight_recorder.as_deref()),
    ];
    let outputs: Vec<_> = outputs.into_iter().filter_map(|(option, path)| Some((option, path?))).collect();
    for (index, (option, path)) in outputs.iter().enumerate() {
        let replaces_input = fs::metadata(path).is_ok_and(|found| inputs.contains(&identity(&found)));
        if replaces_input || outputs[..index].iter().any(|(_, other)| other == path) {
            return refused(option, path);
        }
    }
    Ok(())
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
