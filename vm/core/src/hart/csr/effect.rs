//! What an access to a CSR means for whoever executes instructions.

/// What a CSR write means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing beyond the register.
    None,
    /// Interrupt enables or address translation may have changed.
    Resync,
}

/// The access is not allowed or there is no such register: illegal instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CsrDenied;
