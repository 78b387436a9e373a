//! Parts of a catalogue row.

use riscope_core::counters::{DISK_DURATION_BOUNDS_NS, HartCounter};

/// Type of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Monotonic, from 0 at the start of the process or machine.
    Counter,
    /// Arbitrary value.
    Gauge,
    /// Observations counted by bucket.
    Histogram,
}

impl Kind {
    /// Name in the exposition formats.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// Unit of a family's values. Prometheus recommends base units, as a suffix of the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Dimensionless.
    None,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// Joules.
    Joules,
}

impl Unit {
    /// Suffix of the metric's name, before `_total`; empty for [`Unit::None`].
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Seconds => "seconds",
            Self::Bytes => "bytes",
            Self::Joules => "joules",
        }
    }
}

/// Metric family: everything except its values.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// Name in Prometheus.
    pub name: &'static str,
    /// Type.
    pub kind: Kind,
    /// Unit.
    pub unit: Unit,
    /// Help text: one sentence for users.
    pub help: &'static str,
    /// Label names, in the order in which the code gives their values.
    pub labels: &'static [&'static str],
    /// Row of the harts' counter pages that it exports, which defines its last label.
    pub row: Option<HartCounter>,
    /// Values of labels with a closed set; empty values are included.
    pub values: &'static [(&'static str, &'static [&'static str])],
    /// Upper bounds of the buckets of a histogram, without `+Inf`.
    pub buckets: &'static [f64],
    /// Name of the OpenTelemetry equivalent, if there is one.
    pub otel_name: Option<&'static str>,
    /// Whether it is absent where the host does not count what it tells.
    pub needs_host: bool,
}

impl Family {
    pub(super) const fn new(name: &'static str, kind: Kind, help: &'static str) -> Self {
        Self {
            name,
            kind,
            unit: Unit::None,
            help,
            labels: &[],
            row: None,
            values: &[],
            buckets: &[],
            otel_name: None,
            needs_host: false,
        }
    }

    pub(super) const fn counter(name: &'static str, help: &'static str) -> Self {
        Self::new(name, Kind::Counter, help)
    }

    pub(super) const fn gauge(name: &'static str, help: &'static str) -> Self {
        Self::new(name, Kind::Gauge, help)
    }

    pub(super) const fn histogram(name: &'static str, buckets: &'static [f64], help: &'static str) -> Self {
        Self { buckets, ..Self::new(name, Kind::Histogram, help) }
    }

    pub(super) const fn unit(self, unit: Unit) -> Self {
        Self { unit, ..self }
    }

    pub(super) const fn labels(self, labels: &'static [&'static str]) -> Self {
        Self { labels, ..self }
    }

    pub(super) const fn values(self, values: &'static [(&'static str, &'static [&'static str])]) -> Self {
        Self { values, ..self }
    }

    /// Exports a row of the counter pages.
    pub(super) const fn row(self, row: HartCounter) -> Self {
        Self { row: Some(row), ..self }
    }

    /// Labels with a closed set of values, and these values.
    pub fn closed_sets(&self) -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
        let of_row = self.row.filter(|row| !row.label().is_empty()).map(|row| (row.label(), row.names()));
        self.values.iter().copied().chain(of_row)
    }

    pub(super) const fn otel(self, otel_name: &'static str) -> Self {
        Self { otel_name: Some(otel_name), ..self }
    }

    /// Says that it is absent where the host does not count what it tells.
    pub(super) const fn of_counting_hosts(self) -> Self {
        Self { needs_host: true, ..self }
    }
}

/// Latencies of the compiler, in seconds: 10 µs to 1 s.
pub const LATENCY_BUCKETS: &[f64] =
    &[1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0];
/// Durations of operations on a machine, in seconds: 1 ms to 60 s.
pub const OPERATION_BUCKETS: &[f64] =
    &[1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
/// Durations of requests to disks, in seconds: those that disks tell apart.
pub const DISK_BUCKETS: [f64; DISK_DURATION_BOUNDS_NS.len()] = {
    let mut bounds = [0.0; DISK_DURATION_BOUNDS_NS.len()];
    let mut n = 0;
    while n < bounds.len() {
        bounds[n] = in_seconds(DISK_DURATION_BOUNDS_NS[n]);
        n += 1;
    }
    bounds
};

#[expect(clippy::cast_precision_loss, reason = "bounds are far below 2^53")]
const fn in_seconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e9
}

/// Guest bytes of a block: powers of two from 4 to 4096.
pub const GUEST_BYTES_BUCKETS: &[f64] = &[4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0];
/// Instructions of a block: powers of two from 1 to 1024.
pub const INSTRUCTIONS_BUCKETS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];
/// Host bytes of a block: powers of two from 64 to 65536.
pub const HOST_BYTES_BUCKETS: &[f64] =
    &[64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0, 16384.0, 32768.0, 65536.0];
/// Executions of a block that became hot. The default threshold of 16 has a bucket of its
/// own, because most blocks are detected there, and quantiles would otherwise be far too low.
/// Above it there are two to four buckets per power of two up to 1024, the sample of a
/// promotion, and fewer up to the maximum threshold of 16384.
pub const EXECUTIONS_BUCKETS: &[f64] = &[
    15.0, 16.0, 18.0, 20.0, 24.0, 32.0, 48.0, 64.0, 96.0, 128.0, 192.0, 256.0, 384.0, 512.0, 768.0, 1024.0, 2048.0,
    4096.0, 16384.0,
];
