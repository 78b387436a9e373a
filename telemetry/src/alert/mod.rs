//! Alerts in process: the rules that Prometheus evaluates, evaluated over the registry's own
//! samples.
//!
//! ```text
//!  deploy/prometheus/rules ─ rules.rs ─► Rules ──┐
//!                                                ▼                    ┌─► bus, stderr
//!  registry ─ sampler.rs ─► store.rs ─► evaluator.rs ─► monitor.rs ───┼─► board.rs: /metrics, /api/v1/alerts
//!                           (rings)     promql/, state.rs             └─► notify.rs: Alertmanager
//! ```
//!
//! - The rule files are the only table of rules: Prometheus loads them, and riscope includes
//!   them. A rule that cannot be evaluated in process is an error, which a test excludes for
//!   those that riscope ships.
//! - Results are those of Prometheus, evaluation by evaluation: `telemetry/tests/alerts`.
//! - Memory is bounded: see [`MAX_SERIES`], [`MAX_SAMPLES`] and [`MAX_ALERTS`].
//! - Alertmanager may be absent or hang: its thread is the only one that waits for it.

mod board;
mod evaluator;
mod format;
mod labels;
mod monitor;
mod notify;
pub mod promql;
mod rules;
mod sampler;
mod silence;
mod state;
mod store;
mod template;

pub(crate) use board::Board;
pub use evaluator::{Evaluator, Observation, Outcome};
pub use labels::Labels;
pub use monitor::{ALERT_THREAD, AlertConfig};
pub(crate) use monitor::{Monitor, Surroundings};
pub use rules::{DEFAULT_INTERVAL, PROMETHEUS_ONLY, RuleError, Rules};
pub use silence::Silence;
pub use state::{Alert, MAX_ALERTS, RESOLVED_MS, State, Transition};
pub use store::{LOOKBACK_MS, MAX_SAMPLES, MAX_SERIES, Point, Store, is_stale, stale_marker};
