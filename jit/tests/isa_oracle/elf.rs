//! An executable as the reference simulator loads it: one segment, and the symbols
//! by which it finds `tohost` and the results ("ELF-64 Object File Format").

use super::suite::Symbols;

const HEADER: u64 = 64;
const PROGRAM_HEADER: u64 = 56;
/// Where the segment starts in the file; equal to its address modulo a page.
const SEGMENT: u64 = 0x1000;
const SECTION_HEADER: u64 = 64;
const MACHINE_RISCV: u16 = 243;
const NAMES: &[u8] = b"\0tohost\0fromhost\0begin_signature\0end_signature\0.symtab\0.strtab\0";

/// The file for `image`, loaded and entered at `address`.
pub(crate) fn executable(address: u64, image: &[u8], symbols: Symbols) -> Vec<u8> {
    let table_at = SEGMENT + (image.len() as u64).next_multiple_of(8);
    let table = symbol_table(symbols);
    let names_at = table_at + table.len() as u64;
    let sections_at = (names_at + NAMES.len() as u64).next_multiple_of(8);

    let mut file = Writer(Vec::new());
    // Magic, 64 bits, little-endian, version 1.
    file.bytes(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    file.u16(2).u16(MACHINE_RISCV).u32(1);
    file.u64(address).u64(HEADER).u64(sections_at);
    // Flags: 16-bit instructions, double-precision convention.
    file.u32(0x5).u16(HEADER as u16);
    file.u16(PROGRAM_HEADER as u16).u16(1);
    file.u16(SECTION_HEADER as u16).u16(3).u16(2);
    // A loadable segment, readable, writable and executable.
    file.u32(1).u32(7).u64(SEGMENT).u64(address).u64(address);
    file.u64(image.len() as u64).u64(image.len() as u64).u64(0x1000);
    file.pad(SEGMENT).bytes(image).pad(table_at).bytes(&table).bytes(NAMES).pad(sections_at);
    file.pad(sections_at + SECTION_HEADER);
    // The symbol table, whose names are in section 2, and the names.
    file.section(name(".symtab"), 2, table_at, table.len() as u64, 2, 24);
    file.section(name(".strtab"), 3, names_at, NAMES.len() as u64, 0, 0);
    file.0
}

/// Offset of a name in [`NAMES`].
fn name(name: &str) -> u32 {
    let at = NAMES.windows(name.len() + 1).position(|window| &window[..name.len()] == name.as_bytes());
    at.expect("a name of the table") as u32
}

fn symbol_table(symbols: Symbols) -> Vec<u8> {
    let mut table = Writer(vec![0; 24]);
    let all = [
        ("tohost", symbols.tohost),
        ("fromhost", symbols.tohost + 8),
        ("begin_signature", symbols.begin_signature),
        ("end_signature", symbols.end_signature),
    ];
    for (symbol, value) in all {
        // Global, of no type, absolute.
        table.u32(name(symbol)).bytes(&[0x10, 0]).u16(0xfff1).u64(value).u64(0);
    }
    table.0
}

/// Little-endian bytes.
struct Writer(Vec<u8>);

impl Writer {
    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn u16(&mut self, value: u16) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    /// Zeros up to offset `to`.
    fn pad(&mut self, to: u64) -> &mut Self {
        self.0.resize(to as usize, 0);
        self
    }

    fn section(&mut self, name: u32, kind: u32, at: u64, size: u64, link: u32, entry: u64) {
        self.u32(name).u32(kind).u64(0).u64(0).u64(at).u64(size);
        // The symbols are global from 1 on.
        self.u32(link).u32(1).u64(8).u64(entry);
    }
}
