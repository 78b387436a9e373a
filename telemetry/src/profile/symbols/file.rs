//! Symbols of a file: an ELF file, or a list of symbols such as `System.map`.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use object::LittleEndian;
use object::elf::{EM_RISCV, ET_EXEC, FileHeader64, PT_NOTE, SHT_DYNSYM, SHT_SYMTAB, STT_FUNC, STT_NOTYPE};
use object::read::elf::{FileHeader, ProgramHeader, Sym};

use super::table::{Symbol, SymbolTable};
use crate::profile::shown::shown;

/// Largest file that is read: debugging information of a kernel has several hundred megabytes.
const MAX_FILE: u64 = 2 << 30;
/// Greatest number of symbols of a file.
const MAX_SYMBOLS: usize = 2_000_000;
/// Type of the note with a build id.
const NT_GNU_BUILD_ID: u32 = 3;

/// Why a file has no symbols to offer.
#[derive(Debug, thiserror::Error)]
pub enum SymbolFileError {
    /// It cannot be read.
    #[error("cannot read the symbols of {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The host's error.
        source: io::Error,
    },
    /// It is neither an ELF file with symbols for 64-bit RISC-V nor a list of symbols.
    #[error("{} has no symbols: it is no ELF file with symbols for 64-bit RISC-V, and no System.map", path.display())]
    None {
        /// The file.
        path: PathBuf,
    },
}

/// Symbols of a file.
#[derive(Clone, Debug)]
pub struct SymbolFile {
    pub(super) name: Arc<str>,
    pub(super) table: SymbolTable,
    /// Build id of an ELF file that has one.
    pub(super) build_id: Option<Vec<u8>>,
    /// Whether the addresses are those of the code in memory.
    pub(super) is_fixed: bool,
}

impl SymbolFile {
    /// Reads a file.
    ///
    /// # Errors
    /// [`SymbolFileError`], also if it has no symbols.
    pub fn read(path: &Path) -> Result<Self, SymbolFileError> {
        let error = |source| SymbolFileError::Read { path: path.into(), source };
        let mut bytes = Vec::new();
        File::open(path).and_then(|file| file.take(MAX_FILE).read_to_end(&mut bytes)).map_err(error)?;
        let name = path.file_name().map_or_else(|| "file".into(), |name| name.to_string_lossy());
        let found = Self::of_elf(&name, &bytes).or_else(|| Self::of_list(&name, &bytes));
        found.ok_or_else(|| SymbolFileError::None { path: path.into() })
    }

    /// Symbols of the ELF file `name` for 64-bit RISC-V; `None` if it is none or has none.
    #[must_use]
    pub fn of_elf(name: &str, bytes: &[u8]) -> Option<Self> {
        let header = FileHeader64::<LittleEndian>::parse(bytes).ok()?;
        header.endian().ok()?;
        if header.e_machine(LittleEndian) != EM_RISCV {
            return None;
        }
        let mut symbols = Vec::new();
        let sections = header.sections(LittleEndian, bytes).ok()?;
        for kind in [SHT_SYMTAB, SHT_DYNSYM] {
            let Ok(table) = sections.symbols(LittleEndian, bytes, kind) else { continue };
            for symbol in table.iter().filter(|symbol| !symbol.is_undefined(LittleEndian)).take(MAX_SYMBOLS) {
                let Ok(name) = symbol.name(LittleEndian, table.strings()) else { continue };
                // `$x` and the like separate code from data, `.L` begins labels inside functions.
                let is_named = !name.is_empty() && !name.starts_with(b"$") && !name.starts_with(b".L");
                if is_named && matches!(symbol.st_type(), STT_FUNC | STT_NOTYPE) {
                    let start = symbol.st_value(LittleEndian);
                    let end = start.saturating_add(symbol.st_size(LittleEndian));
                    symbols.push(Symbol { start, end, name: shown(name).into() });
                }
            }
            if !symbols.is_empty() {
                break;
            }
        }
        let is_fixed = header.e_type(LittleEndian) == ET_EXEC;
        (!symbols.is_empty()).then(|| Self {
            name: name.into(),
            table: SymbolTable::new(symbols, true),
            build_id: file_build_id(header, bytes),
            is_fixed,
        })
    }

    /// Symbols of a list with lines `ADDRESS TYPE NAME`, as `nm`, `System.map` and `/proc/kallsyms`
    /// have them.
    fn of_list(name: &str, bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let symbols: Vec<Symbol> = text.lines().filter_map(line).take(MAX_SYMBOLS).collect();
        (!symbols.is_empty()).then(|| Self {
            name: name.into(),
            table: SymbolTable::new(symbols, true),
            build_id: None,
            is_fixed: true,
        })
    }
}

/// Symbol of code of a line; `None` for one of data.
fn line(line: &str) -> Option<Symbol> {
    let mut parts = line.split_ascii_whitespace();
    let (address, kind, name) = (parts.next()?, parts.next()?, parts.next()?);
    let start = u64::from_str_radix(address, 16).ok()?;
    (matches!(kind, "t" | "T" | "w" | "W") && start != 0).then(|| Symbol {
        start,
        end: start,
        name: shown(name.as_bytes()).into(),
    })
}

fn file_build_id(header: &FileHeader64<LittleEndian>, bytes: &[u8]) -> Option<Vec<u8>> {
    let segments = header.program_headers(LittleEndian, bytes).ok()?;
    let mut notes = segments.iter().filter(|segment| segment.p_type(LittleEndian) == PT_NOTE);
    notes.find_map(|segment| build_id(segment.data(LittleEndian, bytes).ok()?))
}

/// Build id among the notes of a segment.
pub(super) fn build_id(mut notes: &[u8]) -> Option<Vec<u8>> {
    loop {
        let (head, rest) = notes.split_first_chunk::<12>()?;
        let word = |at: usize| {
            let bytes = [head[at], head[at + 1], head[at + 2], head[at + 3]];
            usize::try_from(u32::from_le_bytes(bytes)).unwrap_or(usize::MAX)
        };
        let (name_len, len, kind) = (word(0), word(4), word(8));
        let name = rest.get(..name_len)?;
        let contents = rest.get(name_len.checked_next_multiple_of(4)?..)?;
        let value = contents.get(..len)?;
        if name == b"GNU\0" && kind == NT_GNU_BUILD_ID as usize && !value.is_empty() {
            return Some(value.to_vec());
        }
        notes = contents.get(len.checked_next_multiple_of(4)?..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_symbols_has_those_of_code() {
        let text = "ffffffff80000000 T _start\nffffffff80000010 t helper\nffffffff80000020 D data\n\
                    ffffffff80000030 W weak\t[module]\nnonsense\n";
        let file = SymbolFile::of_list("System.map", text.as_bytes()).expect("symbols");
        assert_eq!(file.table.len(), 3);
        let name = |address| file.table.at(address).map(|symbol| &*symbol.name);
        assert_eq!(name(0xffff_ffff_8000_0008), Some("_start"));
        assert_eq!(name(0xffff_ffff_8000_0014), Some("helper"));
        assert_eq!(name(0xffff_ffff_8000_0034), Some("weak"));
    }

    #[test]
    fn a_file_of_something_else_has_none() {
        for bytes in [&b""[..], b"\x7fELF", b"hello\n", b"\xff\xfe\x00", b"0 T nothing\n"] {
            assert!(SymbolFile::of_elf("f", bytes).or_else(|| SymbolFile::of_list("f", bytes)).is_none());
        }
        let missing = SymbolFile::read("/nonexistent".as_ref()).expect_err("there is none");
        assert!(missing.to_string().contains("/nonexistent"), "{missing}");
    }

    #[test]
    fn a_build_id_is_found_among_notes_and_damaged_ones_are_none() {
        let mut notes = Vec::new();
        for (name, kind, value) in [(&b"abc\0"[..], 3u32, &b"12345"[..]), (b"GNU\0", 1, b"abi!"), (b"GNU\0", 3, b"id")]
        {
            notes.extend(u32::try_from(name.len()).unwrap().to_le_bytes());
            notes.extend(u32::try_from(value.len()).unwrap().to_le_bytes());
            notes.extend(kind.to_le_bytes());
            notes.extend(name);
            notes.extend(value);
            notes.resize(notes.len().next_multiple_of(4), 0);
        }
        assert_eq!(build_id(&notes).as_deref(), Some(&b"id"[..]));
        assert!((0..notes.len() - 2).all(|len| build_id(&notes[..len]).is_none()));
        assert_eq!(build_id(&[0xff; 64]), None);
    }
}
