//! ELF files: kernels, firmware and bare-metal programs.

use object::elf::{EM_RISCV, ET_DYN, FileHeader64, PT_INTERP, PT_LOAD, SHT_SYMTAB};
use object::read::elf::{FileHeader, ProgramHeader, Sym};
use object::{LittleEndian, ReadRef};
use riscope_core::addr::PAGE_SIZE;

use super::{Placement, PlacementError, Signature};
use crate::device::htif::HtifSymbols;

/// Why an ELF file cannot be loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ElfError {
    /// It contradicts itself or is cut off.
    #[error("it is a damaged ELF file: {0}")]
    Damaged(String),
    /// Another architecture, word size or byte order.
    #[error("it is an ELF file, but not for 64-bit little-endian RISC-V")]
    WrongMachine,
    /// Nothing in it is to be loaded.
    #[error("it is an ELF file without anything to load; it may be an object file that was not linked")]
    NothingToLoad,
    /// Its first instruction is not in what was loaded.
    #[error("its entry point {0:#x} is in no segment that is in RAM; link it for addresses in RAM")]
    Entry(u64),
    /// `tohost` or `fromhost` is not where loads and stores of 8 bytes are possible.
    #[error("its HTIF symbol at {0:#x} is no aligned 8-byte word in RAM; align it in the program or rename the symbol")]
    HtifWord(u64),
    /// It does not fit.
    #[error(transparent)]
    Placement(#[from] PlacementError),
}

impl From<object::read::Error> for ElfError {
    fn from(error: object::read::Error) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// What a loaded ELF file offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedElf {
    /// Physical address of its entry point.
    pub entry: u64,
    /// Physical addresses of the HTIF words, if it has them.
    pub htif: Option<HtifSymbols>,
    /// Memory between `begin_signature` and `end_signature`, if it has them.
    pub signature: Option<Signature>,
}

/// A loadable segment.
#[derive(Clone, Copy, Debug)]
struct Segment<'f> {
    virt: u64,
    phys: u64,
    size: u64,
    data: &'f [u8],
    /// Whether it begins with the file's own headers.
    has_headers: bool,
}

impl Segment<'_> {
    /// Physical address of a virtual address in the segment.
    fn translate(&self, virt: u64) -> Option<u64> {
        let offset = virt.checked_sub(self.virt)?;
        (offset < self.size).then(|| self.phys.wrapping_add(offset))
    }

    /// Physical address of the end of the segment, if that is where `virt` is.
    fn translate_end(&self, virt: u64) -> Option<u64> {
        (virt == self.virt.wrapping_add(self.size)).then(|| self.phys.wrapping_add(self.size))
    }

    /// Whether a physical address is in the segment.
    fn holds(&self, phys: u64) -> bool {
        phys.checked_sub(self.phys).is_some_and(|offset| offset < self.size)
    }

    /// What of it is not below the physical address `start`, if anything.
    fn not_below(&self, start: u64) -> Option<Self> {
        let below = start.saturating_sub(self.phys);
        let size = self.size.checked_sub(below).filter(|&size| size > 0)?;
        let data = usize::try_from(below).ok().and_then(|below| self.data.get(below..)).unwrap_or_default();
        Some(Self { virt: self.virt.wrapping_add(below), phys: self.phys.wrapping_add(below), size, data, ..*self })
    }
}

/// Whether an ELF file is linked to run at any address and relocates itself, as the
/// firmware of OpenSBI 1.6 does.
pub fn is_position_independent(bytes: &[u8]) -> bool {
    parse_header(bytes).is_ok_and(|header| {
        let mut programs = header.program_headers(LittleEndian, bytes).into_iter().flatten();
        // A program for an operating system asks for an interpreter.
        header.e_type(LittleEndian) == ET_DYN && programs.all(|it| it.p_type(LittleEndian) != PT_INTERP)
    })
}

/// Loads an ELF file at its physical addresses.
///
/// Linkers put the file's headers in a segment of their own, or in the page before the
/// code: what is below RAM of such a segment is left out. A file that is below RAM as a whole, as
/// `vmlinux` is, goes to `relocate_to`, if that is given.
///
/// # Errors
/// [`ElfError`] for a file that is damaged, of the wrong kind, or does not fit.
pub fn load(
    placement: &mut Placement,
    name: &str,
    bytes: &[u8],
    relocate_to: Option<u64>,
) -> Result<LoadedElf, ElfError> {
    let header = parse_header(bytes)?;
    let segments = place_segments(load_segments(header, bytes)?, placement.ram_start(), relocate_to)?;
    for segment in &segments {
        placement.load(name, segment.phys, segment.size, segment.data)?;
    }
    let physical = |virt: u64| {
        // The end of a signature may be the end of its segment.
        let within = segments.iter().find_map(|segment| segment.translate(virt));
        within.or_else(|| segments.iter().find_map(|segment| segment.translate_end(virt))).unwrap_or(virt)
    };
    let entry = find_entry(physical(header.e_entry(LittleEndian)), &segments)?;
    let symbols = find_symbols(header, bytes)?;
    let at = |index: usize| symbols[index].map(physical);
    let word = |address: u64| {
        let usable = address.is_multiple_of(8) && placement.is_ram(address, 8);
        if usable { Ok(address) } else { Err(ElfError::HtifWord(address)) }
    };
    let htif = match at(0) {
        Some(tohost) => Some(HtifSymbols { tohost: word(tohost)?, fromhost: at(1).map(word).transpose()? }),
        None => None,
    };
    Ok(LoadedElf { entry, htif, signature: at(2).zip(at(3)).map(|(start, end)| Signature { start, end }) })
}

/// Decides which part of each segment goes where.
fn place_segments<'f>(
    all: Vec<Segment<'f>>,
    ram_start: u64,
    relocate_to: Option<u64>,
) -> Result<Vec<Segment<'f>>, ElfError> {
    let lowest = all.iter().map(|segment| segment.phys).min().ok_or(ElfError::NothingToLoad)?;
    if all.iter().any(|segment| segment.not_below(ram_start).is_some()) {
        // Anything else below RAM is refused where it is placed.
        let needed =
            |segment: Segment<'f>| if segment.has_headers { segment.not_below(ram_start) } else { Some(segment) };
        return Ok(all.into_iter().filter_map(needed).collect());
    }
    let Some(base) = relocate_to else { return Ok(all) };
    // Moved by whole pages, so that what was aligned stays aligned.
    let lowest = lowest & !(PAGE_SIZE - 1);
    let moved = |segment| {
        let Segment { phys, .. } = segment;
        Segment { phys: (phys - lowest).wrapping_add(base), ..segment }
    };
    Ok(all.into_iter().map(moved).collect())
}

/// Checks the entry point. Linkers write 0 when they have not found one; such a program
/// begins where its memory does.
fn find_entry(entry: u64, segments: &[Segment<'_>]) -> Result<u64, ElfError> {
    if segments.iter().any(|segment| segment.holds(entry)) {
        return Ok(entry);
    }
    let lowest = segments.iter().map(|segment| segment.phys).min();
    lowest.filter(|_| entry == 0).ok_or(ElfError::Entry(entry))
}

fn parse_header(bytes: &[u8]) -> Result<&FileHeader64<LittleEndian>, ElfError> {
    let header = FileHeader64::<LittleEndian>::parse(bytes).map_err(|error| match bytes.get(4..6) {
        // Class and byte order: 64 bits, little-endian.
        Some([2, 1]) | None => error.into(),
        Some(_) => ElfError::WrongMachine,
    })?;
    let machine = header.endian().map(|endian| header.e_machine(endian));
    if machine == Ok(EM_RISCV) { Ok(header) } else { Err(ElfError::WrongMachine) }
}

fn load_segments<'f>(header: &FileHeader64<LittleEndian>, bytes: &'f [u8]) -> Result<Vec<Segment<'f>>, ElfError> {
    let mut segments = Vec::new();
    for program_header in header.program_headers(LittleEndian, bytes)? {
        let size = program_header.p_memsz(LittleEndian);
        if program_header.p_type(LittleEndian) != PT_LOAD || size == 0 {
            continue;
        }
        let damaged = |what: &str| ElfError::Damaged(what.into());
        let data = program_header.data(LittleEndian, bytes).map_err(|()| damaged("a segment is cut off"))?;
        if data.len() as u64 > size {
            return Err(damaged("a segment has more bytes in the file than in memory"));
        }
        let (virt, phys) = (program_header.p_vaddr(LittleEndian), program_header.p_paddr(LittleEndian));
        let has_headers = program_header.p_offset(LittleEndian) == 0;
        segments.push(Segment { virt, phys, size, data, has_headers });
    }
    Ok(segments)
}

/// Values of `tohost`, `fromhost`, `begin_signature` and `end_signature`.
fn find_symbols<'f, R: ReadRef<'f>>(
    header: &FileHeader64<LittleEndian>,
    bytes: R,
) -> Result<[Option<u64>; 4], ElfError> {
    const NAMES: [&[u8]; 4] = [b"tohost", b"fromhost", b"begin_signature", b"end_signature"];
    let sections = header.sections(LittleEndian, bytes)?;
    let table = sections.symbols(LittleEndian, bytes, SHT_SYMTAB)?;
    let mut found = [None; 4];
    for symbol in table.iter() {
        // A weak symbol that nobody defined is listed all the same.
        if symbol.is_undefined(LittleEndian) {
            continue;
        }
        // A symbol whose name is damaged is none that matters here.
        let Ok(name) = symbol.name(LittleEndian, table.strings()) else { continue };
        if let Some(index) = NAMES.iter().position(|wanted| *wanted == name) {
            found[index] = Some(symbol.st_value(LittleEndian));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
