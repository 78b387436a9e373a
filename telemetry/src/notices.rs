//! Messages to users while telemetry runs.

use std::fmt;
use std::sync::Arc;

/// Callback that takes a line.
type Tell = dyn Fn(&str) + Send + Sync;

/// Callback for messages to users while telemetry runs, one line each, for example about
/// undeliverable spans.
#[derive(Clone, Default)]
pub struct Notices(Option<Arc<Tell>>);

impl Notices {
    /// Calls `tell` with each line, on any thread of telemetry.
    pub fn new(tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(tell)))
    }

    pub(crate) fn tell(&self, line: &str) {
        if let Some(tell) = &self.0 {
            tell(line);
        }
    }
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Notices").field(&self.0.is_some()).finish()
    }
}
