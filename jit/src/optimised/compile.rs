//! Compilation of a fragment to host code by Cranelift.

use std::io;

use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::{Context, ir};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use riscope_core::event::{CompileFailure, Tier};

use super::block::Fragment;
use super::translate::translate;
use super::translator::LinkSlots;
use crate::code::{Code, CodeCache, Covered, Made, Maker, Origin};
use crate::host;

/// Cranelift compiler with reusable buffers; one per compiler thread.
pub(crate) struct Compiler {
    isa: OwnedTargetIsa,
    context: Context,
    builder_context: FunctionBuilderContext,
    /// What was compiled last.
    code: Vec<u8>,
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
        Ok(Self { isa, context: Context::new(), builder_context: FunctionBuilderContext::new(), code: Vec::new() })
    }

    /// Replaces the buffers by fresh ones.
    pub(crate) fn reset(&mut self) {
        self.context = Context::new();
        self.builder_context = FunctionBuilderContext::new();
    }

    /// Compiles `fragment` to [`Compiler::code`]. `None` if Cranelift rejects it, for example as too
    /// large.
    fn compile(&mut self, fragment: &Fragment, links: LinkSlots<'_>) -> Option<()> {
        self.context.clear();
        self.context.func = ir::Function::new();
        let builder = FunctionBuilder::new(&mut self.context.func, &mut self.builder_context);
        translate(builder, fragment, links, &*self.isa);
        let compiled = self.context.compile(&*self.isa, &mut ControlPlane::default()).ok()?;
        debug_assert!(compiled.buffer.relocs().is_empty(), "generated code must not need relocation");
        self.code.clear();
        self.code.extend_from_slice(compiled.code_buffer());
        Some(())
    }
}

/// A compiler of code for a cache, whose link slots it uses.
#[derive(Debug)]
pub(crate) struct Linked<'a> {
    pub(crate) compiler: &'a mut Compiler,
    pub(crate) cache: &'a CodeCache,
}

impl Maker for Linked<'_> {
    fn make(&mut self, Origin { page, head, executed }: Origin<'_>) -> Result<Made<'_>, CompileFailure> {
        let Self { compiler, cache } = self;
        let fragment = Fragment::find(page, head.page_offset(), executed).ok_or(CompileFailure::Untranslatable)?;
        let mut links = |target| cache.link_slot(head.with_page_offset(target));
        compiler.compile(&fragment, &mut links).ok_or(CompileFailure::Compiler)?;
        Ok(Made {
            tier: Tier::Optimised,
            code: Code::whole(&compiler.code),
            covered: Covered::of(fragment.ranges()),
            instructions: fragment.instructions(),
            guest_bytes: fragment.guest_bytes(),
        })
    }
}
