//! Exporters: the two text formats that Prometheus scrapes, and OTLP.

pub(crate) mod environment;
pub(crate) mod negotiate;
pub(crate) mod openmetrics;
pub(crate) mod otlp;
pub(crate) mod prometheus;
