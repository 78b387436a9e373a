//! Parts shared by both benchmarks: tasks, contenders, and memory in four states.

pub(crate) mod arena;
pub(crate) mod contender;
pub(crate) mod plain;
