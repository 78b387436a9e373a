//! The loops compiled in the guest, once for each version of sources and disk. QEMU runs that
//! guest, so that a mistake of riscope cannot be in programs that every peer runs.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

use super::SOURCES;
use super::error::PeersError;
use super::machine::Workshop;
use super::native::FLAGS;
use super::options::shown;
use super::payload;
use super::plan::Session;
use super::progress::say;
use super::subject::Subject;

/// Bytes for the archive that the guest writes; a sparse file.
const ROOM: u64 = 256 << 20;

/// The folder of the compiled loops, which are compiled first if they are not there yet.
pub(super) fn compiled(workshop: &Workshop<'_>, qemu: &Subject, output: &Path) -> Result<PathBuf, PeersError> {
    let folder = output.join(format!("loops-{:016x}", version(&workshop.images.disk)?));
    if folder.is_dir() {
        return Ok(folder);
    }
    say("compiling the loops in the guest, once");
    let sources = payload::write_sources(workshop.folder, &FLAGS)?;
    let archive = workshop.folder.join("loops.tar");
    let file = fs::File::create(&archive).map_err(PeersError::at(&archive))?;
    file.set_len(ROOM).map_err(PeersError::at(&archive))?;
    let session = Session { name: "compile-loops".to_owned(), harts: 1, pinned: false, steps: Vec::new() };
    let log = output.join("logs/compile-loops.log");
    let outcome = workshop.tasks(qemu, &session, &sources, Some(&archive), &log)?;
    let console = || format!("its console is in {}", shown(&log));
    if let Some(failure) = outcome.failure {
        return Err(PeersError::Loops(format!("{failure}; {}", console())));
    }
    if outcome.measured.iter().all(|measured| measured.status != 0) {
        return Err(PeersError::Loops(console()));
    }
    // Complete at once, or not there: another comparison may start at any time.
    let unpacked = workshop.folder.join("loops");
    payload::unpack(&archive, &unpacked)?;
    fs::rename(&unpacked, &folder).map_err(PeersError::at(&folder))?;
    Ok(folder)
}

/// A number that changes with the sources, the flags and the disk.
fn version(disk: &Path) -> Result<u64, PeersError> {
    let folder = Path::new(SOURCES).join("loops");
    let entries = fs::read_dir(&folder).map_err(PeersError::at(&folder))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    // Which packages a disk has is in the file beside it.
    paths.push(disk.with_extension("ext4.stamp"));
    let mut hasher = DefaultHasher::new();
    FLAGS.hash(&mut hasher);
    for path in paths {
        fs::read(&path).map_err(PeersError::at(&path))?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}
