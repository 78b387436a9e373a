//! Names of kernel and firmware code: from files, and from the kernel's own table.

use std::sync::Arc;
use std::time::{Duration, Instant};

use riscope_core::addr::{PAGE_SIZE, to_usize};
use riscope_core::mmu::Peek;

use super::file::SymbolFile;
use super::kallsyms;
use super::table::SymbolTable;

/// Lowest address of Linux's image (`KERNEL_LINK_ADDR`), with page tables of every depth. An image that
/// is loaded elsewhere at random is above.
const KERNEL: u64 = 0xffff_ffff_8000_0000;
/// Steps in which the image is looked for, which is what its pages are aligned to.
const STEP: u64 = 2 << 20;
/// Greatest number of bytes that are searched at a time.
const MAX_SEARCHED: u64 = 128 << 20;
/// How often a table is looked for, and the time in between: while the kernel boots, it is not mapped.
const MAX_SEARCHES: u32 = 10;
const SEARCH_AGAIN: Duration = Duration::from_secs(1);
/// Symbol by which a file's addresses are compared with those of the kernel.
const REFERENCE: &str = "_stext";

/// Symbols of the kernel and of firmware.
#[derive(Debug)]
pub(in crate::profile) struct KernelSymbols {
    files: Arc<[SymbolFile]>,
    table: Option<SymbolTable>,
    searches: u32,
    searched: Option<Instant>,
}

impl KernelSymbols {
    /// Those of `files`, until the kernel's table is found.
    pub(in crate::profile) fn new(files: Arc<[SymbolFile]>) -> Self {
        Self { files, table: None, searches: 0, searched: None }
    }

    /// Forgets the kernel's table: the machine has been reset.
    pub(in crate::profile) fn forget(&mut self) {
        (self.table, self.searches, self.searched) = (None, 0, None);
    }

    /// Function at an `address` of code that runs without page tables, and its start.
    pub(in crate::profile) fn physical(&self, address: u64) -> Option<(Arc<str>, u64)> {
        self.in_files(address, 0)
    }

    /// Function at an `address` of the kernel in this address space, and its start.
    pub(in crate::profile) fn kernel(&mut self, peek: &Peek<'_>, address: u64) -> Option<(Arc<str>, u64)> {
        self.search(peek);
        if let Some(found) = self.in_files(address, self.shift()) {
            return Some(found);
        }
        let symbol = self.table.as_ref()?.at(address)?;
        Some((Arc::clone(&symbol.name), symbol.start))
    }

    /// Where the names are from, for a reader.
    pub(in crate::profile) fn source(&self) -> String {
        let in_kernel = |file: &&SymbolFile| file.is_fixed && file.table.address_of(REFERENCE).is_some();
        let files: Vec<&str> = self.files.iter().filter(in_kernel).map(|file| &*file.name).collect();
        match (&self.table, files.is_empty()) {
            (Some(table), true) => format!("{} kernel symbols found in guest memory (kallsyms)", table.len()),
            (Some(table), false) => {
                format!("kernel symbols of {}, and {} found in guest memory (kallsyms)", files.join(", "), table.len())
            }
            (None, false) => format!("kernel symbols of {}", files.join(", ")),
            (None, true) => "no kernel symbols: none in a file, and no kallsyms found in guest memory".to_owned(),
        }
    }

    /// Distance of the kernel from where its files have it.
    fn shift(&self) -> u64 {
        let file = self.files.iter().filter(|file| file.is_fixed).find_map(|file| file.table.address_of(REFERENCE));
        let found = self.table.as_ref().and_then(|table| table.address_of(REFERENCE));
        found.zip(file).map_or(0, |(found, file)| found.wrapping_sub(file))
    }

    fn in_files(&self, address: u64, shift: u64) -> Option<(Arc<str>, u64)> {
        let address = address.wrapping_sub(shift);
        let symbol = self.files.iter().filter(|file| file.is_fixed).find_map(|file| file.table.at(address))?;
        Some((Arc::clone(&symbol.name), symbol.start.wrapping_add(shift)))
    }

    fn search(&mut self, peek: &Peek<'_>) {
        let is_due = self.searched.is_none_or(|searched| searched.elapsed() >= SEARCH_AGAIN);
        if self.table.is_none() && self.searches < MAX_SEARCHES && is_due {
            self.searches += 1;
            self.table = search(peek);
            self.searched = Some(Instant::now());
        }
    }
}

/// The table of the kernel that is mapped here.
fn search(peek: &Peek<'_>) -> Option<SymbolTable> {
    let (mut address, mut left) = (Some(KERNEL), to_usize(MAX_SEARCHED));
    // Modules may be mapped before the image.
    while let Some(start) = address.filter(|_| left > 0) {
        if peek.read(start, &mut [0]) == 0 {
            address = start.checked_add(STEP);
            continue;
        }
        let image = mapped(peek, start, left);
        if let Some(table) = kallsyms::find(&image, start) {
            return Some(table);
        }
        left -= image.len();
        address = start.checked_add(image.len() as u64 + STEP);
    }
    None
}

/// Memory from `start` on, in whole steps, to the first of which nothing is mapped. Pages that are not
/// mapped are zero.
fn mapped(peek: &Peek<'_>, start: u64, limit: usize) -> Vec<u8> {
    let mut image = Vec::new();
    let pages = to_usize(STEP / PAGE_SIZE);
    while image.len() < limit {
        let done = image.len();
        let Some(step) = start.checked_add(done as u64).filter(|step| step.checked_add(STEP).is_some()) else { break };
        image.resize(done + to_usize(STEP), 0);
        let pages = image[done..].chunks_mut(to_usize(PAGE_SIZE)).zip(0..pages);
        let read = pages.filter_map(|(page, index)| match peek.read(step + index as u64 * PAGE_SIZE, page) {
            0 => None,
            read => Some(read),
        });
        if read.count() == 0 {
            image.truncate(done);
            break;
        }
    }
    image
}

#[cfg(test)]
mod tests {
    use riscope_core::addr::GuestPhys;
    use riscope_core::mem::GuestRam;

    use super::*;

    fn named(symbols: &KernelSymbols, address: u64) -> Option<(String, u64)> {
        symbols.physical(address).map(|(name, start)| (name.to_string(), start))
    }

    #[test]
    fn a_kernel_without_symbols_has_none_and_that_is_said() {
        let ram = GuestRam::new(GuestPhys(0x8000_0000), 1 << 20).unwrap();
        let mut symbols = KernelSymbols::new(Arc::from([]));
        assert_eq!(symbols.kernel(&Peek::new(&ram, 0), KERNEL), None);
        assert_eq!(symbols.physical(0x8000_0000), None);
        assert!(symbols.source().starts_with("no kernel symbols"), "{}", symbols.source());
    }

    #[test]
    fn files_name_code_at_their_addresses_or_where_the_kernel_has_moved() {
        let scratch = std::env::temp_dir().join(format!("riscope-symbols-{}", std::process::id()));
        std::fs::write(&scratch, "ffffffff80001000 T _stext\nffffffff80002000 t helper\n").unwrap();
        let file = SymbolFile::read(&scratch).unwrap();
        std::fs::remove_file(&scratch).unwrap();
        let mut symbols = KernelSymbols::new(Arc::from([file]));
        assert_eq!(named(&symbols, KERNEL + 0x2004), Some(("helper".into(), KERNEL + 0x2000)));
        assert!(symbols.source().contains("riscope-symbols"), "{}", symbols.source());
        let moved = super::super::table::Symbol { start: KERNEL + 0x60_1000, end: 0, name: REFERENCE.into() };
        symbols.table = Some(SymbolTable::new(vec![moved], true));
        let ram = GuestRam::new(GuestPhys(0x8000_0000), 1 << 20).unwrap();
        let found = symbols.kernel(&Peek::new(&ram, 0), KERNEL + 0x60_2004);
        assert_eq!(found.map(|(name, start)| (name.to_string(), start)), Some(("helper".into(), KERNEL + 0x60_2000)));
    }
}
