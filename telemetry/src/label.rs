//! Label sets defined by telemetry.

use riscope_core::labels;

labels! {
    /// Values of `error_type` for undelivered spans. As in OpenTelemetry's semantic
    /// conventions for `error.type`, an HTTP status stands for itself; those that receivers
    /// and proxies use are listed.
    pub(crate) enum ErrorType {
        /// No response in time.
        Timeout "timeout",
        /// The receiver's name cannot be resolved.
        NameResolution "name_resolution",
        /// No listener on the port.
        ConnectionRefused "connection_refused",
        /// The host is unreachable, or the connection broke.
        ConnectionFailed "connection_failed",
        /// The endpoint is not an OTLP/HTTP receiver.
        InvalidResponse "invalid_response",
        /// The receiver accepted the request and rejected some of its spans
        /// (`partial_success`).
        Rejected "rejected",
        /// Redirects. Only those that keep method and body, and lead to the same server, are followed.
        MovedPermanently "301",
        /// See above.
        Found "302",
        /// See above.
        SeeOther "303",
        /// See above.
        TemporaryRedirect "307",
        /// See above.
        PermanentRedirect "308",
        /// The request is wrong, or TLS is expected.
        BadRequest "400",
        /// Credentials are missing or wrong.
        Unauthorized "401",
        /// Credentials do not suffice.
        Forbidden "403",
        /// No receiver at this path.
        NotFound "404",
        /// The path belongs to another service.
        MethodNotAllowed "405",
        /// The batch is too large.
        ContentTooLarge "413",
        /// Protobuf or the compression is not supported.
        UnsupportedMediaType "415",
        /// Too many requests.
        TooManyRequests "429",
        /// The receiver failed.
        InternalServerError "500",
        /// The server behind a proxy failed.
        BadGateway "502",
        /// The receiver is overloaded or not ready.
        ServiceUnavailable "503",
        /// The server behind a proxy did not respond.
        GatewayTimeout "504",
        /// Any other reason.
        Other "_OTHER",
    }
}

labels! {
    /// Result of a compilation.
    pub(crate) enum CompileResult {
        /// Code was generated.
        Ok "ok",
        /// No code; expected occasionally.
        Bailout "bailout",
        /// No code, because of a compiler error.
        Error "error",
    }
}

labels! {
    /// Why a compilation request was rejected.
    pub(crate) enum Rejection {
        /// The queue was full.
        Full "full",
    }
}

/// Segment of a code cache without code.
pub(crate) const FREE: &str = "free";

labels! {
    /// Why a span was not queued for export.
    pub(crate) enum QueueLoss {
        /// The queue was full.
        Full "queue_full",
    }
}

labels! {
    /// Why a subscriber did not handle an event.
    pub(crate) enum Loss {
        /// Its queue was full.
        Full "full",
        /// The subscription ended with the event in its queue.
        Closed "closed",
        /// Its handler panicked.
        Panicked "panicked",
    }
}

labels! {
    /// Kinds of spans that can be suppressed.
    pub(crate) enum Suppressible {
        /// A compilation.
        Compile "jit.compile",
        /// A hotspot.
        Hotspot "jit.hotspot",
    }
}

labels! {
    /// Why a span is suppressed.
    pub(crate) enum Suppression {
        /// Its duration is below the threshold.
        Threshold "threshold",
        /// The rate limit is reached.
        RateLimit "rate_limit",
        /// The limit of the trace is reached.
        TraceLimit "trace_limit",
        /// Its machine is unknown.
        UnknownVm "unknown_vm",
    }
}

labels! {
    /// How a machine is.
    pub(crate) enum Condition {
        /// Not started yet.
        Created "created",
        /// On its way to user mode.
        Booting "booting",
        /// The guest executes, or waits for work.
        Up "up",
        /// Paused by the host.
        Paused "paused",
        /// A hart executes with interrupts masked and takes none.
        Hung "hung",
        /// The guest's kernel has panicked.
        Panicked "panicked",
        /// The guest resets itself again and again: three times within five minutes.
        Looping "looping",
        /// Ended, or about to.
        Ended "ended",
    }
}

labels! {
    /// Direction of a console, as seen by the guest.
    pub(crate) enum Direction {
        /// To the guest.
        Input "input",
        /// From the guest.
        Output "output",
    }
}

labels! {
    /// What a thread of this process does.
    pub(crate) enum ThreadGroup {
        /// Executes a hart: guest code, its translation by templates, devices.
        Hart "hart",
        /// Compiles.
        Compiler "compiler",
        /// Carries bytes of consoles.
        Io "io",
        /// Watches the machine, and serves and sends what is known of it.
        Telemetry "telemetry",
        /// Anything else.
        Service "service",
    }
}

labels! {
    /// What becomes of an alert, after it was pending.
    pub(crate) enum AlertChange {
        /// It fires.
        Firing "firing",
        /// It does no longer.
        Resolved "resolved",
    }
}

labels! {
    /// States of alerts, as in the series `ALERTS` of Prometheus.
    pub(crate) enum AlertState {
        /// The condition of its rule holds, but not for long enough.
        Pending "pending",
        /// It fires.
        Firing "firing",
    }
}

labels! {
    /// Collectors, which are read at each scrape.
    pub(crate) enum CollectorName {
        /// The machines.
        Machines "machines",
        /// The event bus.
        Bus "bus",
        /// This process.
        Process "process",
        /// The host.
        Host "host",
        /// Alerts evaluated in process.
        Alerts "alerts",
    }
}

labels! {
    /// Counters of the host.
    pub(crate) enum HostCounter {
        /// Events of the CPU, such as cycles (`perf_event_open`).
        Pmu "pmu",
        /// Energy (RAPL, by way of the kernel's powercap).
        Rapl "rapl",
    }
}

labels! {
    /// Parts of the host whose energy is measured.
    pub(crate) enum EnergyDomain {
        /// Whole processors.
        Package "package",
        /// Their cores.
        Core "core",
        /// What of a processor is no core, such as its graphics.
        Uncore "uncore",
        /// Memory.
        Dram "dram",
        /// The whole platform.
        Psys "psys",
    }
}
