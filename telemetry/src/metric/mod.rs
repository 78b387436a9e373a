//! Metrics: what the catalogue declares, filled from events as they come and from
//! counter pages when somebody scrapes.

pub mod catalog;
pub(crate) mod collect;
pub mod document;
pub mod family;
pub(crate) mod gather;
mod guest;
pub(crate) mod machines;
pub(crate) mod record;
pub(crate) mod registry;
pub(crate) mod samples;
