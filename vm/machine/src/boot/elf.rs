//! ELF loader for kernels, firmware and bare-metal programs.

use object::elf::{EM_RISCV, ET_DYN, FileHeader64, PT_INTERP, PT_LOAD, SHT_SYMTAB};
use object::read::elf::{FileHeader, ProgramHeader, Sym};
use object::{LittleEndian, ReadRef};
use riscope_core::addr::PAGE_SIZE;

use super::{Placement, PlacementError, Signature};
use crate::device::htif::HtifSymbols;

/// Errors of loading an ELF file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ElfError {
    /// The file is inconsistent or truncated.
    #[error("it is a damaged ELF file: {0}")]
    Damaged(String),
    /// The file is for another architecture, word size or byte order.
    #[error("it is an ELF file, but not for 64-bit little-endian RISC-V")]
    WrongMachine,
    /// The file has no loadable segment.
    #[error("it is an ELF file without anything to load; it may be an object file that was not linked")]
    NothingToLoad,
    /// The entry point is outside of the loaded segments.
    #[error("its entry point {0:#x} is in no segment that is in RAM; link it for addresses in RAM")]
    Entry(u64),
    /// `tohost` or `fromhost` is not an aligned 8-byte word of RAM.
    #[error("its HTIF symbol at {0:#x} is no aligned 8-byte word in RAM; align it in the program or rename the symbol")]
    HtifWord(u64),
    /// The file does not fit into memory.
    #[error(transparent)]
    Placement(#[from] PlacementError),
}

impl From<object::read::Error> for ElfError {
    fn from(error: object::read::Error) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// Loaded ELF file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedElf {
    /// Physical address of its entry point.
    pub entry: u64,
    /// Physical addresses of the HTIF words, if the file defines them.
    pub htif: Option<HtifSymbols>,
    /// Memory from `begin_signature` to `end_signature`, if the file defines them.
    pub signature: Option<Signature>,
}

/// Loadable segment.
#[derive(Clone, Copy, Debug)]
struct Segment<'f> {
    virt: u64,
    phys: u64,
    size: u64,
    data: &'f [u8],
    /// Whether it contains the file's headers.
    has_headers: bool,
}

impl Segment<'_> {
    /// Physical address of `virt`, if it is in the segment.
    fn translate(&self, virt: u64) -> Option<u64> {
        let offset = virt.checked_sub(self.virt)?;
        (offset < self.size).then(|| self.phys.wrapping_add(offset))
    }

    /// Physical end address of the segment, if `virt` is its virtual end.
    fn translate_end(&self, virt: u64) -> Option<u64> {
        (virt == self.virt.wrapping_add(self.size)).then(|| self.phys.wrapping_add(self.size))
    }

    /// Whether physical address `phys` is in the segment.
    fn holds(&self, phys: u64) -> bool {
        phys.checked_sub(self.phys).is_some_and(|offset| offset < self.size)
    }

    /// Part of the segment at or above physical address `start`, if any.
    fn not_below(&self, start: u64) -> Option<Self> {
        let below = start.saturating_sub(self.phys);
        let size = self.size.checked_sub(below).filter(|&size| size > 0)?;
        let data = usize::try_from(below).ok().and_then(|below| self.data.get(below..)).unwrap_or_default();
        Some(Self { virt: self.virt.wrapping_add(below), phys: self.phys.wrapping_add(below), size, data, ..*self })
    }
}

/// Whether an ELF file is position-independent and relocates itself, as OpenSBI 1.6 does.
pub fn is_position_independent(bytes: &[u8]) -> bool {
    parse_header(bytes).is_ok_and(|header| {
        let mut programs = header.program_headers(LittleEndian, bytes).into_iter().flatten();
        // Programs for an operating system request an interpreter.
        header.e_type(LittleEndian) == ET_DYN && programs.all(|it| it.p_type(LittleEndian) != PT_INTERP)
    })
}

/// Loads an ELF file at its physical addresses.
///
/// Linkers put the file's headers into a segment of their own or into the page before the
/// code; the part of such a segment below RAM is skipped. A file entirely below RAM, such
/// as `vmlinux`, is moved to `relocate_to` if given.
///
/// # Errors
/// [`ElfError`] if the file is damaged, of the wrong kind, or does not fit.
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
        // `end_signature` may be the end of its segment.
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

/// Selects the part of each segment to load, and its address.
fn place_segments<'f>(
    all: Vec<Segment<'f>>,
    ram_start: u64,
    relocate_to: Option<u64>,
) -> Result<Vec<Segment<'f>>, ElfError> {
    let lowest = all.iter().map(|segment| segment.phys).min().ok_or(ElfError::NothingToLoad)?;
    if all.iter().any(|segment| segment.not_below(ram_start).is_some()) {
        // Other segments below RAM are rejected when placed.
        let needed =
            |segment: Segment<'f>| if segment.has_headers { segment.not_below(ram_start) } else { Some(segment) };
        return Ok(all.into_iter().filter_map(needed).collect());
    }
    let Some(base) = relocate_to else { return Ok(all) };
    // Moved by whole pages, which preserves alignment.
    let lowest = lowest & !(PAGE_SIZE - 1);
    let moved = |segment| {
        let Segment { phys, .. } = segment;
        Segment { phys: (phys - lowest).wrapping_add(base), ..segment }
    };
    Ok(all.into_iter().map(moved).collect())
}

/// Checks the entry point. 0, which linkers write for a missing one, stands for the start
/// of memory of the program.
fn find_entry(entry: u64, segments: &[Segment<'_>]) -> Result<u64, ElfError> {
    if segments.iter().any(|segment| segment.holds(entry)) {
        return Ok(entry);
    }
    let lowest = segments.iter().map(|segment| segment.phys).min();
    lowest.filter(|_| entry == 0).ok_or(ElfError::Entry(entry))
}

/// Header of a file for this machine.
pub(super) fn parse_header(bytes: &[u8]) -> Result<&FileHeader64<LittleEndian>, ElfError> {
    let header = FileHeader64::<LittleEndian>::parse(bytes).map_err(|error| match bytes.get(4..6) {
        // Class and byte order: ELFCLASS64, ELFDATA2LSB.
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

/// Values of the symbols `tohost`, `fromhost`, `begin_signature` and `end_signature`.
fn find_symbols<'f, R: ReadRef<'f>>(
    header: &FileHeader64<LittleEndian>,
    bytes: R,
) -> Result<[Option<u64>; 4], ElfError> {
    const NAMES: [&[u8]; 4] = [b"tohost", b"fromhost", b"begin_signature", b"end_signature"];
    let sections = header.sections(LittleEndian, bytes)?;
    let table = sections.symbols(LittleEndian, bytes, SHT_SYMTAB)?;
    let mut found = [None; 4];
    for symbol in table.iter() {
        // Undefined weak symbols are listed as well.
        if symbol.is_undefined(LittleEndian) {
            continue;
        }
        // A symbol with an invalid name is none of these.
        let Ok(name) = symbol.name(LittleEndian, table.strings()) else { continue };
        if let Some(index) = NAMES.iter().position(|wanted| *wanted == name) {
            found[index] = Some(symbol.st_value(LittleEndian));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
