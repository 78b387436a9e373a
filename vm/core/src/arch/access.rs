//! Kinds of memory access.

use super::trap::ExceptionCause;
use crate::labels;

labels! {
    /// Kinds of memory access that translation and protection tell apart.
    pub enum Access {
        /// An instruction fetch.
        Fetch "fetch",
        /// A load, or a load-reserved.
        Load "load",
        /// A store, an atomic operation, or a store-conditional.
        Store "store",
    }
}

impl Access {
    /// What an access without a valid translation raises.
    pub fn page_fault(self) -> ExceptionCause {
        match self {
            Self::Load => ExceptionCause::LoadPageFault,
            Self::Store => ExceptionCause::StorePageFault,
            Self::Fetch => ExceptionCause::InstructionPageFault,
        }
    }

    /// What an access raises where nothing answers or PMP forbids it.
    pub fn access_fault(self) -> ExceptionCause {
        match self {
            Self::Load => ExceptionCause::LoadAccessFault,
            Self::Store => ExceptionCause::StoreAccessFault,
            Self::Fetch => ExceptionCause::InstructionAccessFault,
        }
    }
}
