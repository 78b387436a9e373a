//! Tests of project rules that no lint checks, over every tracked file.
//!
//! They enforce the rules of CONTRIBUTING.md:
//!
//! - `source`: Rust files have a head and limited size; no test is disabled; threads have names.
//! - `neutral`: no file depends on a particular host.
//! - `document`: links and paths in documents exist.
//! - `promise`: each line of SPECIFICATION.md names an existing check.
//!
//! Each rule is a function from text to findings, so that its own tests can apply it to
//! text that breaks it.

mod document;
mod neutral;
mod promise;
mod source;
mod tree;
