//! Code that is placed where other code has been executed.

use rustix::thread::{MembarrierCommand, membarrier};

/// Has every core that runs a thread of this process forget what it has fetched of code that is
/// no longer there. Needed only on hosts whose cores may fetch ahead of what other cores write,
/// which x86-64 cores do within limits that its manuals do not state.
///
/// Linux before 4.16 cannot do that: there it is left to the system calls and interrupts of
/// those threads, which they have had since they left the code.
pub(crate) fn synchronise_cores() {
    let register = membarrier(MembarrierCommand::RegisterPrivateExpeditedSyncCore);
    let _ = register.and_then(|()| membarrier(MembarrierCommand::PrivateExpeditedSyncCore));
}
