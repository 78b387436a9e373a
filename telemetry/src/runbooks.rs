//! Runbooks of the shipped alerts. Alerts link to them, so that the server of `/metrics`
//! serves them as well.

/// Lists the files of `deploy/runbooks`.
macro_rules! runbooks {
    ($($name:ident)*) => {
        const RUNBOOKS: &[(&str, &str)] = &[
            $((stringify!($name), include_str!(concat!("../../deploy/runbooks/", stringify!($name), ".md"))),)*
        ];
    };
}

runbooks! {
    RiscopeDeviceErrors
    RiscopeDiskHangs
    RiscopeDiskLatencyHigh
    RiscopeDown
    RiscopeEventBusBacklog
    RiscopeEventBusDropping
    RiscopeEventBusSubscriberPanicked
    RiscopeFileDescriptorsNearLimit
    RiscopeGuestPanicked
    RiscopeGuestResetLoop
    RiscopeHartStalled
    RiscopeHotspotRateAnomalous
    RiscopeHotspotRateHigh
    RiscopeHotspotsNotPromoted
    RiscopeInterpreterShareHigh
    RiscopeJitCodeCacheThrashing
    RiscopeJitCompilationErrors
    RiscopeJitCompileLatencyHigh
    RiscopeJitCompileQueueRejecting
    RiscopeJitInvalidationStorm
    RiscopeRestarting
    RiscopeSpanExportFailing
    RiscopeVcpuStarved
}

/// Runbook of an alert, in Markdown; `name` may end in `.md`, as links between runbooks do.
pub fn runbook(name: &str) -> Option<&'static str> {
    let name = name.strip_suffix(".md").unwrap_or(name);
    RUNBOOKS.iter().find(|(found, _)| *found == name).map(|(_, text)| *text)
}

/// Names of all alerts with a runbook, in alphabetical order.
pub fn runbook_names() -> impl Iterator<Item = &'static str> {
    RUNBOOKS.iter().map(|(name, _)| *name)
}
