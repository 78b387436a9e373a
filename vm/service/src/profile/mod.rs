//! Profiles of the guest: `--profile`, and captures for the HTTP endpoint.
//!
//! | file | holds |
//! |---|---|
//! | `mod.rs` | captures of the machine of this process |
//! | `command.rs` | `riscope profile` |

mod command;

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use riscope_core::hart::ProfileSample;
use riscope_core::mem::GuestRam;
use riscope_machine::profile::{Capture, CaptureError, CaptureSpec, Profiler, SampleSink};
use riscope_machine::{ImageSource, Machine};
use riscope_telemetry::profile::{Collector, Format, Profile, SymbolFile};

use crate::cli::AboutArguments;
use crate::error::CommandError;
use crate::outputs::{replace, try_to_replace};
pub(crate) use command::execute;

/// Profiler of the machine of this process, with the symbols for it; clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Profiles(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    profiler: Profiler,
    /// Files of `--symbols`.
    files: Vec<SymbolFile>,
    /// Boot files, which may have symbols, and the memory of their machine in bytes.
    programs: Vec<ImageSource>,
    memory: u64,
    symbols: OnceLock<Arc<[SymbolFile]>>,
}

impl Profiles {
    /// Reads the files of `--symbols`; those of `programs` when they are needed.
    ///
    /// # Errors
    /// [`CommandError::Symbols`] if one has no symbols.
    pub(crate) fn new(about: &AboutArguments, programs: Vec<ImageSource>, memory: u64) -> Result<Self, CommandError> {
        let files = about.symbols.iter().map(|path| SymbolFile::read(path)).collect::<Result<_, _>>()?;
        Ok(Self(Arc::new(Inner { files, programs, memory, ..Inner::default() })))
    }

    /// Samples this machine from now on.
    pub(crate) fn watch(&self, machine: &Machine) {
        self.0.profiler.watch(machine);
    }

    /// Starts a capture, whose profile is given to `done` on a thread of its own.
    ///
    /// # Errors
    /// [`CaptureError`] if there is one already, or the host has no thread.
    pub(crate) fn capture(
        &self,
        spec: CaptureSpec,
        done: impl FnOnce(Profile) + Send + 'static,
    ) -> Result<Capture, CaptureError> {
        let period = Duration::from_secs(1) / spec.rate.get();
        let sink = Sink { profiles: self.clone(), period, collector: None, done };
        self.0.profiler.start(spec, Box::new(sink))
    }

    fn symbols(&self) -> Arc<[SymbolFile]> {
        let Inner { files, programs, memory, symbols, .. } = &*self.0;
        let of = |program: &ImageSource| SymbolFile::of_elf(program.name(), &program.read_unpacked(*memory).ok()?);
        let all = || files.iter().cloned().chain(programs.iter().filter_map(of)).collect();
        Arc::clone(symbols.get_or_init(all))
    }
}

/// Makes a profile of samples.
struct Sink<F> {
    profiles: Profiles,
    period: Duration,
    /// Present from the first sample on, as it takes time to read symbols.
    collector: Option<Collector>,
    done: F,
}

impl<F> Sink<F> {
    fn collector(&mut self) -> &mut Collector {
        let make = || Collector::new(self.period, self.profiles.symbols());
        self.collector.get_or_insert_with(make)
    }
}

impl<F: FnOnce(Profile) + Send> SampleSink for Sink<F> {
    fn take(&mut self, sample: &ProfileSample, ram: &GuestRam) {
        self.collector().add(sample, ram);
    }

    fn finish(mut self: Box<Self>, duration: Duration, lost: u64) {
        self.collector();
        let Self { collector, done, .. } = *self;
        if let Some(collector) = collector {
            done(collector.finish(duration, lost));
        }
    }
}

/// File of `--profile`.
#[derive(Debug)]
pub(crate) struct ProfileFile {
    path: PathBuf,
    format: Format,
    rate: NonZeroU32,
}

/// Capture for a file.
#[derive(Debug)]
pub(crate) struct FileCapture<'a> {
    file: &'a ProfileFile,
    capture: Capture,
    profile: Arc<Mutex<Option<Profile>>>,
}

impl ProfileFile {
    /// The file, if there is one, after a check that it can be written.
    ///
    /// # Errors
    /// [`CommandError::ProfileFormat`] if its name says no format, [`CommandError::ProfileFile`] if it
    /// cannot be written.
    pub(crate) fn new(about: &AboutArguments) -> Result<Option<Self>, CommandError> {
        let Some(path) = about.profile.clone() else { return Ok(None) };
        let format = Format::of_path(&path).map_err(CommandError::ProfileFormat)?;
        try_to_replace(&path).map_err(cannot_write(&path))?;
        Ok(Some(Self { path, format, rate: about.profile_rate }))
    }

    /// Starts the capture.
    ///
    /// # Errors
    /// [`CommandError::Capture`].
    pub(crate) fn capture(&self, profiles: &Profiles) -> Result<FileCapture<'_>, CommandError> {
        let profile = Arc::<Mutex<Option<Profile>>>::default();
        let filled = Arc::clone(&profile);
        let spec = CaptureSpec { rate: self.rate, limit: None };
        let done = move |made| *filled.lock().unwrap_or_else(PoisonError::into_inner) = Some(made);
        let capture = profiles.capture(spec, done).map_err(CommandError::Capture)?;
        Ok(FileCapture { file: self, capture, profile })
    }
}

impl FileCapture<'_> {
    /// Ends the capture and writes the file.
    ///
    /// # Errors
    /// [`CommandError::ProfileFile`], or [`CommandError::Bug`] after a panic of the profiler.
    pub(crate) fn finish(self) -> Result<(), CommandError> {
        let Self { file, capture, profile } = self;
        capture.finish();
        let profile = profile.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or(CommandError::Bug)?;
        let encoded = file.format.encode(&profile).map_err(CommandError::ProfileFormat)?;
        replace(&file.path, encoded).map_err(cannot_write(&file.path))
    }
}

fn cannot_write(path: &Path) -> impl FnOnce(std::io::Error) -> CommandError {
    let path = path.to_owned();
    move |source| CommandError::ProfileFile { path, source }
}
