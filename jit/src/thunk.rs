//! Thunks: static code shared by all translations of a machine.
//!
//! | thunk | called by | does |
//! |---|---|---|
//! | entry | host, on AArch64 | calls a translation |
//! | leave | translation of either tier | returns to the engine |
//! | resolve | translation of either tier | target of jumps within a page that have no other: goes to that of templates, or returns to the engine |
//! | refill | Cranelift's code, as `preserve_all` | fills the TLB; abandons the access if it does not hit RAM |
//!
//! `cranelift-jit` compiles them into the first bytes of the machine's arena; they are
//! never freed.

use std::io;
use std::sync::atomic::AtomicPtr;

use cranelift_codegen::ir::{AbiParam, InstBuilder, MemFlagsData, Signature, TrapCode, types};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_jit::{BranchProtection, JITBuilder, JITMemoryKind, JITMemoryProvider, JITModule};
use cranelift_module::{FuncId, Linkage, Module, ModuleResult};
use riscope_core::counters::HartActivity;
use riscope_core::hart::{Hart, HartState};
use riscope_core::mmu::Answer;

use crate::abi::{self, Leave, Miss, Word};
use crate::arena::Arena;
use crate::{host, sys};

/// Bytes of the arena reserved for thunks.
const RESERVED: usize = 16 << 10;

/// Addresses of the thunks.
#[derive(Debug)]
pub(crate) struct Thunks {
    pub(crate) entry: *const u8,
    pub(crate) leave: *const u8,
    pub(crate) resolve: *const u8,
    pub(crate) refill: *const u8,
    /// Bytes of the arena in use by thunks.
    pub(crate) bytes: usize,
    /// A link slot that holds the resolve thunk.
    resolve_slot: Box<AtomicPtr<u8>>,
}

// SAFETY: the pointers refer to immutable code.
unsafe impl Send for Thunks {}
// SAFETY: as for `Send`.
unsafe impl Sync for Thunks {}

impl Thunks {
    /// Compiles the thunks to the start of `arena`.
    ///
    /// # Errors
    /// Fails when Cranelift does not support the host, or the arena is too small.
    pub(crate) fn compile(arena: &Arena) -> io::Result<Self> {
        let mut builder = JITBuilder::with_isa(host::code_generator()?, cranelift_module::default_libcall_names());
        let size = RESERVED.min(arena.size());
        builder.memory_provider(Box::new(ArenaMemory { next: arena.write_view(0), left: size }));
        let mut module = JITModule::new(builder);
        let mut define = |name, signature, build| define(&mut module, name, signature, build);
        let entry = define("entry", entry_signature(), build_entry)?;
        let leave = define("leave", abi::code_signature(), build_leave)?;
        let resolve = define("resolve", abi::code_signature(), build_resolve)?;
        let refill = define("refill", abi::refill_signature(), build_refill)?;
        module.finalize_definitions().map_err(io::Error::other)?;
        let address = |id| arena.executable(module.get_finalized_function(id));
        let resolve = address(resolve);
        sys::make_visible(arena.executable(arena.write_view(0)), size);
        Ok(Self {
            entry: address(entry),
            leave: sys::LEAVE.map_or_else(|| address(leave), |leave| leave as *const u8),
            resolve,
            refill: address(refill),
            bytes: size,
            resolve_slot: Box::new(AtomicPtr::new(resolve.cast_mut())),
        })
    }

    /// Address of a link slot that always leads to the resolve thunk.
    pub(crate) fn resolve_slot(&self) -> *const u8 {
        self.resolve_slot.as_ptr().cast_const().cast()
    }
}

/// Provides the start of the arena's writable view to `cranelift-jit`. The thunks need no
/// relocation, so they run unchanged from the executable view.
struct ArenaMemory {
    next: *mut u8,
    left: usize,
}

// SAFETY: it is the only user of these bytes of the arena.
unsafe impl Send for ArenaMemory {}

impl JITMemoryProvider for ArenaMemory {
    fn allocate(&mut self, size: usize, align: u64, _kind: JITMemoryKind) -> io::Result<*mut u8> {
        let align = usize::try_from(align).map_err(io::Error::other)?;
        let padding = self.next.align_offset(align);
        let taken = padding.checked_add(size).filter(|&taken| taken <= self.left);
        let taken = taken.ok_or_else(|| io::Error::other("the code cache is too small for its thunks"))?;
        let start = self.next.wrapping_add(padding);
        self.next = self.next.wrapping_add(taken);
        self.left -= taken;
        Ok(start)
    }

    /// Does nothing: the arena owns the memory.
    unsafe fn free_memory(&mut self) {}

    /// Does nothing: the executable view is already mapped.
    fn finalize(&mut self, _branch_protection: BranchProtection) -> ModuleResult<()> {
        Ok(())
    }
}

/// Signature of the entry thunk, in the host's convention: `fn(cpu, code, pc) -> Leave`.
fn entry_signature() -> Signature {
    let mut signature = Signature::new(CallConv::SystemV);
    signature.params.extend([AbiParam::new(types::I64), AbiParam::new(types::I64), AbiParam::new(types::I64)]);
    signature.returns.push(AbiParam::new(types::I64));
    signature
}

type Build = fn(&mut FunctionBuilder<'_>);

fn define(module: &mut JITModule, name: &str, signature: Signature, build: Build) -> io::Result<FuncId> {
    let id = module.declare_function(name, Linkage::Export, &signature).map_err(io::Error::other)?;
    let mut context = module.make_context();
    context.func.signature = signature;
    let mut builder_context = FunctionBuilderContext::new();
    let mut b = FunctionBuilder::new(&mut context.func, &mut builder_context);
    let entry = b.create_block();
    b.append_block_params_for_function_params(entry);
    b.switch_to_block(entry);
    build(&mut b);
    b.seal_all_blocks();
    b.finalize(module.target_config());
    module.define_function(id, &mut context).map_err(io::Error::other)?;
    Ok(id)
}

fn params<const N: usize>(b: &FunctionBuilder<'_>) -> [cranelift_codegen::ir::Value; N] {
    let params = b.current_block().map_or(&[][..], |block| b.block_params(block));
    std::array::from_fn(|i| params[i])
}

fn build_entry(b: &mut FunctionBuilder<'_>) {
    let [cpu, code, pc] = params(b);
    let signature = b.import_signature(abi::code_signature());
    let call = b.ins().call_indirect(signature, code, &[cpu, pc]);
    let result = b.inst_results(call)[0];
    b.ins().return_(&[result]);
}

/// Where nothing but the return address is on the stack.
fn build_leave(b: &mut FunctionBuilder<'_>) {
    let [_cpu, code] = params(b);
    b.ins().return_(&[code]);
}

fn build_resolve(b: &mut FunctionBuilder<'_>) {
    let [cpu, pc] = params(b);
    let signature = b.import_signature(abi::code_signature());
    let templates = b.ins().load(types::I64, MemFlagsData::trusted(), cpu, abi::word(Word::Resolve));
    let (there, here) = (b.create_block(), b.create_block());
    b.ins().brif(templates, there, &[], here, &[]);
    b.switch_to_block(there);
    b.ins().return_call_indirect(signature, templates, &[cpu, pc]);
    b.switch_to_block(here);
    b.ins().store(MemFlagsData::trusted(), pc, cpu, abi::PC);
    let lookup = b.ins().iconst(types::I64, code_of(Leave::Lookup));
    let leave = b.ins().load(types::I64, MemFlagsData::trusted(), cpu, abi::word(Word::Leave));
    b.ins().return_call_indirect(signature, leave, &[cpu, lookup]);
}

fn build_refill(b: &mut FunctionBuilder<'_>) {
    let [cpu] = params(b);
    let mut helper = Signature::new(CallConv::SystemV);
    helper.params.push(AbiParam::new(types::I64));
    let abandon = b.import_signature(helper.clone());
    helper.returns.push(AbiParam::new(types::I64));
    let fill = b.import_signature(helper);

    let address = b.ins().iconst(types::I64, bits_of(fill_tlb as *const ()));
    let state = b.ins().iadd_imm_s(cpu, -i64::from(abi::offset(abi::ANCHOR)));
    let call = b.ins().call_indirect(fill, address, &[state]);
    let filled = b.inst_results(call)[0];
    let (cold, hot) = (b.create_block(), b.create_block());
    b.ins().brif(filled, hot, &[], cold, &[]);
    b.switch_to_block(cold);
    let address = b.ins().iconst(types::I64, bits_of(sys::abandon as *const ()));
    b.ins().call_indirect(abandon, address, &[cpu]);
    b.ins().trap(TrapCode::unwrap_user(1));
    b.switch_to_block(hot);
    b.ins().return_(&[]);
}

#[expect(clippy::cast_possible_wrap, reason = "an address as bits")]
fn bits_of(function: *const ()) -> i64 {
    function.expose_provenance() as i64
}

#[expect(clippy::cast_possible_wrap, reason = "a small code")]
fn code_of(leave: Leave) -> i64 {
    leave as u64 as i64
}

/// Slow path of a data access. Returns 1 with the host address in the state, or 0 with `pc`
/// and countdown reset to before the instruction, and the answer kept for the interpreter.
///
/// Runs with the guest's rounding mode in force; must not use floating point.
extern "C" fn fill_tlb(cpu: *mut HartState) -> u64 {
    // SAFETY: generated code passes the state that it was entered with, which the engine
    // obtained from `Hart::state_of`. Neither the engine nor generated code uses the hart
    // before this function returns.
    let hart = unsafe { &mut *Hart::of_state(cpu) };
    let state = hart.state();
    let va = state.engine[Word::MissAddress as usize];
    let miss = Miss::unpack(state.engine[Word::MissKind as usize].cast_signed());
    hart.control().set_activity(HartActivity::Refill);
    let answer = hart.ask(va, u64::from(miss.len), miss.access());
    hart.control().set_activity(HartActivity::Code);
    if let Answer::Ram(host) = answer {
        hart.state_mut().engine[Word::HostAddress as usize] = host.expose_provenance() as u64;
        return 1;
    }
    let state = hart.state_mut();
    state.pc = state.pc.wrapping_add_signed(i64::from(miss.pc_delta));
    state.countdown += i64::from(miss.unretired);
    let optimised = &mut state.engine[Word::Optimised as usize];
    *optimised = optimised.wrapping_sub(u64::from(miss.unretired));
    0
}
