//! Names of guest code: the symbols of boot files, which are read when somebody looks.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use riscope_machine::ImageSource;
use riscope_machine::boot::Symbols;

use crate::perf::symbols_of;

/// What tells a file from the one that it was: device, inode, size, and time of its last change.
type Stamp = (u64, u64, u64, i64, i64);

/// The stamp of a regular file. Others, such as pipes, cannot be read twice.
fn stamp(path: &Path) -> Option<Stamp> {
    let found = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    Some((found.dev(), found.ino(), found.size(), found.mtime(), found.mtime_nsec()))
}

/// Boot file that may have symbols.
#[derive(Clone, Debug)]
pub(crate) struct BootFile {
    image: ImageSource,
    /// Its path, and what it was when the machine started.
    file: Option<(PathBuf, Stamp)>,
}

impl BootFile {
    /// The file at `path`, if it can be read again.
    pub(crate) fn at(path: &Path) -> Option<Self> {
        let stamp = stamp(path)?;
        Some(Self { image: ImageSource::path(path), file: Some((path.to_owned(), stamp)) })
    }

    /// A file that is part of the program.
    pub(crate) fn built_in(image: ImageSource) -> Self {
        Self { image, file: None }
    }

    /// Its symbols, unless the file is another one now, whose names would be wrong.
    fn symbols(&self, memory: u64) -> Option<Symbols> {
        let is_same = self.file.as_ref().is_none_or(|(path, known)| stamp(path) == Some(*known));
        is_same.then(|| symbols_of(&self.image, memory)).flatten()
    }
}

/// Names of the code of a machine.
#[derive(Debug)]
pub(super) struct Names {
    files: Vec<BootFile>,
    memory: u64,
    symbols: OnceLock<Vec<Symbols>>,
}

impl Names {
    /// Names by the symbols of `files`, for a machine with `memory` bytes.
    pub(super) fn new(files: Vec<BootFile>, memory: u64) -> Self {
        Self { files, memory, symbols: OnceLock::new() }
    }

    /// Name of the code at `pc`. The first call reads the files.
    pub(super) fn of(&self, pc: u64) -> Option<String> {
        let read = || self.files.iter().filter_map(|file| file.symbols(self.memory)).collect();
        self.symbols.get_or_init(read).iter().find_map(|symbols| symbols.name_of(pc))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The demo guest, which has symbols.
    const GUEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/guest/demo.elf");
    const MEMORY: u64 = 64 << 20;
    /// Where it is loaded.
    const START: u64 = 0x8020_0000;

    #[test]
    fn code_has_the_names_of_its_boot_file() {
        let files = [BootFile::at(Path::new(GUEST)).expect("a file")];
        let names = Names::new(files.to_vec(), MEMORY);
        assert_eq!(names.of(START).as_deref(), Some("_start"));
        assert_eq!(names.of(0x10), None);
        let bytes = fs::read(GUEST).expect("a file");
        let built_in = Names::new(vec![BootFile::built_in(ImageSource::bytes("guest", bytes))], MEMORY);
        assert_eq!(built_in.of(START).as_deref(), Some("_start"));
    }

    #[test]
    fn a_file_that_has_changed_names_nothing() {
        let path = std::env::temp_dir().join(format!("riscope-names-{}", std::process::id()));
        fs::copy(GUEST, &path).expect("a copy");
        let file = BootFile::at(&path).expect("a file");
        fs::write(&path, fs::read(GUEST).expect("a file").repeat(2)).expect("it can be written");
        let changed = Names::new(vec![file.clone()], MEMORY).of(START);
        fs::remove_file(&path).expect("it is there");
        assert_eq!((changed, Names::new(vec![file], MEMORY).of(START)), (None, None));
    }

    #[test]
    fn what_is_no_file_is_not_read_again() {
        assert!(BootFile::at(Path::new("/dev/null")).is_none());
        assert!(BootFile::at(Path::new("/nowhere")).is_none());
    }
}
