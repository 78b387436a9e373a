//! Program or library in the memory of a guest: where it is, and its dynamic symbols.
//!
//! A program is found from an address inside it: its ELF header is at the start of a page below. Pages
//! that the guest has not touched are not mapped, so that there may be less than in its file; what is
//! not there is not used, and asked for again later.

use riscope_core::addr::{PAGE_SIZE, to_usize};
use riscope_core::mmu::Peek;

use super::file::build_id;
use super::table::{Symbol, SymbolTable};
use crate::profile::shown::{Space, shown};

/// Bytes below an address in which the ELF header of its program is searched.
const SEARCH: u64 = 128 << 20;
/// Bytes of an ELF header, and of the headers of segments behind it.
const HEADER: usize = 64;
const SEGMENT: usize = 56;
const MAX_SEGMENTS: usize = 64;
/// Bytes of an entry of the dynamic section and of a symbol; greatest numbers of these.
const DYNAMIC: u64 = 16;
const MAX_DYNAMIC: u64 = 256;
const SYMBOL: u64 = 24;
const MAX_SYMBOLS: u64 = 200_000;
/// Greatest size in bytes of strings and notes.
const MAX_STRINGS: u64 = 16 << 20;
const MAX_NOTES: u64 = 4096;
/// Longest name in bytes.
const MAX_NAME: usize = 4096;

const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_NOTE: u32 = 4;
const PF_X: u32 = 1;
const DT_STRTAB: u64 = 5;
const DT_SYMTAB: u64 = 6;
const DT_STRSZ: u64 = 10;
const DT_SONAME: u64 = 14;
const STT_FUNC: u8 = 2;

/// Header of an ELF file, which identifies it with the physical page that it is in.
pub(super) type Header = [u8; HEADER];

#[derive(Clone, Copy, Debug)]
struct Segment {
    kind: u32,
    flags: u32,
    address: u64,
    size: u64,
}

/// Program or library in an address space.
#[derive(Clone, Debug)]
pub(super) struct ElfMemory {
    /// Address of its header.
    pub(super) base: u64,
    pub(super) header: Header,
    /// What to add to the addresses in the file.
    pub(super) bias: u64,
    segments: Vec<Segment>,
}

/// What is known of a program.
#[derive(Clone, Debug, Default)]
pub(super) struct ElfFacts {
    pub(super) soname: Option<String>,
    pub(super) build_id: Option<Vec<u8>>,
    /// Dynamic symbols, by addresses in the file.
    pub(super) symbols: SymbolTable,
    /// Whether parts of it were not mapped.
    pub(super) is_incomplete: bool,
}

/// Memory that was read, as far as it is mapped.
struct Bytes {
    bytes: Vec<u8>,
    /// Whether each page, from that of the first byte on, was read.
    pages: Vec<bool>,
    offset: usize,
}

impl Bytes {
    fn read(peek: &Peek<'_>, start: u64, length: u64) -> Self {
        let length = to_usize(length);
        let (mut bytes, mut pages) = (vec![0; length], Vec::new());
        let offset = to_usize(start % PAGE_SIZE);
        let mut at = 0;
        while at < length {
            let part = (to_usize(PAGE_SIZE) - (offset + at) % to_usize(PAGE_SIZE)).min(length - at);
            let address = start.wrapping_add(at as u64);
            pages.push(peek.read(address, &mut bytes[at..at + part]) == part);
            at += part;
        }
        Self { bytes, pages, offset }
    }

    fn is_whole(&self) -> bool {
        self.pages.iter().all(|is_read| *is_read)
    }

    /// Bytes of a range, if all were read.
    fn get(&self, start: usize, length: usize) -> Option<&[u8]> {
        let bytes = self.bytes.get(start..start.checked_add(length)?)?;
        let page = |at: usize| (self.offset + at) / to_usize(PAGE_SIZE);
        let pages = self.pages.get(page(start)..=page(start + length.max(1) - 1))?;
        pages.iter().all(|is_read| *is_read).then_some(bytes)
    }

    /// String at `start`, if all of it was read.
    fn string(&self, start: usize) -> Option<&[u8]> {
        let length = self.bytes.get(start..)?.iter().take(MAX_NAME).position(|byte| *byte == 0)?;
        Some(&self.get(start, length + 1)?[..length])
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(|bytes| bytes.first_chunk().copied()).map_or(0, u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|bytes| bytes.first_chunk().copied()).map_or(0, u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|bytes| bytes.first_chunk().copied()).map_or(0, u64::from_le_bytes)
}

/// Header of an ELF file for 64-bit RISC-V at `base`.
pub(super) fn header_at(peek: &Peek<'_>, base: u64) -> Option<Header> {
    let mut header = [0; HEADER];
    let is_read = peek.read(base, &mut header) == HEADER;
    // 64-bit, little-endian, version 1; an executable or shared object; RISC-V; the size of a segment header.
    let is_elf = is_read
        && header.starts_with(b"\x7fELF\x02\x01\x01")
        && matches!(u16_at(&header, 16), 2 | 3)
        && u16_at(&header, 18) == 243
        && usize::from(u16_at(&header, 54)) == SEGMENT;
    is_elf.then_some(header)
}

impl ElfMemory {
    /// The program whose code `address` is in; `None` if no header below says that it is.
    pub(super) fn around(peek: &Peek<'_>, address: u64) -> Option<Self> {
        let mut page = address & !(PAGE_SIZE - 1);
        let lowest = address.saturating_sub(SEARCH);
        loop {
            if let Some(header) = header_at(peek, page) {
                // Another header than that of the program is followed by the wrong segments.
                return Self::at(peek, page, header).filter(|elf| elf.has_code(address));
            }
            page = page.checked_sub(PAGE_SIZE).filter(|page| *page >= lowest)?;
        }
    }

    fn at(peek: &Peek<'_>, base: u64, header: Header) -> Option<Self> {
        let number = usize::from(u16_at(&header, 56)).min(MAX_SEGMENTS);
        let mut bytes = vec![0; number * SEGMENT];
        let table = base.checked_add(u64_at(&header, 32))?;
        if peek.read(table, &mut bytes) != bytes.len() {
            return None;
        }
        let segments: Vec<Segment> = bytes
            .as_chunks::<SEGMENT>()
            .0
            .iter()
            .map(|segment| Segment {
                kind: u32_at(segment, 0),
                flags: u32_at(segment, 4),
                address: u64_at(segment, 16),
                size: u64_at(segment, 40),
            })
            .collect();
        let first = bytes.as_chunks::<SEGMENT>().0.iter().find(|s| u32_at(*s, 0) == PT_LOAD && u64_at(*s, 8) == 0)?;
        let bias = base.wrapping_sub(u64_at(first, 16) & !(PAGE_SIZE - 1));
        Some(Self { base, header, bias, segments })
    }

    /// Whether `address` is in a segment of code.
    pub(super) fn has_code(&self, address: u64) -> bool {
        let in_file = address.wrapping_sub(self.bias);
        let mut code = self.segments.iter().filter(|segment| segment.kind == PT_LOAD && segment.flags & PF_X != 0);
        code.any(|segment| in_file >= segment.address && in_file - segment.address < segment.size)
    }

    /// Address in memory of what the dynamic section has at `address`, which the loader may have
    /// relocated.
    fn in_memory(&self, address: u64) -> Option<u64> {
        let is_loaded = |address: u64| {
            let in_file = address.wrapping_sub(self.bias);
            self.segments.iter().any(|segment| {
                segment.kind == PT_LOAD && in_file >= segment.address && in_file - segment.address < segment.size
            })
        };
        [address, address.wrapping_add(self.bias)].into_iter().find(|address| is_loaded(*address))
    }

    /// Name, build id and symbols.
    pub(super) fn facts(&self, peek: &Peek<'_>) -> ElfFacts {
        let of_kind = |kind| self.segments.iter().filter(move |segment| segment.kind == kind);
        let mut facts = ElfFacts::default();
        for segment in of_kind(PT_NOTE).filter(|segment| segment.size <= MAX_NOTES) {
            let notes = Bytes::read(peek, segment.address.wrapping_add(self.bias), segment.size);
            facts.is_incomplete |= !notes.is_whole();
            facts.build_id = facts.build_id.or_else(|| build_id(notes.get(0, notes.bytes.len())?));
        }
        if let Some(dynamic) = of_kind(PT_DYNAMIC).next() {
            let size = dynamic.size.min(MAX_DYNAMIC * DYNAMIC);
            let dynamic = Bytes::read(peek, dynamic.address.wrapping_add(self.bias), size);
            facts.is_incomplete |= !dynamic.is_whole();
            self.read_dynamic(peek, &dynamic.bytes, &mut facts);
        }
        facts
    }

    fn read_dynamic(&self, peek: &Peek<'_>, dynamic: &[u8], facts: &mut ElfFacts) -> Option<()> {
        let entries = || dynamic.as_chunks::<16>().0.iter().map(|entry| (u64_at(entry, 0), u64_at(entry, 8)));
        let value = |tag| entries().find(|(found, _)| *found == tag).map(|(_, value)| value);
        let strings_at = self.in_memory(value(DT_STRTAB)?)?;
        let strings = Bytes::read(peek, strings_at, value(DT_STRSZ)?.min(MAX_STRINGS));
        let soname = value(DT_SONAME).and_then(|offset| strings.string(to_usize(offset)));
        facts.soname = soname.filter(|name| !name.is_empty()).map(shown);
        // Strings are behind the symbols, whose number is nowhere.
        let symbols_at = self.in_memory(value(DT_SYMTAB)?)?;
        let number = (strings_at.checked_sub(symbols_at)? / SYMBOL).min(MAX_SYMBOLS);
        let table = Bytes::read(peek, symbols_at, number * SYMBOL);
        facts.is_incomplete |= !table.is_whole() || !strings.is_whole();
        let mut space = Space::new();
        let symbols = (0..to_usize(number)).filter_map(|index| {
            let symbol = table.get(index * to_usize(SYMBOL), to_usize(SYMBOL))?;
            let (start, size) = (u64_at(symbol, 8), u64_at(symbol, 16));
            // Defined functions only.
            if symbol[4] & 15 != STT_FUNC || u16_at(symbol, 6) == 0 || size == 0 {
                return None;
            }
            let name = strings.string(usize::try_from(u32_at(symbol, 0)).ok()?)?;
            let end = start.checked_add(size)?;
            let name = space.shown(name).filter(|name| !name.is_empty())?;
            Some(Symbol { start, end, name: name.into() })
        });
        facts.symbols = SymbolTable::new(symbols.collect(), false);
        Some(())
    }
}
