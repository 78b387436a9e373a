//! Exporters: the two text formats of Prometheus, and OTLP.

pub(crate) mod environment;
pub(crate) mod negotiate;
pub(crate) mod openmetrics;
pub(crate) mod otlp;
pub(crate) mod prometheus;
