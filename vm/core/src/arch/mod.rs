//! Definitions of the privileged architecture shared by translation, counters and harts.

mod access;
pub mod envcfg;
mod privilege;
pub mod status;
mod trap;

pub use access::Access;
pub use privilege::PrivilegeMode;
pub use trap::{Exception, ExceptionCause, Interrupt};
