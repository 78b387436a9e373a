//! Machine specification and its validation.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use riscope_core::clock::Clock;
use riscope_core::engine::EngineFactory;
use riscope_core::event::{DomainEventBus, VmId};
use riscope_core::mem::MAX_HARTS;
use riscope_core::mmu::MmuType;

use super::disk::{DiskSpec, is_disk_name};
use crate::console::Console;
use crate::entropy::Entropy;
use crate::image::ImageSource;
use crate::layout::VIRTIO_SLOTS;
use crate::watch::{OnPanic, WatchSpec};

/// Smallest guest memory in bytes: 1 MiB.
pub const MIN_MEMORY: u64 = 1 << 20;
/// Largest guest memory in bytes: 1 TiB.
pub const MAX_MEMORY: u64 = 1 << 40;
/// Granularity of guest memory in bytes: one page.
const MEMORY_UNIT: u64 = 4096;
/// Longest kernel command line in bytes; Linux accepts 1024.
pub const MAX_COMMAND_LINE: usize = 8192;

/// Errors in a specification.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// Neither kernel nor firmware is given.
    #[error("neither a kernel nor firmware is given; give one of them")]
    NothingToRun,
    /// An initrd is given without a kernel.
    #[error("initrd {0} is given without a kernel or firmware that could use it")]
    StrayInitrd(String),
    /// The number of harts is out of range.
    #[error("{0} harts asked for; a machine has 1 to {MAX_HARTS}")]
    Harts(usize),
    /// The memory size is out of range.
    #[error(
        "{0} bytes of memory asked for; a machine has {MIN_MEMORY} to {MAX_MEMORY} bytes in whole pages of {MEMORY_UNIT}"
    )]
    Memory(u64),
    /// The command line is too long or contains NUL.
    #[error("the kernel command line has {0} bytes or contains a NUL; it may have {MAX_COMMAND_LINE} bytes")]
    CommandLine(usize),
    /// Invalid disk name.
    #[error("{0:?} is no name for a disk; use 1 to 20 letters, digits, '-', '_' and '.'")]
    DiskName(Arc<str>),
    /// Two disks have the same name.
    #[error("two disks are called {0}; give each a name of its own")]
    DiskNameTwice(Arc<str>),
    /// There are more devices than slots.
    #[error("{0} virtio devices asked for; the board has {VIRTIO_SLOTS} slots")]
    Slots(usize),
    /// Deterministic time requires a single hart.
    #[error("a deterministic machine has 1 hart, not {0}; the order in which harts interleave is the host's")]
    Deterministic(usize),
}

/// Source of guest time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeSource {
    /// The host's monotonic clock.
    #[default]
    Host,
    /// Retired instructions, for deterministic runs with one hart.
    Instructions,
}

impl TimeSource {
    /// A clock that starts at 0.
    pub fn clock(self) -> Clock {
        match self {
            Self::Host => Clock::host(),
            Self::Instructions => Clock::manual(),
        }
    }
}

/// Specification of a machine. A machine can be rebuilt from it, which is how a guest reset
/// is served.
#[derive(Clone, Debug)]
pub struct MachineSpec {
    /// Identity in events and counters.
    pub vm_id: VmId,
    /// Name shown to users.
    pub name: Arc<str>,
    /// Whether a guest reset boots the machine again; its owner does so by
    /// [`Machine::reset`](crate::Machine::reset). Otherwise a reset ends the machine.
    pub reboot: bool,
    /// Number of harts, 1 to [`MAX_HARTS`].
    pub harts: usize,
    /// RAM size in bytes: a multiple of 4096 from [`MIN_MEMORY`] to [`MAX_MEMORY`].
    pub memory: u64,
    /// Kernel, entered in S-mode by the built-in SBI or by `firmware`.
    pub kernel: Option<ImageSource>,
    /// Firmware or bare-metal program, entered in M-mode.
    pub firmware: Option<ImageSource>,
    /// Whether the first entry into user mode marks the end of booting. Otherwise the
    /// machine counts as running from the start.
    pub user_mode: bool,
    /// Initial RAM disk for the kernel.
    pub initrd: Option<ImageSource>,
    /// Kernel command line: any bytes except NUL, up to [`MAX_COMMAND_LINE`].
    pub append: OsString,
    /// Disks, in slot order.
    pub disks: Vec<DiskSpec>,
    /// Whether to add an entropy device, if a slot is free. The device tree contains a seed
    /// in either case.
    pub rng: bool,
    /// Whether to add a memory balloon, by which memory that the guest frees goes back to the
    /// host. Not by default: drivers of Linux that report free pages while the guest shuts
    /// down print a warning.
    pub balloon: bool,
    /// Console of the serial port, SBI and HTIF.
    pub console: Arc<Console>,
    /// Console of a virtio console device; no such device if `None`.
    pub virtio_console: Option<Arc<Console>>,
    /// Deepest page-table format of the harts. Sv48 by default: kernels use the deepest
    /// one, and some programs do not run under Sv57.
    pub mmu: MmuType,
    /// Source of randomness for the guest.
    pub entropy: Entropy,
    /// Source of guest time.
    pub time: TimeSource,
    /// Wall-clock time at the start of the machine, in nanoseconds since the Unix epoch;
    /// the host's time if `None`.
    pub epoch_nanos: Option<u64>,
    /// Factory of the engines.
    pub engine: Arc<dyn EngineFactory>,
    /// Detection of panics and stalls.
    pub watch: WatchSpec,
    /// Bus for the machine's events.
    pub bus: Option<DomainEventBus>,
}

impl MachineSpec {
    /// A machine with one hart, 128 MiB of RAM and an entropy device, without a program.
    pub fn new(engine: Arc<dyn EngineFactory>, console: Arc<Console>) -> Self {
        Self {
            vm_id: VmId::generate(),
            reboot: false,
            name: "machine".into(),
            harts: 1,
            memory: 128 << 20,
            kernel: None,
            firmware: None,
            user_mode: true,
            initrd: None,
            append: OsString::new(),
            disks: Vec::new(),
            rng: true,
            balloon: false,
            console,
            virtio_console: None,
            mmu: MmuType::default(),
            entropy: Entropy::Host,
            time: TimeSource::default(),
            epoch_nanos: None,
            engine,
            watch: WatchSpec::default(),
            bus: None,
        }
    }

    /// Names of the disks, in order.
    pub(crate) fn disk_names(&self) -> Vec<Arc<str>> {
        self.disks.iter().enumerate().map(|(index, disk)| disk.name(index)).collect()
    }

    fn check_disk_names(&self) -> Result<(), SpecError> {
        let names = self.disk_names();
        for (index, name) in names.iter().enumerate() {
            if !is_disk_name(name) {
                return Err(SpecError::DiskName(Arc::clone(name)));
            }
            if names[..index].contains(name) {
                return Err(SpecError::DiskNameTwice(Arc::clone(name)));
            }
        }
        Ok(())
    }

    /// Number of virtio devices that were requested explicitly.
    fn virtio_devices(&self) -> usize {
        self.disks.len() + usize::from(self.virtio_console.is_some()) + usize::from(self.balloon)
    }

    /// Whether guest panics or stalls are to be detected.
    pub(crate) fn is_watched(&self) -> bool {
        self.bus.is_some() || self.watch.on_panic != OnPanic::Report
    }

    /// Whether there is an entropy device.
    pub(super) fn has_rng(&self) -> bool {
        self.rng && self.virtio_devices() < VIRTIO_SLOTS
    }

    /// Checks everything that does not require opening a file.
    ///
    /// # Errors
    /// The first [`SpecError`].
    pub fn validate(&self) -> Result<(), SpecError> {
        if let (None, None, Some(initrd)) = (&self.kernel, &self.firmware, &self.initrd) {
            return Err(SpecError::StrayInitrd(initrd.name().into()));
        }
        if self.kernel.is_none() && self.firmware.is_none() {
            return Err(SpecError::NothingToRun);
        }
        if self.harts == 0 || self.harts > MAX_HARTS {
            return Err(SpecError::Harts(self.harts));
        }
        if !(MIN_MEMORY..=MAX_MEMORY).contains(&self.memory) || !self.memory.is_multiple_of(MEMORY_UNIT) {
            return Err(SpecError::Memory(self.memory));
        }
        if self.append.len() > MAX_COMMAND_LINE || self.append.as_bytes().contains(&0) {
            return Err(SpecError::CommandLine(self.append.len()));
        }
        if self.virtio_devices() > VIRTIO_SLOTS {
            return Err(SpecError::Slots(self.virtio_devices()));
        }
        self.check_disk_names()?;
        if self.time == TimeSource::Instructions && self.harts > 1 {
            return Err(SpecError::Deterministic(self.harts));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use riscope_core::interp::InterpreterFactory;

    use super::*;
    use crate::console::NullBackend;

    fn spec_with(change: impl FnOnce(&mut MachineSpec)) -> Result<(), SpecError> {
        let mut spec = MachineSpec::new(Arc::new(InterpreterFactory), Console::new(Arc::new(NullBackend)));
        spec.kernel = Some(ImageSource::bytes("kernel", *b""));
        change(&mut spec);
        spec.validate()
    }

    #[test]
    fn limits_are_checked_at_both_ends() {
        assert_eq!(spec_with(|_| {}), Ok(()));
        for (harts, valid) in [(0, false), (1, true), (8, true), (9, false)] {
            let result = spec_with(|spec| spec.harts = harts);
            assert_eq!(result, if valid { Ok(()) } else { Err(SpecError::Harts(harts)) });
        }
        for memory in [0, MIN_MEMORY - 4096, MIN_MEMORY + 1, MAX_MEMORY + 4096, u64::MAX] {
            assert_eq!(spec_with(|spec| spec.memory = memory), Err(SpecError::Memory(memory)));
        }
        assert_eq!(spec_with(|spec| spec.memory = MAX_MEMORY), Ok(()));
    }

    #[test]
    fn there_has_to_be_something_to_run() {
        assert_eq!(spec_with(|spec| spec.kernel = None), Err(SpecError::NothingToRun));
        let stray = spec_with(|spec| spec.initrd = spec.kernel.take());
        assert_eq!(stray, Err(SpecError::StrayInitrd("kernel".into())));
        assert_eq!(spec_with(|spec| spec.firmware = spec.kernel.take()), Ok(()));
    }

    #[test]
    fn command_lines_and_devices_have_to_fit() {
        assert!(spec_with(|spec| spec.append = "x".repeat(MAX_COMMAND_LINE).into()).is_ok());
        assert!(spec_with(|spec| spec.append = "x".repeat(MAX_COMMAND_LINE + 1).into()).is_err());
        assert_eq!(spec_with(|spec| spec.append = "a\0".into()), Err(SpecError::CommandLine(2)));
        let disks = |count| vec![DiskSpec::path("disk", true); count];
        assert_eq!(spec_with(|spec| spec.disks = disks(8)), Ok(()));
        assert_eq!(spec_with(|spec| spec.disks = disks(9)), Err(SpecError::Slots(9)));
    }

    #[test]
    fn every_disk_has_a_name_of_its_own() {
        let named = |names: &[&str]| {
            let disk = |name: &&str| match *name {
                "" => DiskSpec::path("disk", true),
                name => DiskSpec::path("disk", true).named(name),
            };
            spec_with(|spec| spec.disks = names.iter().map(disk).collect())
        };
        assert_eq!(named(&["root", "", "data"]), Ok(()));
        assert_eq!(named(&["a b"]), Err(SpecError::DiskName("a b".into())));
        assert_eq!(named(&["root", "root"]), Err(SpecError::DiskNameTwice("root".into())));
        assert_eq!(named(&["disk1", ""]), Err(SpecError::DiskNameTwice("disk1".into())), "the second is disk1");
        assert_eq!(named(&["", "disk2"]), Ok(()));
    }

    #[test]
    fn determinism_needs_a_single_hart() {
        let both = spec_with(|spec| {
            spec.time = TimeSource::Instructions;
            spec.harts = 2;
        });
        assert_eq!(both, Err(SpecError::Deterministic(2)));
        assert_eq!(spec_with(|spec| spec.time = TimeSource::Instructions), Ok(()));
    }
}
