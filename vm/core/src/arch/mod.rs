//! Terms of the privileged architecture that translation, counters and harts share.

mod access;
pub mod envcfg;
mod privilege;
pub mod status;
mod trap;

pub use access::Access;
pub use privilege::PrivilegeMode;
pub use trap::{Exception, ExceptionCause, Interrupt};
