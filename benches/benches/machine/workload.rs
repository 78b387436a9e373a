//! Workloads: phases of the demo guest, and the boot of Debian's kernel.

use std::path::{Path, PathBuf};
use std::time::Duration;

use riscope_benches::console::stamp;

/// A guest with a fixed amount of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workload {
    /// Steps of a phase of the demo's guest.
    Phase { name: &'static str, steps: u32 },
    /// From the kernel's entry to its first user process.
    Boot,
}

impl Workload {
    /// The steps take QEMU about a second.
    pub(crate) const ALL: [Self; 4] = [
        Self::Phase { name: "integer", steps: 500 },
        Self::Phase { name: "float", steps: 40 },
        Self::Phase { name: "memory", steps: 30 },
        Self::Boot,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Phase { name, .. } => name,
            Self::Boot => "boot",
        }
    }

    pub(crate) fn kernel(self) -> PathBuf {
        match self {
            Self::Phase { .. } => in_tree("../vm/service/guest/demo.elf"),
            Self::Boot => in_tree("../.cache/guest/Image"),
        }
    }

    pub(crate) fn initrd(self) -> Option<PathBuf> {
        (self == Self::Boot).then(|| in_tree("../.cache/guest/initrd.gz"))
    }

    pub(crate) fn command_line(self) -> String {
        match self {
            Self::Phase { name, steps } => format!("demo.phases={name} demo.steps={steps} demo.cycles=1"),
            Self::Boot => "console=ttyS0 riscope.exec=true".to_owned(),
        }
    }

    /// Duration by the guest's clock, from its console output.
    pub(crate) fn time(self, console: &str) -> Option<Duration> {
        match self {
            Self::Phase { name, .. } => {
                let start = stamp(console, &format!("round 1, {name}"))?;
                Some(stamp(console, &format!("{name} ok: "))?.saturating_sub(start))
            }
            Self::Boot => stamp(console, "Run /init as init process"),
        }
    }
}

/// Path of a file of this repository.
///
/// # Panics
/// If it does not exist.
fn in_tree(path: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    assert!(path.exists(), "{} is missing: `make test-guest` makes it", path.display());
    path
}
