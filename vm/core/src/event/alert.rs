//! Alert events: what the alert rules that are evaluated in process say.

use std::sync::Arc;

use super::family::events;

events! {
    /// Alerts that began or ceased to fire. The envelope names the machine of those about a
    /// machine, and none (the nil UUID) for those about the process. Each one matters, so
    /// they are not coalesced.
    pub enum AlertEvent, types AlertEventType {
        /// An alert fires: its condition has held for as long as its rule demands.
        Firing "alert.firing" {
            /// Name of its rule, such as `RiscopeGuestPanicked`.
            name: Arc<str>,
            /// `critical`, `warning` or `info`.
            severity: Arc<str>,
            /// What the rule's annotations say of it, in one line.
            description: Arc<str>,
        }
        /// An alert that has fired no longer does.
        Resolved "alert.resolved" {
            /// Name of its rule.
            name: Arc<str>,
            /// `critical`, `warning` or `info`.
            severity: Arc<str>,
            /// What the rule's annotations said of it when its condition last held.
            description: Arc<str>,
        }
    }
}
