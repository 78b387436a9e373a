//! Outcome of CSR accesses.

/// What the engine must do after a CSR write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing.
    None,
    /// Poll: interrupt enables or address translation may have changed.
    Resync,
}

/// Access to a CSR that does not exist or is not accessible: illegal instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CsrDenied;
