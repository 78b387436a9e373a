//! Metrics: families that the catalogue declares, updated by events and read from counter
//! pages at scrape time.

pub mod catalog;
pub(crate) mod collect;
pub mod document;
pub mod family;
pub(crate) mod gather;
mod guest;
pub(crate) mod machines;
mod outgoing;
pub(crate) mod record;
pub(crate) mod registry;
pub(crate) mod samples;
