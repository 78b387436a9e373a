//! OpenTelemetry's environment variables that concern what is exported (specification, "Environment Variable
//! Specification" and "OpenTelemetry Protocol Exporter").
//!
//! The variables are often set for a whole host, so no value is fatal. Each variable is applied or named in a warning;
//! `OTLP.md` lists which is which.
//!
//! - `variables`: the variables of a process, and which of them were read;
//! - `names`: those of each signal;
//! - `endpoint`: the receiver, by option or variable;
//! - `headers`: lists of names and values;
//! - `tls`: certificates and keys;
//! - `settings`: everything else about sending;
//! - `ignored`: variables that have no effect, and why.

mod endpoint;
mod headers;
mod ignored;
mod names;
mod settings;
#[cfg(test)]
mod tests;
mod tls;
mod variables;

pub(crate) use endpoint::{Credentials, Endpoint};
pub(crate) use names::batch_size_name;
pub(crate) use settings::{Reading, Settings, read};
