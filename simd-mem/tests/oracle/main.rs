//! Tests of every implementation that the CPU supports against one-line oracles, including
//! that no other memory is accessed.
//!
//! - `naive`: the oracles;
//! - `runner`: compares one implementation with them for given slices;
//! - `short`: scans and compares: all lengths up to 1024, misaligned against each other;
//! - `copy`, `overlap`, `fill`: writes, for all lengths up to 1024;
//! - `page`: whole pages, slices of unequal length, bitmaps over pages;
//! - `guard`: slices adjacent to inaccessible memory;
//! - `random`, `property`: generated slices, short and large;
//! - `race`: memory that another thread is writing;
//! - `refusal`: mismatched arguments.

#[cfg(test)]
mod copy;
#[cfg(test)]
mod fill;
#[cfg(test)]
mod guard;
#[cfg(test)]
mod naive;
#[cfg(test)]
mod overlap;
#[cfg(test)]
mod page;
#[cfg(test)]
mod property;
#[cfg(test)]
mod race;
#[cfg(test)]
mod random;
#[cfg(test)]
mod refusal;
#[cfg(test)]
mod runner;
#[cfg(test)]
mod short;
