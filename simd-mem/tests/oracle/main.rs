//! Every implementation that this CPU has gives the same answers as one-line
//! oracles, and touches nothing that it was not given.
//!
//! - `naive`: the oracles;
//! - `runner`: compares one implementation with them for given slices;
//! - `short`: scans and compares: all lengths up to 1024, shifted against each other;
//! - `copy`, `overlap`, `fill`: what writes, for all lengths up to 1024;
//! - `page`: whole pages, slices of unequal length, bitmaps over pages;
//! - `guard`: slices that end, or begin, at memory that cannot be accessed;
//! - `random`, `property`: generated slices, short and large;
//! - `race`: memory that another thread is writing;
//! - `refusal`: arguments that do not fit each other.

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
