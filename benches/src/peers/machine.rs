//! A machine of a peer: started, waited for, and its console read.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::error::PeersError;
use super::options::{Options, shown};
use super::payload::copy_disk;
use super::plan::Session;
use super::process::{End, run};
use super::protocol::{Measured, parse};
use super::subject::{Machine, Subject};
use crate::console::stamp;

/// Files of the guests.
#[derive(Clone, Debug)]
pub(super) struct Images {
    pub(super) kernel: PathBuf,
    pub(super) initrd: PathBuf,
    pub(super) disk: PathBuf,
}

impl Images {
    /// The images in a folder.
    ///
    /// # Errors
    /// If one is not there.
    pub(super) fn find(folder: &Path) -> Result<Self, PeersError> {
        let file = |name: &str| {
            let path = folder.join(name);
            let remedy = "`make bench-peers` builds it, or `make tools bench-guest` alone";
            if path.is_file() { Ok(path) } else { Err(PeersError::Missing { path: shown(&path), remedy }) }
        };
        Ok(Self { kernel: file("Image")?, initrd: file("initrd.gz")?, disk: file("bench-disk.ext4")? })
    }
}

/// Everything a machine needs besides its tasks.
#[derive(Clone, Debug)]
pub(super) struct Workshop<'a> {
    pub(super) options: &'a Options,
    pub(super) images: &'a Images,
    /// Folder for temporary files.
    pub(super) folder: &'a Path,
}

/// What became of a machine.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    pub(super) measured: Vec<Measured>,
    /// What went wrong with the machine itself.
    pub(super) failure: Option<String>,
}

impl Workshop<'_> {
    /// Boots the kernel without a disk; the measurement is the time from its entry to init.
    pub(super) fn boot(&self, subject: &Subject, session: &Session, log: &Path) -> Result<Outcome, PeersError> {
        let (console, failure) = self.console(subject, session, "console=ttyS0 riscope.exec=true", &[], log)?;
        let seconds = stamp(&console, "Run /init as init process").map(|time| time.as_secs_f64());
        let failure = failure.or_else(|| seconds.is_none().then(|| "it did not start init".to_owned()));
        let measured =
            seconds.map(|seconds| Measured { name: "boot".to_owned(), seconds, status: 0, result: "init".to_owned() });
        Ok(Outcome { measured: measured.into_iter().collect(), failure })
    }

    /// Runs the tasks of a session on a fresh copy of the disk.
    pub(super) fn tasks(
        &self,
        subject: &Subject,
        session: &Session,
        payload: &Path,
        output: Option<&Path>,
        log: &Path,
    ) -> Result<Outcome, PeersError> {
        let disk = self.folder.join("disk.ext4");
        copy_disk(&self.images.disk, &disk)?;
        let append = format!(
            "console=ttyS0 quiet root=/dev/vda ip=off \
             riscope.exec=\"tar -xf /dev/vdb -C / && bash /peers/guest/run /peers/lists/{}\"",
            session.name
        );
        let mut disks = vec![(disk.as_path(), false), (payload, true)];
        disks.extend(output.map(|output| (output, false)));
        let start = Instant::now();
        let (console, failure) = self.console(subject, session, &append, &disks, log)?;
        let elapsed = start.elapsed().as_secs_f64();
        // It may be missing only if something else has removed it.
        let _ = std::fs::remove_file(&disk);
        let report = parse(&console);
        let during = report.last.map_or(String::new(), |name| format!(" during {name}"));
        let failure = failure.map(|failure| failure + &during);
        let wanted = Some((self.options.mmu.name().to_owned(), session.harts));
        let is_other = failure.is_none() && report.machine != wanted;
        let counted: f64 = report.measured.iter().map(|measured| measured.seconds).sum();
        let failure = failure
            .or_else(|| is_other.then(|| format!("the guest has {:?} instead of {wanted:?}", report.machine)))
            .or_else(|| (counted > elapsed).then(|| format!("its clock counts {counted:.1} s in {elapsed:.1} s")))
            .or_else(|| missing(session, &report.measured));
        Ok(Outcome { measured: report.measured, failure })
    }

    /// The console of a machine, and why it did not end as it should.
    fn console(
        &self,
        subject: &Subject,
        session: &Session,
        append: &str,
        disks: &[(&Path, bool)],
        log: &Path,
    ) -> Result<(String, Option<String>), PeersError> {
        let machine = Machine {
            kernel: &self.images.kernel,
            initrd: &self.images.initrd,
            append,
            harts: session.harts,
            mmu: self.options.mmu,
            disks,
            core: session.pinned.then_some(self.options.core),
        };
        let Some(command) = subject.command(&machine) else { return Ok((String::new(), None)) };
        let end = run(command, Duration::from_secs(self.options.limit), log)?;
        let bytes = std::fs::read(log).map_err(PeersError::at(log))?;
        let failure = match end {
            End::Exited(status) if status.success() => None,
            End::Exited(status) => Some(format!("it ended with {status}")),
            End::Expired => Some(format!("it did not end within {} s (--limit)", self.options.limit)),
        };
        Ok((String::from_utf8_lossy(&bytes).into_owned(), failure))
    }
}

/// Names the cases of a session that were not measured, if there are any.
fn missing(session: &Session, measured: &[Measured]) -> Option<String> {
    let cases = session.steps.iter().flat_map(|step| step.cases());
    let missing: Vec<String> = cases.filter(|case| !measured.iter().any(|found| found.name == *case)).collect();
    (!missing.is_empty()).then(|| format!("no measurement of {}", missing.join(", ")))
}
