//! Cranelift's code generator for the host.

use std::io;

use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};

/// Settings of all generated code. By measurement, the optimiser costs more than it gains
/// at this tier, and the single-pass register allocator doubles code size and run time.
const SETTINGS: &[(&str, &str)] = &[
    ("opt_level", "none"),
    ("regalloc_algorithm", "backtracking"),
    ("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }),
    // Cranelift's tail calls require frame pointers on x86-64.
    ("preserve_frame_pointers", "true"),
    ("unwind_info", "false"),
    ("enable_probestack", "false"),
    ("is_pic", "false"),
];

/// The code generator for this host.
///
/// # Errors
/// Fails when Cranelift does not support the host.
pub(crate) fn code_generator() -> io::Result<OwnedTargetIsa> {
    let mut flags = settings::builder();
    for (name, value) in SETTINGS {
        flags.set(name, value).map_err(io::Error::other)?;
    }
    let isa = cranelift_native::builder().map_err(io::Error::other)?;
    isa.finish(settings::Flags::new(flags)).map_err(io::Error::other)
}
