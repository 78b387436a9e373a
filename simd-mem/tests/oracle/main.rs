//! Every implementation that this CPU has gives the same answers as one-line
//! oracles, and reads nothing that it was not given.
//!
//! - `naive`: the oracles;
//! - `runner`: compares one implementation with them for given slices;
//! - `short`: all lengths up to 256, all positions, shifted against each other;
//! - `page`: whole pages, and slices of unequal length;
//! - `guard`: slices that end, or begin, at memory that cannot be read;
//! - `random`: generated slices.

#[cfg(test)]
mod guard;
#[cfg(test)]
mod naive;
#[cfg(test)]
mod page;
#[cfg(test)]
mod random;
#[cfg(test)]
mod runner;
#[cfg(test)]
mod short;
