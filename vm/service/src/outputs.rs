//! Check that the output files of a run do not replace its input files.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::cli::RunArguments;
use crate::error::CommandError;

/// Device and inode, which identify a file under any name.
fn identity(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

/// Compares the files of `--status`, `--signature` and `--trace` with each other, with the disks, and
/// with the boot files.
///
/// # Errors
/// [`CommandError::Output`] if one of them would replace another.
pub(crate) fn check(arguments: &RunArguments) -> Result<(), CommandError> {
    let files = [&arguments.kernel, &arguments.bios, &arguments.initrd];
    let files = files.into_iter().flatten().filter_map(|path| fs::metadata(path).ok());
    let disks = arguments.disks.iter().filter_map(|disk| disk.open().ok()?.metadata().ok());
    let inputs: Vec<_> = files.chain(disks).map(|found| identity(&found)).collect();
    let refused = |option, path: &Path| Err(CommandError::Output { option, path: path.into() });
    let (status, signature) = (arguments.about.status.as_deref(), arguments.signature.as_deref());
    let trace = arguments.about.trace.as_deref();
    for (option, path) in [("--status", status), ("--signature", signature), ("--trace", trace)] {
        let Some(path) = path else { continue };
        if fs::metadata(path).is_ok_and(|found| inputs.contains(&identity(&found))) {
            return refused(option, path);
        }
    }
    match (signature, trace) {
        (Some(path), _) if signature == status => refused("--signature", path),
        (_, Some(path)) if trace == status || trace == signature => refused("--trace", path),
        _ => Ok(()),
    }
}
