//! OpenTelemetry's environment variables that concern spans (specification, "Environment Variable
//! Specification" and "OpenTelemetry Protocol Exporter").
//!
//! The variables are often set for a whole host, so no value is fatal. Each variable is applied or named in a warning;
//! `SPANS.md` lists which is which.
//!
//! - `variables`: the variables of a process, and which of them were read;
//! - `endpoint`: the receiver, by option or variable;
//! - `headers`: lists of names and values;
//! - `settings`: everything else about sending;
//! - `ignored`: variables that have no effect, and why.

mod endpoint;
mod headers;
mod ignored;
mod settings;
#[cfg(test)]
mod tests;
mod variables;

pub(crate) use endpoint::{Credentials, Endpoint};
pub(crate) use settings::{Reading, Settings, read};
