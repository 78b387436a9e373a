//! Tier 1 on a host without templates: the optimising compiler translates everything.

use riscope_core::event::CompileFailure;
use riscope_core::hart::HartState;

use crate::code::{Made, Maker, Origin};

/// Whether the host has templates.
pub(crate) const AVAILABLE: bool = false;

/// Translates nothing.
#[derive(Debug, Default)]
pub(crate) struct Translator;

impl Maker for Translator {
    fn make(&mut self, _origin: Origin<'_>) -> Result<Made<'_>, CompileFailure> {
        Err(CompileFailure::Untranslatable)
    }
}

/// Sets no engine words.
pub(crate) fn set_words(_state: &mut HartState) {}
