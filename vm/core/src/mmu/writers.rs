//! Pages that a hart may have written; see [`crate::mem::PageTracker`].

use std::sync::Arc;

use crate::addr::GuestPhys;
use crate::mem::GuestRam;

/// Pages that a hart may be registered for: bounds the duration of a release to about a
/// millisecond.
const MANY: usize = 32_768;

/// RAM pages that a hart is registered as a writer of: those with a writable translation,
/// and those whose page-table entries it has updated.
#[derive(Debug)]
pub(super) struct Writers {
    ram: Arc<GuestRam>,
    hart: usize,
    pages: Vec<usize>,
}

impl Writers {
    pub(super) fn new(ram: Arc<GuestRam>, hart: usize) -> Self {
        Self { ram, hart, pages: Vec::new() }
    }

    /// Whether it is time to release them.
    pub(super) fn are_many(&self) -> bool {
        self.pages.len() >= MANY
    }

    /// Registers the hart for the page of `phys`, if it is RAM.
    pub(super) fn note(&mut self, phys: GuestPhys) {
        if let Some(page) = self.ram.page_index(phys)
            && self.ram.tracker().add_writer(page, self.hart)
        {
            self.pages.push(page);
        }
    }

    /// Releases all registrations; the hart's writable translations must be gone.
    pub(super) fn release(&mut self) {
        for page in self.pages.drain(..) {
            self.ram.tracker().remove_writer(page, self.hart);
        }
    }
}
