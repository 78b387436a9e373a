//! What the guests get on their second disk: scripts, inputs, compiled loops and the lists of
//! tasks, as a tar archive.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::SOURCES;
use super::catalog::Work;
use super::error::PeersError;
use super::generate;
use super::plan::Session;

/// Functions of gcc's file.
const C_FUNCTIONS: u32 = 12;
/// Classes of g++'s file.
const CC_CLASSES: u32 = 3;
/// Modules of make's project.
const PROJECT_FILES: u32 = 24;
/// Modules of cargo's crate.
const CRATE_MODULES: u32 = 1;
/// Bytes of text.
const TEXT: usize = 2_000_000;
/// Packages, and files in each.
const PACKAGES: [&str; 6] = ["peers-a", "peers-b", "peers-c", "peers-d", "peers-e", "peers-f"];
const PACKAGE_FILES: u32 = 150;

/// Writes the archive `payload.tar` for `sessions` to `folder` and returns its path. `loops`
/// is the folder of the compiled loops, if they are needed.
pub(super) fn write(folder: &Path, sessions: &[Session], loops: Option<&Path>) -> Result<PathBuf, PeersError> {
    let root = folder.join("payload/peers");
    let lists: Vec<(String, String)> = sessions.iter().map(|session| (session.name.clone(), list(session))).collect();
    write_all(&root.join("lists"), &lists)?;
    for source in ["guest", "tasks", "inputs"] {
        copy(&Path::new(SOURCES).join(source), &root.join(source))?;
    }
    if let Some(loops) = loops {
        copy(loops, &root.join("loops"))?;
    }
    if sessions.iter().flat_map(|session| &session.steps).any(|step| matches!(step.task.work, Work::Script { .. })) {
        write_inputs(&root.join("inputs"), folder)?;
    }
    archive(&folder.join("payload"), &folder.join("payload.tar"))
}

/// Writes the archive with the sources of the loops, for the guest that compiles them.
pub(super) fn write_sources(folder: &Path, flags: &[&str]) -> Result<PathBuf, PeersError> {
    let root = folder.join("sources/peers");
    let list = ("compile-loops".to_owned(), format!("compile-loops no compile-loops {}\n", flags.join(" ")));
    write_all(&root.join("lists"), &[list])?;
    for source in ["guest", "tasks", "loops"] {
        copy(&Path::new(SOURCES).join(source), &root.join(source))?;
    }
    archive(&folder.join("sources"), &folder.join("sources.tar"))
}

/// The lines for `guest/run`.
fn list(session: &Session) -> String {
    let line = |step: &super::plan::Step| {
        let (name, again) = (step.task.name, if step.again { "yes" } else { "no" });
        match step.task.work {
            Work::Boot => String::new(),
            Work::Script { .. } => format!("{name} {again} {name}\n"),
            Work::Loop { rounds } => format!("{name} no loop {name} {rounds}\n"),
        }
    };
    session.steps.iter().map(line).collect()
}

/// Writes what the tasks work on.
fn write_inputs(inputs: &Path, scratch: &Path) -> Result<(), PeersError> {
    let single = [
        ("text".to_owned(), generate::text(TEXT)),
        ("large.c".to_owned(), generate::large_c(C_FUNCTIONS)),
        ("large.cc".to_owned(), generate::large_cc(CC_CLASSES)),
    ];
    write_all(inputs, &single)?;
    write_all(&inputs.join("project"), &generate::project(PROJECT_FILES))?;
    write_all(&inputs.join("crate"), &generate::crate_files(CRATE_MODULES))?;
    let packages = inputs.join("packages");
    fs::create_dir_all(&packages).map_err(PeersError::at(&packages))?;
    for name in PACKAGES {
        let tree = scratch.join(name);
        write_all(&tree, &generate::package(name, PACKAGE_FILES))?;
        run(Command::new("chmod").arg("755").arg(tree.join("DEBIAN/postinst")))?;
        let target = packages.join(format!("{name}.deb"));
        run(Command::new("dpkg-deb").args(["--root-owner-group", "-Zxz", "--build"]).arg(tree).arg(target))?;
    }
    Ok(())
}

/// Writes files, with their folders.
fn write_all(folder: &Path, files: &[(String, String)]) -> Result<(), PeersError> {
    for (name, content) in files {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(PeersError::at(parent))?;
        fs::write(&path, content).map_err(PeersError::at(&path))?;
    }
    Ok(())
}

/// Copies a folder.
fn copy(from: &Path, to: &Path) -> Result<(), PeersError> {
    let parent = to.parent().unwrap_or(to);
    fs::create_dir_all(parent).map_err(PeersError::at(parent))?;
    run(Command::new("cp").arg("-rT").arg(from).arg(to))
}

/// Packs `folder` so that equal contents give equal archives.
fn archive(folder: &Path, tar: &Path) -> Result<PathBuf, PeersError> {
    let same = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
    run(Command::new("tar").args(same).arg("-cf").arg(tar).arg("-C").arg(folder).arg("."))?;
    Ok(tar.to_owned())
}

/// Unpacks the archive that a guest has written to a disk.
pub(super) fn unpack(tar: &Path, folder: &Path) -> Result<(), PeersError> {
    fs::create_dir_all(folder).map_err(PeersError::at(folder))?;
    run(Command::new("tar").arg("-xf").arg(tar).arg("-C").arg(folder))
}

/// Copies a disk, with its holes, and waits until the copy is written, so that this does not
/// fall into a measurement.
pub(super) fn copy_disk(from: &Path, to: &Path) -> Result<(), PeersError> {
    run(Command::new("cp").args(["--reflink=auto", "--sparse=always"]).arg(from).arg(to))?;
    let copy = fs::File::open(to).map_err(PeersError::at(to))?;
    copy.sync_all().map_err(PeersError::at(to))
}

/// Runs a program of the host to its end.
pub(super) fn run(command: &mut Command) -> Result<(), PeersError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |message| PeersError::Program { program: program.clone(), message };
    let output = command.output().map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::peers::options::Options;
    use crate::peers::plan::sessions;

    #[test]
    fn a_list_has_a_line_for_each_task() {
        let lists = |only: &str| -> Vec<String> {
            sessions(&Options::parse_from(["bench-peers", "--only", only])).iter().map(list).collect()
        };
        assert_eq!(lists("^real/(gcc|cargo)"), ["gcc yes gcc\ncargo no cargo\n"]);
        assert_eq!(lists("integer/aes"), ["aes no loop aes 200\n"]);
        assert_eq!(lists("boot"), [""]);
    }
}
