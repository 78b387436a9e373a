//! Label sets defined by telemetry.

use riscope_core::labels;

labels! {
    /// Values of `error_type` for undelivered spans, log records and metrics. As in OpenTelemetry's semantic
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
        /// The receiver's certificate is not valid, it asks for one of the client, or it has no TLS.
        Tls "tls",
        /// The endpoint is not an OTLP/HTTP receiver.
        InvalidResponse "invalid_response",
        /// The receiver accepted the request and rejected a part of it
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
    /// Why a span or log record was not queued for export.
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
        /// An eviction from the code cache.
        Evict "jit.evict",
        /// A panic of the guest.
        Panic "vm.guest_panic",
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
    /// Kinds of log records, by their `event_name`.
    pub(crate) enum LogKind {
        /// A machine was created.
        Created "riscope.vm.created",
        /// A machine changed its state; an error if it failed.
        StateChanged "riscope.vm.state_changed",
        /// The guest reset itself and boots again.
        Reset "riscope.vm.reset",
        /// The guest's kernel panicked.
        GuestPanicked "riscope.vm.guest_panicked",
        /// A hart executes and takes no interrupt, although one is pending.
        HartStalled "riscope.vm.hart_stalled",
        /// A stalled hart takes interrupts again.
        HartResumed "riscope.vm.hart_resumed",
        /// A machine ended; an error unless by power-off, reset, or on request.
        Exited "riscope.vm.exited",
        /// A machine was deleted.
        Deleted "riscope.vm.deleted",
        /// A block is executed often enough to be compiled by a higher tier.
        Hotspot "riscope.execution.hotspot_detected",
        /// The compiler reported an error; other reasons for which a block has no code are expected, and counted.
        CompilationFailed "riscope.execution.compilation_failed",
        /// The oldest segment of the code cache was evicted.
        CacheEvicted "riscope.execution.code_cache_evicted",
        /// A device failed to serve a request because of the host.
        DeviceFailed "riscope.device.failed",
        /// An alert rule that is evaluated in process fires; an error if it is critical.
        AlertFiring "riscope.alert.firing",
        /// An alert that has fired no longer does.
        AlertResolved "riscope.alert.resolved",
        /// The guest wrote a line to its console that `--log-console` selects; the body is the line.
        ConsoleLine "riscope.vm.console_line",
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
    /// Why a log record is suppressed.
    pub(crate) enum LogSuppression {
        /// The rate limit of its kind and machine is reached.
        RateLimit "rate_limit",
        /// Too many lines of consoles wait to become records.
        QueueFull "queue_full",
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
