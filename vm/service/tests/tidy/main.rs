//! The rules of the house that a compiler cannot check, over every tracked file.
//!
//! A rule that nobody checks decays, so what CONTRIBUTING.md asks of a change is a test here:
//!
//! - `source`: Rust files have a head and a size that one can read at once; nothing is left unfinished or switched off.
//! - `neutral`: no file depends on the machine that it was written on.
//! - `document`: links and paths in documents lead somewhere.
//! - `promise`: each line of SPECIFICATION.md names a check that is there.
//!
//! Each rule is a function from text to findings, so that its own tests can show it a text that breaks it.

mod document;
mod neutral;
mod promise;
mod source;
mod tree;
