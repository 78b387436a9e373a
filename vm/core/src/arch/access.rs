//! Kinds of memory access.

use super::trap::ExceptionCause;
use crate::labels;

labels! {
    /// Kinds of memory access that translation and protection distinguish.
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
    /// Exception of an access without a valid translation.
    pub fn page_fault(self) -> ExceptionCause {
        match self {
            Self::Load => ExceptionCause::LoadPageFault,
            Self::Store => ExceptionCause::StorePageFault,
            Self::Fetch => ExceptionCause::InstructionPageFault,
        }
    }

    /// Exception of an access to vacant addresses or one that PMP denies.
    pub fn access_fault(self) -> ExceptionCause {
        match self {
            Self::Load => ExceptionCause::LoadAccessFault,
            Self::Store => ExceptionCause::StoreAccessFault,
            Self::Fetch => ExceptionCause::InstructionAccessFault,
        }
    }
}
