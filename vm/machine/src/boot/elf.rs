//! ELF files: kernels, firmware and bare-metal programs.

use object::elf::{EM_RISCV, FileHeader64, PT_LOAD, SHT_SYMTAB};
use object::read::elf::{FileHeader, ProgramHeader, Sym};
use object::{LittleEndian, ReadRef};

use super::{Placement, PlacementError, Signature};

const MAGIC: [u8; 4] = *b"\x7fELF";

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

/// Physical addresses of the words through which HTIF works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HtifSymbols {
    /// Symbol `tohost`.
    pub tohost: u64,
    /// Symbol `fromhost`.
    pub fromhost: Option<u64>,
}

/// A loadable segment.
#[derive(Clone, Copy, Debug)]
struct Segment<'f> {
    virt: u64,
    phys: u64,
    size: u64,
    data: &'f [u8],
}

impl Segment<'_> {
    /// Physical address of a virtual address in the segment.
    fn translate(&self, virt: u64) -> Option<u64> {
        let offset = virt.checked_sub(self.virt)?;
        (offset < self.size).then(|| self.phys.wrapping_add(offset))
    }
}

/// Whether `bytes` claim to be an ELF file.
pub fn is_elf(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// Loads an ELF file at its physical addresses. A file that is linked for addresses
/// below RAM, as `vmlinux` is, goes to `relocate_to` as a whole, if that is given.
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
    let mut segments = load_segments(header, bytes)?;
    let lowest = segments.iter().map(|segment| segment.phys).min().ok_or(ElfError::NothingToLoad)?;
    if let Some(base) = relocate_to.filter(|_| lowest < placement.ram_start()) {
        for segment in &mut segments {
            segment.phys = (segment.phys - lowest).wrapping_add(base);
        }
    }
    for segment in &segments {
        placement.load(name, segment.phys, segment.size, segment.data)?;
    }
    let physical = |virt: u64| segments.iter().find_map(|segment| segment.translate(virt)).unwrap_or(virt);
    let symbols = find_symbols(header, bytes)?;
    let at = |index: usize| symbols[index].map(physical);
    Ok(LoadedElf {
        entry: physical(header.e_entry(LittleEndian)),
        htif: at(0).map(|tohost| HtifSymbols { tohost, fromhost: at(1) }),
        signature: at(2).zip(at(3)).map(|(start, end)| Signature { start, end }),
    })
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
        segments.push(Segment { virt, phys, size, data });
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
