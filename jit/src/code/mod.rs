//! Translations by physical page: lookup, publication, invalidation and reclamation.

mod cache;
mod online;
mod page;

pub(crate) use cache::{Built, Claim, CodeCache, Dropped, PublishError, Source};
pub(crate) use online::Online;
pub(crate) use page::{Covered, Lookup, PageBytes};
