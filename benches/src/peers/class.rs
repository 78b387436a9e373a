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
            Self::Real => Target { task: Some(("gcc", 2.0)), ..target(Some(2.2), Some(1.1), Some(3.0)) },
            Self::Pinned => target(Some(1.8), Some(1.0), Some(3.0)),
            Self::TwoHarts => target(Some(1.5), None, Some(3.0)),
            Self::Jobs => target(None, None, None),
            Self::Integer => target(Some(1.7), Some(0.9), Some(2.5)),
            Self::Kernel => target(Some(2.2), Some(1.1), Some(3.0)),
            Self::Boot => target(Some(2.0), None, Some(2.5)),
            Self::Float => target(Some(3.8), None, None),
            Self::Memory => target(Some(5.5), None, None),
            Self::Calls => target(Some(2.0), None, None),
            Self::Worst => target(None, Some(0.9), None),
        }
    }

    /// How many times as fast two harts shall do independent jobs as one.
    pub const SCALING: f64 = 1.8;

    /// Harts of its machines, unless the options say otherwise.
    pub fn harts(self) -> u32 {
        if matches!(self, Self::TwoHarts | Self::Jobs) { 2 } else { 1 }
    }
}
