//! Programs and libraries of a guest, by address space and address.
//!
//! Address spaces come and go, and are used again. A program that was found in one is therefore
//! believed only if its header is still there, in the same physical page.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use riscope_core::addr::{GuestPhys, PAGE_MASK};
use riscope_core::mmu::Peek;

use super::elf_memory::{ElfFacts, ElfMemory, Header, header_at};
use super::file::SymbolFile;

/// Greatest number of programs, and of pages whose program is known.
const MAX_PROGRAMS: usize = 1024;
const MAX_PLACES: usize = 1 << 16;
/// Time for which a page that no program was found for is not searched again.
const SEARCH_AGAIN: Duration = Duration::from_secs(1);
/// How often a program that was not mapped as a whole is read, and the time in between.
const MAX_READS: u32 = 30;
const READ_AGAIN: Duration = Duration::from_millis(200);

/// Function, or place, in a program.
#[derive(Clone, Debug)]
pub(in crate::profile) struct Place {
    /// Name of the program or library.
    pub(in crate::profile) module: Arc<str>,
    /// Function and its address; or the address in the program's file.
    pub(in crate::profile) function: Result<(Arc<str>, u64), u64>,
}

/// Where the program of a page is.
#[derive(Clone, Debug)]
struct Known {
    elf: Arc<ElfMemory>,
    phys: GuestPhys,
    program: usize,
}

impl Known {
    /// Whether it is still there, with code at `address`.
    fn is_there(&self, peek: &Peek<'_>, address: u64) -> bool {
        peek.translate(self.elf.base).is_some_and(|(phys, _)| phys == self.phys)
            && header_at(peek, self.elf.base).is_some_and(|header| header == self.elf.header)
            && self.elf.has_code(address)
    }
}

#[derive(Debug)]
struct Program {
    facts: ElfFacts,
    name: Arc<str>,
    /// Position of the file with the same build id.
    file: Option<usize>,
    reads: u32,
    read_at: Instant,
}

/// Programs that samples were found in.
#[derive(Debug)]
pub(in crate::profile) struct Programs {
    files: Arc<[SymbolFile]>,
    programs: Vec<Program>,
    by_header: HashMap<(GuestPhys, Header), usize>,
    /// By `satp` and page; where no program is, the time when it was searched.
    places: HashMap<(u64, u64), Result<Known, Instant>>,
}

impl Programs {
    /// None yet; `files` name those with the same build ids.
    pub(in crate::profile) fn new(files: Arc<[SymbolFile]>) -> Self {
        Self { files, programs: Vec::new(), by_header: HashMap::new(), places: HashMap::new() }
    }

    /// What is at `address` of the address space `satp`; `None` if it is in no program.
    pub(in crate::profile) fn place(&mut self, peek: &Peek<'_>, satp: u64, address: u64) -> Option<Place> {
        let known = self.known(peek, satp, address)?;
        let in_file = address.wrapping_sub(known.elf.bias);
        if self.function(known.program, in_file).is_none() {
            self.read_again(peek, &known);
        }
        let program = self.programs.get(known.program)?;
        let function = self.function(known.program, in_file);
        let in_memory = |(name, start): (Arc<str>, u64)| (name, start.wrapping_add(known.elf.bias));
        Some(Place { module: Arc::clone(&program.name), function: function.map(in_memory).ok_or(in_file) })
    }

    fn function(&self, program: usize, in_file: u64) -> Option<(Arc<str>, u64)> {
        let program = self.programs.get(program)?;
        let file = program.file.and_then(|index| self.files.get(index));
        let symbol = file.and_then(|file| file.table.at(in_file)).or_else(|| program.facts.symbols.at(in_file))?;
        Some((Arc::clone(&symbol.name), symbol.start))
    }

    fn known(&mut self, peek: &Peek<'_>, satp: u64, address: u64) -> Option<Known> {
        let key = (satp, address & !PAGE_MASK);
        match self.places.get(&key) {
            Some(Ok(known)) if known.is_there(peek, address) => return Some(known.clone()),
            Some(Err(searched)) if searched.elapsed() < SEARCH_AGAIN => return None,
            _ => {}
        }
        let found = self.find(peek, address);
        if self.places.len() >= MAX_PLACES {
            self.places.clear();
        }
        self.places.insert(key, found.clone().ok_or_else(Instant::now));
        found
    }

    fn find(&mut self, peek: &Peek<'_>, address: u64) -> Option<Known> {
        let elf = ElfMemory::around(peek, address)?;
        let (phys, _) = peek.translate(elf.base)?;
        let key = (phys, elf.header);
        let program = match self.by_header.get(&key) {
            Some(program) => *program,
            None => {
                if self.programs.len() >= MAX_PROGRAMS {
                    (self.programs, self.by_header, self.places) = Default::default();
                }
                self.programs.push(self.read(peek, &elf, 1));
                self.by_header.insert(key, self.programs.len() - 1);
                self.programs.len() - 1
            }
        };
        Some(Known { elf: Arc::new(elf), phys, program })
    }

    fn read(&self, peek: &Peek<'_>, elf: &ElfMemory, reads: u32) -> Program {
        let facts = elf.facts(peek);
        let file = facts
            .build_id
            .as_ref()
            .and_then(|id| self.files.iter().position(|file| file.build_id.as_ref().is_some_and(|found| found == id)));
        let named = file.and_then(|index| self.files.get(index)).map(|file| Arc::clone(&file.name));
        let name = named.or_else(|| facts.soname.as_deref().map(Arc::from)).unwrap_or_else(|| anonymous(&facts));
        Program { facts, name, file, reads, read_at: Instant::now() }
    }

    /// Reads a program again of which parts were not mapped.
    fn read_again(&mut self, peek: &Peek<'_>, known: &Known) {
        let Some(program) = self.programs.get(known.program) else { return };
        let is_due =
            program.facts.is_incomplete && program.reads < MAX_READS && program.read_at.elapsed() >= READ_AGAIN;
        if is_due {
            let read = self.read(peek, &known.elf, program.reads + 1);
            if let Some(program) = self.programs.get_mut(known.program) {
                // Another process may have mapped less of it.
                if read.facts.symbols.len() >= program.facts.symbols.len() {
                    *program = read;
                } else {
                    (program.reads, program.read_at) = (read.reads, read.read_at);
                }
            }
        }
    }
}

/// Name of a program that has none in memory.
fn anonymous(facts: &ElfFacts) -> Arc<str> {
    match &facts.build_id {
        Some(id) => {
            let start: String = id.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
            format!("[program {start}]").into()
        }
        None => "[program]".into(),
    }
}

#[cfg(test)]
mod tests;
