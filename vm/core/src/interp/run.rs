//! Interpreter loop, and its implementation of [`Engine`].

use super::Flow;
use super::decoded::Decoded;
use super::fetch::uncached;
use super::line::LINE_BYTES;
use super::page::{DecodedPage, Executed, Tables, line_slot};
use crate::addr::{GuestPhys, PAGE_MASK, PageOffset};
use crate::counters::HartActivity;
use crate::engine::{Engine, EngineContext, EngineFactory, EngineSetupError, Exit, run_quanta};
use crate::hart::{Exception, Hart};
use crate::isa::{OpClass, Operands};

/// Instructions between two polls of interrupts and requests: some tens of microseconds.
pub(crate) const QUANTUM: u32 = 8192;

const LINE_MASK: u64 = LINE_BYTES as u64 - 1;

/// Reason why [`Interpreter::run_block`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockEnd {
    /// A jump was taken, the page ended, or a single instruction was executed.
    Jump,
    /// The block at `pc` is hot; nothing was executed.
    Hot {
        /// Physical address of `pc`.
        phys: GuestPhys,
        /// Number of arrivals so far, saturating at 65535.
        heat: u16,
    },
    /// A poll is due: after a trap, a system instruction, or at the end of the quantum.
    Poll,
    /// The engine returns to its caller.
    Exit(Exit),
}

/// Interpreter of one hart.
#[derive(Debug, Default)]
pub struct Interpreter {
    pub(super) decoded: Decoded,
}

impl Engine for Interpreter {
    fn run(&mut self, hart: &mut Hart, limit: u64) -> Exit {
        run_quanta(hart, limit, QUANTUM, |hart| {
            hart.control().set_activity(HartActivity::Interpreter);
            loop {
                match self.run_page(hart) {
                    BlockEnd::Jump | BlockEnd::Hot { .. } => {}
                    BlockEnd::Poll => return None,
                    BlockEnd::Exit(exit) => return Some(exit),
                }
            }
        })
    }
}

impl Interpreter {
    /// Executes from `pc` to the end of the page.
    fn run_page(&mut self, hart: &mut Hart) -> BlockEnd {
        self.run_extent::<PAGE>(hart)
    }

    #[inline(always)]
    fn run_extent<const EXTENT: u8>(&mut self, hart: &mut Hart) -> BlockEnd {
        if hart.state.countdown <= 0 {
            return BlockEnd::Poll;
        }
        match self.decoded.at(hart, hart.state.pc) {
            Ok(Some((page, tables))) => run_in_page::<EXTENT>(hart, page, tables),
            Ok(None) => run_uncached(hart),
            Err(exception) => fetch_fault(hart, exception),
        }
    }

    /// Executes up to and including the next taken jump, or until a poll is due. With
    /// `hot`, counts the arrival first; if the count has reached `hot`, returns
    /// [`BlockEnd::Hot`] without executing. Requires a started quantum
    /// ([`Hart::start_quantum`]).
    pub fn run_block(&mut self, hart: &mut Hart, hot: Option<u16>) -> BlockEnd {
        if hart.state.countdown <= 0 {
            return BlockEnd::Poll;
        }
        let (page, tables) = match self.decoded.at(hart, hart.state.pc) {
            Ok(Some(found)) => found,
            Ok(None) => return run_uncached(hart),
            Err(exception) => return fetch_fault(hart, exception),
        };
        if let Some(hot) = hot {
            let (pc, phys) = (hart.state.pc, page.phys(hart.state.pc));
            // A line that is decoded again may have other code than its heat is of.
            let frozen = page.line(hart.ram(), pc, tables).is_frozen(line_slot(pc));
            let heat = tables.heat.warm(phys);
            // Of a page that was evicted, only the heat is known.
            if heat >= hot && !frozen && page.executed().contains(PageOffset::of(pc)) {
                return BlockEnd::Hot { phys, heat };
            }
        }
        run_in_page::<BLOCK>(hart, page, tables)
    }

    /// Excludes the block at `pc` from being reported as hot, as long as its line is decoded.
    pub fn never_hot(&mut self, hart: &mut Hart) {
        let pc = hart.state.pc;
        if let Ok(Some((page, tables))) = self.decoded.at(hart, pc) {
            page.line(hart.ram(), pc, tables).freeze(line_slot(pc));
        }
    }

    /// Physical address of `pc`, if its page is executable and RAM as a whole.
    pub fn locate(&mut self, hart: &mut Hart) -> Option<GuestPhys> {
        let pc = hart.state.pc;
        let (page, _) = self.decoded.at(hart, pc).ok().flatten()?;
        Some(page.phys(pc))
    }

    /// Instructions of the physical page of `phys` that have been executed here so far.
    pub fn executed(&self, phys: GuestPhys) -> Executed {
        self.decoded.page(phys).map_or_else(Executed::default, |page| *page.executed())
    }

    /// Bits of the instruction that [`Interpreter::step`] executes next; `None` if its fetch
    /// raises an exception.
    pub(crate) fn fetch(&mut self, hart: &mut Hart) -> Option<u32> {
        let pc = hart.state.pc;
        let Some((page, tables)) = self.decoded.at(hart, pc).ok()? else { return hart.fetch_instruction().ok() };
        if page.line(hart.ram(), pc, tables).cells[line_slot(pc)].operands.is_undecoded() {
            page.decode(hart.ram(), pc, tables);
        }
        page.bits(hart.ram(), pc, tables).or_else(|| hart.fetch_instruction().ok())
    }

    /// Class of the instruction that [`Interpreter::step`] executes next; of one that is not
    /// cached, [`OpClass::Other`].
    pub fn class_of_next(&mut self, hart: &mut Hart) -> OpClass {
        let pc = hart.state.pc;
        let Ok(Some((page, tables))) = self.decoded.at(hart, pc) else { return OpClass::Other };
        if page.line(hart.ram(), pc, tables).cells[line_slot(pc)].operands.is_undecoded() {
            page.decode(hart.ram(), pc, tables);
        }
        page.line(hart.ram(), pc, tables).cells[line_slot(pc)].operands.class()
    }

    /// Executes one instruction, or takes the trap that it raises. Does nothing at the end
    /// of the quantum.
    pub fn step(&mut self, hart: &mut Hart) -> BlockEnd {
        self.run_extent::<INSTRUCTION>(hart)
    }

    /// Half an instruction at even `va` as it is in memory; `None` if its page is not cached as a
    /// whole.
    pub(super) fn half(&mut self, hart: &mut Hart, va: u64) -> Result<Option<u64>, Exception> {
        Ok(self.decoded.at(hart, va)?.map(|(page, _)| page.half(va)))
    }
}

/// Extent of [`run_in_page`]: to the end of the page.
const PAGE: u8 = 0;
/// Extent of [`run_in_page`]: to the next taken jump.
const BLOCK: u8 = 1;
/// Extent of [`run_in_page`]: one instruction.
const INSTRUCTION: u8 = 2;

/// Executes cells of `page`, which holds `pc`; every other case is out of line.
#[inline(always)]
fn run_in_page<const EXTENT: u8>(hart: &mut Hart, page: &mut DecodedPage, tables: &mut Tables) -> BlockEnd {
    let mut pc = hart.state.pc;
    'lines: loop {
        let line = page.line(hart.ram(), pc, tables);
        loop {
            let cell = line.cells[line_slot(pc)];
            if cell.operands.is_undecoded() {
                page.decode(hart.ram(), pc, tables);
                continue 'lines;
            }
            let len = cell.operands.length();
            let flow = (cell.handler)(hart, cell.operands);
            let next = match flow {
                Flow::Next => {
                    hart.state.pc = pc.wrapping_add(len);
                    pc.wrapping_add(len)
                }
                Flow::Jump => hart.state.pc,
                _ => return finish(hart, flow, len),
            };
            hart.state.countdown -= 1;
            if hart.state.countdown <= 0 {
                return BlockEnd::Poll;
            }
            let left_page = (next ^ pc) & !PAGE_MASK != 0;
            if left_page || EXTENT == INSTRUCTION || EXTENT == BLOCK && flow == Flow::Jump {
                return BlockEnd::Jump;
            }
            let left_line = (next ^ pc) & !LINE_MASK != 0;
            pc = next;
            if left_line {
                continue 'lines;
            }
        }
    }
}

/// Executes one instruction of a page that is not cached as a whole.
#[cold]
fn run_uncached(hart: &mut Hart) -> BlockEnd {
    let flow = uncached(hart, Operands::default());
    if flow != Flow::Jump {
        return finish(hart, flow, Operands::default().length());
    }
    hart.state.countdown -= 1;
    if hart.state.countdown <= 0 { BlockEnd::Poll } else { BlockEnd::Jump }
}

#[cold]
fn fetch_fault(hart: &mut Hart, exception: Exception) -> BlockEnd {
    hart.take_exception(exception);
    BlockEnd::Poll
}

/// Does what `flow` says behind an instruction of `len` bytes at `pc` whose handler gave it, so
/// that the hart is ready for a poll.
#[cold]
pub fn finish(hart: &mut Hart, flow: Flow, len: u64) -> BlockEnd {
    match flow {
        Flow::Trap => {
            let exception = hart.exception;
            hart.take_exception(exception);
            BlockEnd::Poll
        }
        Flow::SbiCall => BlockEnd::Exit(Exit::SbiCall),
        Flow::Wfi => {
            retire(hart, len);
            BlockEnd::Exit(Exit::Wfi)
        }
        Flow::Next | Flow::Resync => {
            retire(hart, len);
            BlockEnd::Poll
        }
        Flow::Jump | Flow::JumpResync => {
            retire(hart, 0);
            BlockEnd::Poll
        }
    }
}

fn retire(hart: &mut Hart, len: u64) {
    hart.state.pc = hart.state.pc.wrapping_add(len);
    hart.state.countdown -= 1;
}

/// Factory of interpreters.
#[derive(Clone, Copy, Debug, Default)]
pub struct InterpreterFactory;

impl EngineFactory for InterpreterFactory {
    fn name(&self) -> &'static str {
        "interpreter"
    }

    fn engines(&self, _context: &EngineContext, harts: usize) -> Result<Vec<Box<dyn Engine>>, EngineSetupError> {
        Ok((0..harts).map(|_| Box::<Interpreter>::default() as Box<dyn Engine>).collect())
    }
}
