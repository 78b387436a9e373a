//! Closed sets of label values that telemetry defines.

use riscope_core::labels;

labels! {
    /// Values of `error_type` for spans that were sent in vain. As OpenTelemetry's semantic conventions for
    /// `error.type` have it, an HTTP status stands for itself; those that receivers and proxies use are listed.
    pub(crate) enum ErrorType {
        /// No answer in time.
        Timeout "timeout",
        /// The receiver's name has no address.
        NameResolution "name_resolution",
        /// Nothing listens there.
        ConnectionRefused "connection_refused",
        /// The host cannot be reached, or the connection broke.
        ConnectionFailed "connection_failed",
        /// What answers is not an OTLP/HTTP receiver.
        InvalidResponse "invalid_response",
        /// The receiver took the request and rejected spans of it (`partial_success`).
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
        /// There is no receiver at this path.
        NotFound "404",
        /// What is at this path is not a receiver.
        MethodNotAllowed "405",
        /// The batch is too large.
        ContentTooLarge "413",
        /// Protobuf or its compression is not understood.
        UnsupportedMediaType "415",
        /// There are too many.
        TooManyRequests "429",
        /// The receiver failed.
        InternalServerError "500",
        /// What is behind a proxy failed.
        BadGateway "502",
        /// The receiver is overloaded or not ready.
        ServiceUnavailable "503",
        /// What is behind a proxy did not answer.
        GatewayTimeout "504",
        /// Anything else.
        Other "_OTHER",
    }
}

labels! {
    /// How a compilation ended.
    pub(crate) enum CompileResult {
        /// With code.
        Ok "ok",
        /// Without, as is to be expected now and then.
        Bailout "bailout",
        /// Without, by a defect of the compiler.
        Error "error",
    }
}

labels! {
    /// Why a compilation was not queued.
    pub(crate) enum Rejection {
        /// The queue was full.
        Full "full",
    }
}

/// The segment of a code cache that holds no code.
pub(crate) const FREE: &str = "free";

labels! {
    /// Why a span did not go from the queue to the exporter.
    pub(crate) enum QueueLoss {
        /// The queue was full.
        Full "queue_full",
    }
}

labels! {
    /// Why a subscriber of the event bus did not handle an event.
    pub(crate) enum Loss {
        /// Its queue was full.
        Full "full",
        /// It left with the event in its queue.
        Closed "closed",
        /// Its handler panicked.
        Panicked "panicked",
    }
}

labels! {
    /// Spans that can be left out.
    pub(crate) enum Suppressible {
        /// A compilation.
        Compile "jit.compile",
        /// A hotspot.
        Hotspot "jit.hotspot",
    }
}

labels! {
    /// Why a span is not made.
    pub(crate) enum Suppression {
        /// What it stands for was too short.
        Threshold "threshold",
        /// There were too many in this second.
        RateLimit "rate_limit",
        /// There were too many in this trace.
        TraceLimit "trace_limit",
        /// Nothing is known of its machine.
        UnknownVm "unknown_vm",
    }
}

labels! {
    /// What is asked for values at each scrape.
    pub(crate) enum CollectorName {
        /// The machines.
        Machines "machines",
        /// The event bus.
        Bus "bus",
        /// This process.
        Process "process",
    }
}
