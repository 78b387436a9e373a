//! The architecture as it is in the code: which crate may depend on which, and that the modules
//! of a crate do not depend on each other in circles.

#[cfg(test)]
mod crates;
#[cfg(test)]
mod modules;
#[cfg(test)]
mod source;
