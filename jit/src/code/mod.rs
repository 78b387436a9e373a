//! Generated code: where it lives, who may run it, and when it goes.

mod arena;
mod cache;
pub(crate) mod jump_cache;
mod online;
mod page;

pub(crate) use arena::Arena;
pub(crate) use cache::{Built, Claim, CodeCache, Dropped, Lookup, PublishError, Source};
pub(crate) use online::Online;
pub(crate) use page::{Covered, PageBytes};
