//! PromQL of alert rules: the subset that rules in process may use.
//!
//! ```text
//!  text ─ promql-parser ─► syntax tree ─ compile.rs ─► Expr ─ eval.rs ─► Value
//!                          (whatever rules may not                ▲
//!                           use is an error here)               Store
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `expr.rs` | expressions, reduced to what is evaluated |
//! | `compile.rs` | syntax tree to expression |
//! | `modifier.rs` | `by`, `without`, `on`, `ignoring`, `group_left` of the syntax tree |
//! | `eval.rs` | evaluation at a moment |
//! | `range.rs` | functions over ranges of samples: `rate` and others |
//! | `aggregate.rs` | `sum`, `avg`, `min`, `max`, `count` |
//! | `binary.rs` | operators between vectors and numbers |
//! | `quantile.rs` | `histogram_quantile` |
//! | `value.rs` | results |
//!
//! Results are those of Prometheus 2 to the last bit where its formulas say what is computed
//! first; `telemetry/tests/alerts` compares them with `promtool`. Names of metrics are not
//! part of results.

mod aggregate;
mod binary;
mod compile;
mod eval;
mod expr;
mod modifier;
mod quantile;
mod range;
mod value;

pub use compile::compile;
pub use eval::evaluate;
pub use expr::Expr;
pub use value::{EvalError, Sample, Value};
