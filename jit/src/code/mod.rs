//! Generated code: where it lives, who may run it, and when it goes.

mod arena;
mod cache;
pub(crate) mod jump_cache;

pub(crate) use arena::Arena;
pub(crate) use cache::{Built, CodeCache, Dropped, Lookup, Online, PublishError, Source};
