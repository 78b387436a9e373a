//! Targets without vectors of their own.

use super::all;
use crate::Implementation;

/// Best first.
pub(crate) static IMPLEMENTATIONS: &[&Implementation] = &[&all::IMPLEMENTATION];
