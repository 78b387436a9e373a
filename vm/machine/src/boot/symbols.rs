//! Symbols of boot files, by which profiles name guest code.

use object::LittleEndian;
use object::elf::{SHT_SYMTAB, STT_FUNC, STT_NOTYPE};
use object::read::elf::{FileHeader, Sym};

use super::elf::{ElfError, parse_header};

/// Bytes behind a symbol without a size and without a successor that it still names.
const LONGEST_UNSIZED: u64 = 64 << 10;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Symbol {
    start: u64,
    end: u64,
    name: Box<str>,
}

/// Symbols of code by virtual address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Symbols(Vec<Symbol>);

impl Symbols {
    /// The symbols of an ELF file; none if it was stripped.
    ///
    /// # Errors
    /// [`ElfError`] if the file is damaged or not for 64-bit RISC-V.
    pub fn of_elf(bytes: &[u8]) -> Result<Self, ElfError> {
        let header = parse_header(bytes)?;
        let sections = header.sections(LittleEndian, bytes)?;
        let table = sections.symbols(LittleEndian, bytes, SHT_SYMTAB)?;
        let mut symbols = Vec::new();
        for symbol in table.iter() {
            // Absolute symbols are constants of assembly programs.
            if symbol.is_undefined(LittleEndian) || symbol.is_absolute(LittleEndian) {
                continue;
            }
            let Ok(name) = symbol.name(LittleEndian, table.strings()) else { continue };
            // `$x` and the like separate code from data, `.L` begins labels inside functions.
            let is_named = !name.is_empty() && !name.starts_with(b"$") && !name.starts_with(b".L");
            if is_named && matches!(symbol.st_type(), STT_FUNC | STT_NOTYPE) {
                let start = symbol.st_value(LittleEndian);
                let end = start.saturating_add(symbol.st_size(LittleEndian));
                symbols.push(Symbol { start, end, name: String::from_utf8_lossy(name).into() });
            }
        }
        Ok(Self::of(symbols))
    }

    /// Sorts symbols; of those at the same address, the longest stays.
    fn of(mut symbols: Vec<Symbol>) -> Self {
        symbols.sort_by(|a, b| (a.start, b.end, &a.name).cmp(&(b.start, a.end, &b.name)));
        symbols.dedup_by_key(|symbol| symbol.start);
        let starts: Vec<u64> = symbols.iter().skip(1).map(|symbol| symbol.start).collect();
        for (index, symbol) in symbols.iter_mut().enumerate().filter(|(_, symbol)| symbol.end == symbol.start) {
            let limit = symbol.start.saturating_add(LONGEST_UNSIZED);
            symbol.end = starts.get(index).map_or(limit, |next| limit.min(*next));
        }
        Self(symbols)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Name of the code at `address`, such as `memcpy+0x12`, if a symbol covers it.
    pub fn name_of(&self, address: u64) -> Option<String> {
        let behind = self.0.partition_point(|symbol| symbol.start <= address);
        let symbol = self.0.get(behind.checked_sub(1)?).filter(|symbol| address < symbol.end)?;
        match address - symbol.start {
            0 => Some(symbol.name.to_string()),
            offset => Some(format!("{}+{offset:#x}", symbol.name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::elf_file::{ElfFile, FileSegment, UNDEFINED};
    use super::*;

    fn symbol(start: u64, size: u64, name: &str) -> Symbol {
        Symbol { start, end: start + size, name: name.into() }
    }

    #[test]
    fn code_is_named_by_the_symbol_that_covers_it() {
        let symbols =
            Symbols::of(vec![symbol(0x2000, 0x10, "b"), symbol(0x1000, 0, "alias"), symbol(0x1000, 0x20, "a")]);
        let name_of = |address| symbols.name_of(address);
        assert_eq!(name_of(0xfff), None);
        assert_eq!(name_of(0x1000).as_deref(), Some("a"));
        assert_eq!(name_of(0x101e).as_deref(), Some("a+0x1e"));
        assert_eq!(name_of(0x1020), None, "behind its end");
        assert_eq!(name_of(0x200f).as_deref(), Some("b+0xf"));
        assert_eq!(name_of(u64::MAX), None);
    }

    #[test]
    fn a_symbol_without_a_size_reaches_to_the_next() {
        let symbols = Symbols::of(vec![symbol(0x1000, 0, "a"), symbol(0x1008, 0, "b")]);
        assert_eq!(symbols.name_of(0x1007).as_deref(), Some("a+0x7"));
        assert_eq!(symbols.name_of(0x1008).as_deref(), Some("b"));
        assert_eq!(symbols.name_of(0x1008 + LONGEST_UNSIZED), None, "something else is there");
    }

    #[test]
    fn symbols_of_a_file_are_those_of_code() {
        let segment = FileSegment { virt: 0x8000_0000, phys: 0x8000_0000, size: 8, data: vec![0; 8] };
        let symbols = vec![("_start", 0x8000_0000), ("$x", 0x8000_0004), (".L0", 0x8000_0004), ("missing", UNDEFINED)];
        let file = ElfFile { entry: 0x8000_0000, segments: vec![segment], symbols };
        let symbols = Symbols::of_elf(&file.bytes()).expect("an ELF file");
        assert_eq!(symbols.name_of(0x8000_0004).as_deref(), Some("_start+0x4"));
        assert_eq!(symbols.name_of(0), None, "undefined ones have no address");
        assert!(Symbols::of_elf(b"\x7fELF").is_err());
    }

    #[test]
    fn a_file_that_is_cut_off_is_an_error_or_has_fewer_symbols() {
        let segment = FileSegment { virt: 0x8000_0000, phys: 0x8000_0000, size: 8, data: vec![0; 8] };
        let file = ElfFile { entry: 0x8000_0000, segments: vec![segment], symbols: vec![("_start", 0x8000_0000)] };
        let bytes = file.bytes();
        for len in 0..bytes.len() {
            let symbols = Symbols::of_elf(&bytes[..len]).unwrap_or_default();
            assert!(symbols.0.len() <= 1, "{len}");
        }
    }
}
