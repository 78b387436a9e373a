//! Generated code: where it lives, who may run it, and when it goes.

mod arena;
mod cache;
pub(crate) mod jump_cache;
mod online;

pub(crate) use arena::Arena;
pub(crate) use cache::{Built, CodeCache, Dropped, Lookup, PageBytes, PublishError, Source};
pub(crate) use online::Online;
