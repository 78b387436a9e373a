//! Fragments to host code, by Cranelift.

use std::io;

use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{Context, ir};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};

use crate::block::Fragment;
use crate::lower::{self, LinkSlots};

/// Settings of all generated code. Measured: the optimiser does not pay for itself
/// at this tier, and the single-pass allocator doubles size and time of the code.
const SETTINGS: &[(&str, &str)] = &[
    ("opt_level", "none"),
    ("regalloc_algorithm", "backtracking"),
    ("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }),
    // Tail calls need frame pointers on x86-64.
    ("preserve_frame_pointers", "true"),
    ("unwind_info", "false"),
    ("enable_probestack", "false"),
    ("is_pic", "false"),
];

/// The code generator for this host.
///
/// # Errors
/// When Cranelift does not support the host.
pub(crate) fn host_isa() -> io::Result<OwnedTargetIsa> {
    let mut flags = settings::builder();
    for (name, value) in SETTINGS {
        flags.set(name, value).map_err(io::Error::other)?;
    }
    let isa = cranelift_native::builder().map_err(io::Error::other)?;
    isa.finish(settings::Flags::new(flags)).map_err(io::Error::other)
}

/// A compiler with its reusable buffers; one for each compiler thread.
pub(crate) struct Compiler {
    isa: OwnedTargetIsa,
    context: Context,
    builder_context: FunctionBuilderContext,
}

impl std::fmt::Debug for Compiler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compiler").field("isa", &self.isa.name()).finish_non_exhaustive()
    }
}

impl Compiler {
    /// A compiler for this host.
    ///
    /// # Errors
    /// As [`host_isa`].
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { isa: host_isa()?, context: Context::new(), builder_context: FunctionBuilderContext::new() })
    }

    /// Starts with fresh buffers.
    pub(crate) fn reset(&mut self) {
        self.context = Context::new();
        self.builder_context = FunctionBuilderContext::new();
    }

    /// Host code of `fragment`, or `None` when Cranelift cannot compile it (too
    /// large, for example).
    pub(crate) fn compile(&mut self, fragment: &Fragment, links: LinkSlots<'_>) -> Option<Vec<u8>> {
        self.context.clear();
        self.context.func = ir::Function::new();
        let builder = FunctionBuilder::new(&mut self.context.func, &mut self.builder_context);
        lower::translate(builder, fragment, links, &*self.isa);
        let compiled = self.context.compile(&*self.isa, &mut ControlPlane::default()).ok()?;
        debug_assert!(compiled.buffer.relocs().is_empty(), "generated code must not need relocation");
        Some(compiled.code_buffer().to_vec())
    }
}
