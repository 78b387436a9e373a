//! Interpreter loop, and its implementation of [`Engine`].

use rustc_hash::FxHashMap;

use super::Flow;
use super::fetch::uncached;
use super::line::{LINE_BYTES, NEVER_HOT};
use super::page::{DecodedPage, Executed, line_slot};
use crate::addr::{GuestPhys, PAGE_BYTES, PAGE_MASK, PAGE_SHIFT, to_usize};
use crate::counters::HartActivity;
use crate::engine::{Engine, EngineContext, EngineFactory, EngineSetupError, Exit, run_quanta};
use crate::hart::{Exception, ExceptionCause, Hart};
use crate::isa::{OpClass, Operands};

/// Instructions between two polls of interrupts and requests: some tens of microseconds.
pub(crate) const QUANTUM: u32 = 8192;

/// Number of decoded pages kept; each takes about 600 bytes.
const MAX_PAGES: usize = 4096;

/// Number of decoded lines kept, on all pages; each takes about 1.3 KiB. Where a program has more
/// that are lukewarm, all are forgotten with their heat before it is hot: with 8192 of them, gcc
/// interprets ten times as much.
const MAX_LINES: usize = 12_288;

const LINE_MASK: u64 = LINE_BYTES as u64 - 1;

/// Number of slots of the fetch cache: more than a kernel has pages of code.
const FETCH_SLOTS: usize = 8192;

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

/// Entry of the fetch cache.
#[derive(Clone, Copy, Debug)]
struct FetchSlot {
    /// Virtual address of the page, with the index of the decoded page in the low bits.
    page: u64,
    /// [Generation](crate::mmu::FetchSpace::generation) of its address space.
    generation: u64,
}

/// No space has this generation.
const NO_FETCH: FetchSlot = FetchSlot { page: 0, generation: 0 };

impl FetchSlot {
    fn new(page: u64, generation: u64, decoded: usize) -> Self {
        const _: () = assert!(MAX_PAGES <= PAGE_BYTES);
        Self { page: page | decoded as u64, generation }
    }

    fn page(self) -> u64 {
        self.page & !PAGE_MASK
    }

    fn decoded(self) -> usize {
        to_usize(self.page & PAGE_MASK)
    }
}

/// Interpreter of one hart.
#[derive(Debug)]
pub struct Interpreter {
    pub(super) pages: Vec<DecodedPage>,
    /// Lines of these.
    lines: usize,
    by_number: FxHashMap<u64, usize>,
    fetch: Box<[FetchSlot; FETCH_SLOTS]>,
    /// Translation epoch of the hart that `fetch` is valid for.
    translation_epoch: u64,
}

impl Default for Interpreter {
    fn default() -> Self {
        Self {
            pages: Vec::new(),
            lines: 0,
            by_number: FxHashMap::default(),
            fetch: Box::new([NO_FETCH; FETCH_SLOTS]),
            translation_epoch: 0,
        }
    }
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
        if hart.state.countdown <= 0 {
            return BlockEnd::Poll;
        }
        match self.find_page(hart) {
            Ok(Some(page)) => run_in_page::<PAGE>(hart, &mut self.pages[page], &mut self.lines),
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
        let page = match self.find_page(hart) {
            Ok(Some(page)) => &mut self.pages[page],
            Ok(None) => return run_uncached(hart),
            Err(exception) => return fetch_fault(hart, exception),
        };
        if let Some(hot) = hot {
            let heat = page.line(hart.ram(), hart.state.pc, &mut self.lines).warm(line_slot(hart.state.pc));
            if heat >= hot && heat != NEVER_HOT {
                return BlockEnd::Hot { phys: page.phys(hart.state.pc), heat };
            }
        }
        run_in_page::<BLOCK>(hart, page, &mut self.lines)
    }

    /// Excludes the block at `pc` from being reported as hot.
    pub fn never_hot(&mut self, hart: &mut Hart) {
        if let Ok(Some(page)) = self.find_page(hart) {
            self.pages[page].line(hart.ram(), hart.state.pc, &mut self.lines).freeze(line_slot(hart.state.pc));
        }
    }

    /// Physical address of `pc`, if its page is executable and RAM as a whole.
    pub fn locate(&mut self, hart: &mut Hart) -> Option<GuestPhys> {
        let page = self.find_page(hart).ok().flatten()?;
        Some(self.pages[page].phys(hart.state.pc))
    }

    /// Instructions of the physical page of `phys` that have been executed here so far.
    pub fn executed(&self, phys: GuestPhys) -> Executed {
        let page = self.by_number.get(&phys.page_number());
        page.map_or_else(Executed::default, |&page| *self.pages[page].executed())
    }

    /// Bits of the instruction that [`Interpreter::step`] executes next; `None` if its fetch
    /// raises an exception.
    pub(crate) fn fetch(&mut self, hart: &mut Hart) -> Option<u32> {
        let Some(index) = self.find_page(hart).ok()? else { return hart.fetch_instruction().ok() };
        let (page, pc) = (&mut self.pages[index], hart.state.pc);
        if page.line(hart.ram(), pc, &mut self.lines).cells[line_slot(pc)].operands.is_undecoded() {
            page.decode(hart.ram(), pc, &mut self.lines);
        }
        page.bits(hart.ram(), pc, &mut self.lines).or_else(|| hart.fetch_instruction().ok())
    }

    /// Class of the instruction that [`Interpreter::step`] executes next; of one that is not
    /// cached, [`OpClass::Other`].
    pub fn class_of_next(&mut self, hart: &mut Hart) -> OpClass {
        let Ok(Some(index)) = self.find_page(hart) else { return OpClass::Other };
        let (page, pc) = (&mut self.pages[index], hart.state.pc);
        if page.line(hart.ram(), pc, &mut self.lines).cells[line_slot(pc)].operands.is_undecoded() {
            page.decode(hart.ram(), pc, &mut self.lines);
        }
        page.line(hart.ram(), pc, &mut self.lines).cells[line_slot(pc)].operands.class()
    }

    /// Executes one instruction, or takes the trap that it raises. Does nothing at the end
    /// of the quantum.
    pub fn step(&mut self, hart: &mut Hart) -> BlockEnd {
        if hart.state.countdown <= 0 {
            return BlockEnd::Poll;
        }
        match self.find_page(hart) {
            Ok(Some(page)) => run_in_page::<INSTRUCTION>(hart, &mut self.pages[page], &mut self.lines),
            Ok(None) => run_uncached(hart),
            Err(exception) => fetch_fault(hart, exception),
        }
    }

    /// Index of the decoded page that `pc` is on; `None` if its instructions must be
    /// fetched one by one.
    fn find_page(&mut self, hart: &mut Hart) -> Result<Option<usize>, Exception> {
        self.page_of(hart, hart.state.pc)
    }

    /// As [`Interpreter::find_page`], for the page of another address.
    #[inline]
    pub(super) fn page_of(&mut self, hart: &mut Hart, pc: u64) -> Result<Option<usize>, Exception> {
        if hart.translation_epoch() != self.translation_epoch {
            self.forget_flushed(hart);
        }
        if self.lines > MAX_LINES {
            self.forget_all();
        }
        let (page, generation) = (pc & !PAGE_MASK, hart.fetch_space().generation);
        let slot = self.fetch[(pc >> PAGE_SHIFT) as usize % FETCH_SLOTS];
        if slot.page() == page && slot.generation == generation {
            let decoded = slot.decoded();
            self.pages[decoded].refresh(hart.ram(), hart.fetch_fences());
            return Ok(Some(decoded));
        }
        let fetch = hart.translate_fetch(pc)?;
        if !fetch.whole_page {
            return Ok(None);
        }
        let decoded = self.decoded_page(hart, fetch.phys);
        let decoded = decoded.ok_or_else(|| Exception::new(ExceptionCause::InstructionAccessFault, pc))?;
        self.fetch[(pc >> PAGE_SHIFT) as usize % FETCH_SLOTS] = FetchSlot::new(page, generation, decoded);
        Ok(Some(decoded))
    }

    #[cold]
    fn forget_all(&mut self) {
        self.pages.clear();
        self.lines = 0;
        self.by_number.clear();
        self.fetch.fill(NO_FETCH);
    }

    /// Removes flushed entries from the fetch cache.
    #[cold]
    fn forget_flushed(&mut self, hart: &Hart) {
        match hart.flushed_since(self.translation_epoch) {
            Some(flushes) => {
                for flushed in flushes.filter(|flushed| flushed.code) {
                    let slot = &mut self.fetch[(flushed.page >> PAGE_SHIFT) as usize % FETCH_SLOTS];
                    if slot.page() == flushed.page && flushed.concerns(slot.generation) {
                        *slot = NO_FETCH;
                    }
                }
            }
            None => self.fetch.fill(NO_FETCH),
        }
        self.translation_epoch = hart.translation_epoch();
    }

    #[inline]
    fn decoded_page(&mut self, hart: &Hart, phys: GuestPhys) -> Option<usize> {
        if let Some(&page) = self.by_number.get(&phys.page_number()) {
            self.pages[page].refresh(hart.ram(), hart.fetch_fences());
            return Some(page);
        }
        self.new_page(hart, phys)
    }

    /// Not inlined: the page is on the stack before it is boxed, and a frame of that size
    /// is probed page by page on every call.
    #[cold]
    #[inline(never)]
    fn new_page(&mut self, hart: &Hart, phys: GuestPhys) -> Option<usize> {
        if self.pages.len() >= MAX_PAGES {
            self.forget_all();
        }
        let decoded = DecodedPage::new(hart.ram(), phys.page_start(), hart.fetch_fences())?;
        self.pages.push(decoded);
        self.by_number.insert(phys.page_number(), self.pages.len() - 1);
        Some(self.pages.len() - 1)
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
fn run_in_page<const EXTENT: u8>(hart: &mut Hart, page: &mut DecodedPage, lines: &mut usize) -> BlockEnd {
    let mut pc = hart.state.pc;
    'lines: loop {
        let line = page.line(hart.ram(), pc, lines);
        loop {
            let cell = line.cells[line_slot(pc)];
            if cell.operands.is_undecoded() {
                page.decode(hart.ram(), pc, lines);
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
