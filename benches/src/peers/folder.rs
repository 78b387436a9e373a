//! The folder for temporary files of a comparison, which is removed at its end.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::PeersError;

/// A folder `run-PID` that is removed when it is dropped.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes the folder in `parent`, and removes those of comparisons that were killed.
    pub(super) fn new(parent: &Path) -> Result<Self, PeersError> {
        fs::create_dir_all(parent).map_err(PeersError::at(parent))?;
        for entry in fs::read_dir(parent).map_err(PeersError::at(parent))?.flatten() {
            if is_left_over(&entry.file_name().to_string_lossy()) {
                // Another comparison may be doing the same.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let path = parent.join(format!("run-{}", std::process::id()));
        fs::create_dir_all(&path).map_err(PeersError::at(&path))?;
        Ok(Self(path))
    }

    /// Its path.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left is removed by the next comparison.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Whether a folder of this name belongs to a process that no longer runs.
fn is_left_over(name: &str) -> bool {
    let process = name.strip_prefix("run-").and_then(|number| number.parse::<u32>().ok());
    process.is_some_and(|process| !Path::new(&format!("/proc/{process}")).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_lives_as_long_as_its_comparison() {
        let parent = std::env::temp_dir().join(format!("bench-peers-folder-{}", std::process::id()));
        // Above the largest identifier that Linux gives to a process.
        let left_over = parent.join("run-4194305");
        fs::create_dir_all(&left_over).expect("a folder");
        let folder = Folder::new(&parent).expect("another folder");
        let path = folder.path().to_owned();
        assert!(path.is_dir() && !left_over.exists());
        drop(folder);
        assert!(!path.exists());
        fs::remove_dir_all(parent).expect("it can be removed");
    }

    #[test]
    fn what_is_not_of_a_process_is_kept() {
        assert!(is_left_over("run-4194305"));
        assert!(!is_left_over(&format!("run-{}", std::process::id())));
        assert!(!is_left_over("loops-1234") && !is_left_over("run-") && !is_left_over("results.json"));
    }
}
