//! Compilation of a fragment to host code by Cranelift.

use std::io;

use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::{Context, ir};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};

use super::block::Fragment;
use super::translate::translate;
use super::translator::LinkSlots;
use crate::host;

/// Cranelift compiler with reusable buffers; one per compiler thread.
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
    /// As [`host::code_generator`].
    pub(crate) fn new() -> io::Result<Self> {
        let isa = host::code_generator()?;
        Ok(Self { isa, context: Context::new(), builder_context: FunctionBuilderContext::new() })
    }

    /// Replaces the buffers by fresh ones.
    pub(crate) fn reset(&mut self) {
        self.context = Context::new();
        self.builder_context = FunctionBuilderContext::new();
    }

    /// Compiles `fragment`. `None` if Cranelift rejects it, for example as too large.
    pub(crate) fn compile(&mut self, fragment: &Fragment, links: LinkSlots<'_>) -> Option<Vec<u8>> {
        self.context.clear();
        self.context.func = ir::Function::new();
        let builder = FunctionBuilder::new(&mut self.context.func, &mut self.builder_context);
        translate(builder, fragment, links, &*self.isa);
        let compiled = self.context.compile(&*self.isa, &mut ControlPlane::default()).ok()?;
        debug_assert!(compiled.buffer.relocs().is_empty(), "generated code must not need relocation");
        Some(compiled.code_buffer().to_vec())
    }
}
