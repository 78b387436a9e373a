//! Translations by physical page: which there are, who may run them, and when they go.

mod cache;
mod online;
mod page;

pub(crate) use cache::{Built, Claim, CodeCache, Dropped, PublishError, Source};
pub(crate) use online::Online;
pub(crate) use page::{Covered, Lookup, PageBytes};
