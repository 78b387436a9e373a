//! Classes of tasks, and how fast riscope shall be in each, as a multiple of QEMU's speed.

/// Tasks whose geometric mean is one figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Programs that people run, with a cold page cache.
    Real,
    /// The same, with the peer and all of its threads on one core.
    Pinned,
    /// Those that use several harts, with two.
    TwoHarts,
    /// A job alone and twice at once, with two harts.
    Jobs,
    /// Loops over integers.
    Integer,
    /// Paths through the kernel.
    Kernel,
    /// Boot of the kernel.
    Boot,
    /// Loops over floating-point numbers.
    Float,
    /// Loops over memory.
    Memory,
    /// Calls and returns.
    Calls,
    /// What is hardest for riscope's engine.
    Worst,
}

/// Least speeds relative to QEMU.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// Geometric mean of the class.
    pub mean: Option<f64>,
    /// Every task.
    pub each: Option<f64>,
    /// Geometric mean to aim at.
    pub aim: Option<f64>,
    /// A single task that shall be faster than the others.
    pub task: Option<(&'static str, f64)>,
}

// Geometric means, as multiples of QEMU's speed.
const REAL: f64 = 2.2;
const GCC: f64 = 2.0;
const PINNED: f64 = 1.8;
const TWO_HARTS: f64 = 1.5;
const INTEGER: f64 = 1.7;
const KERNEL: f64 = 2.2;
const BOOT: f64 = 2.0;
const FLOAT: f64 = 3.8;
const MEMORY: f64 = 5.5;
const CALLS: f64 = 2.0;
// The slowest task of a class.
const REAL_EACH: f64 = 1.1;
const PINNED_EACH: f64 = 1.0;
const INTEGER_EACH: f64 = 0.9;
const KERNEL_EACH: f64 = 1.1;
const WORST_EACH: f64 = 0.9;

impl Class {
    /// All classes, in the order of the report.
    pub const ALL: [Self; 11] = [
        Self::Real,
        Self::Pinned,
        Self::TwoHarts,
        Self::Jobs,
        Self::Integer,
        Self::Kernel,
        Self::Boot,
        Self::Float,
        Self::Memory,
        Self::Calls,
        Self::Worst,
    ];

    /// The word before the slash in the name of a case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Pinned => "pinned",
            Self::TwoHarts => "two-harts",
            Self::Jobs => "jobs",
            Self::Integer => "integer",
            Self::Kernel => "kernel",
            Self::Boot => "boot",
            Self::Float => "float",
            Self::Memory => "memory",
            Self::Calls => "calls",
            Self::Worst => "worst",
        }
    }

    /// What the class contains, for headings.
    pub fn title(self) -> &'static str {
        match self {
            Self::Real => "real work",
            Self::Pinned => "real work, pinned to one core",
            Self::TwoHarts => "real work, 2 harts",
            Self::Jobs => "independent jobs, 2 harts",
            Self::Integer => "integer loops",
            Self::Kernel => "kernel paths",
            Self::Boot => "kernel entry to init",
            Self::Float => "floating point",
            Self::Memory => "memory",
            Self::Calls => "calls",
            Self::Worst => "worst cases",
        }
    }

    /// The speed that riscope shall have.
    pub fn target(self) -> Target {
        let target = |mean, each, aim| Target { mean, each, aim, task: None };
        match self {
            Self::Real => Target { task: Some(("gcc", GCC)), ..target(Some(REAL), Some(REAL_EACH), Some(3.0)) },
            Self::Pinned => target(Some(PINNED), Some(PINNED_EACH), Some(3.0)),
            Self::TwoHarts => target(Some(TWO_HARTS), None, Some(3.0)),
            Self::Jobs => target(None, None, None),
            Self::Integer => target(Some(INTEGER), Some(INTEGER_EACH), Some(2.5)),
            Self::Kernel => target(Some(KERNEL), Some(KERNEL_EACH), Some(3.0)),
            Self::Boot => target(Some(BOOT), None, Some(2.5)),
            Self::Float => target(Some(FLOAT), None, None),
            Self::Memory => target(Some(MEMORY), None, None),
            Self::Calls => target(Some(CALLS), None, None),
            Self::Worst => target(None, Some(WORST_EACH), None),
        }
    }

    /// How many times as fast two harts shall do independent jobs as one.
    pub const SCALING: f64 = 1.8;

    /// Harts of its machines, unless the options say otherwise.
    pub fn harts(self) -> u32 {
        if matches!(self, Self::TwoHarts | Self::Jobs) { 2 } else { 1 }
    }
}
