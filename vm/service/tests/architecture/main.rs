//! Tests of the architecture: allowed dependencies between crates, and no circular
//! dependencies between the modules of a crate.

#[cfg(test)]
mod crates;
#[cfg(test)]
mod modules;
#[cfg(test)]
mod source;
