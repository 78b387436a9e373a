//! Translations by physical page: lookup, publication, invalidation and reclamation.

mod cache;
mod evict;
mod excerpt;
mod link;
mod maker;
mod online;
mod page;
mod place;
mod segment;
mod unit;

pub(crate) use cache::CodeCache;
pub(crate) use excerpt::{Covered, PageBytes};
pub(crate) use link::{DISTANCE_ALIGN, Link};
pub(crate) use maker::{Found, Located, Maker, Origin, instruction};
pub(crate) use online::Online;
pub(crate) use page::Lookup;
pub(crate) use unit::{Built, Claim, Code, Crossing, Dropped, Made, PublishError, Translated};
