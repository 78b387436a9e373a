//! Writer of executables for the reference simulator and binutils: one segment, the symbols
//! by which the simulator finds `tohost` and the results, and the extensions for the
//! disassembler ("ELF-64 Object File Format", "RISC-V ELF Specification").

use super::suite::Symbols;

const HEADER: u64 = 64;
const PROGRAM_HEADER: u64 = 56;
/// Where the segment starts in the file; equal to its address modulo a page.
const SEGMENT: u64 = 0x1000;
const SECTION_HEADER: u64 = 64;
const MACHINE_RISCV: u16 = 243;
const NAMES: &[u8] =
    b"\0tohost\0fromhost\0begin_signature\0end_signature\0.symtab\0.strtab\0.text\0.riscv.attributes\0";
/// The extensions of riscope that every binutils since 2.40 knows.
const ARCHITECTURE: &[u8] = b"rv64i2p1_m2p0_a2p1_f2p2_d2p2_c2p0_zicsr2p0_zifencei2p0_zicboz1p0_zba1p0_zbb1p0_zbs1p0\0";

/// The file for `image`, loaded and entered at `address`.
pub(crate) fn executable(address: u64, image: &[u8], symbols: Symbols) -> Vec<u8> {
    let size = image.len() as u64;
    let (table, attributes) = (symbol_table(symbols), attributes());
    let table_at = SEGMENT + size.next_multiple_of(8);
    let names_at = table_at + table.len() as u64;
    let attributes_at = names_at + NAMES.len() as u64;
    let sections_at = (attributes_at + attributes.len() as u64).next_multiple_of(8);

    let mut file = Writer(Vec::new());
    // Magic, 64 bits, little-endian, version 1.
    file.bytes(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    file.u16(2).u16(MACHINE_RISCV).u32(1);
    file.u64(address).u64(HEADER).u64(sections_at);
    // Flags: 16-bit instructions, double-precision convention.
    file.u32(0x5).u16(HEADER as u16);
    file.u16(PROGRAM_HEADER as u16).u16(1);
    file.u16(SECTION_HEADER as u16).u16(5).u16(2);
    // A loadable segment, readable, writable and executable.
    file.u32(1).u32(7).u64(SEGMENT).u64(address).u64(address).u64(size).u64(size).u64(0x1000);
    file.pad(SEGMENT).bytes(image).pad(table_at).bytes(&table).bytes(NAMES).bytes(&attributes).pad(sections_at);
    let section = |name, kind| Section { name, kind, ..Section::default() };
    file.section(section("", 0));
    // The names of the symbols are in section 2, and all but the empty one are global.
    file.section(Section {
        at: table_at,
        size: table.len() as u64,
        link: 2,
        info: 1,
        entry: 24,
        ..section(".symtab", 2)
    });
    file.section(Section { at: names_at, size: NAMES.len() as u64, ..section(".strtab", 3) });
    // Program bits, allocated and executable.
    file.section(Section { at: SEGMENT, size, address, flags: 6, ..section(".text", 1) });
    let attributes_size = attributes.len() as u64;
    file.section(Section { at: attributes_at, size: attributes_size, ..section(".riscv.attributes", 0x7000_0003) });
    file.0
}

/// Offset of a name in [`NAMES`].
fn name(name: &str) -> u32 {
    let at = NAMES.windows(name.len() + 1).position(|window| window == [name.as_bytes(), b"\0"].concat());
    at.expect("a name of the table") as u32
}

/// The attribute that names the extensions.
fn attributes() -> Vec<u8> {
    const FILE: u8 = 1;
    const ARCH: u8 = 5;
    let file_size = 5 + 1 + ARCHITECTURE.len() as u32;
    let mut attributes = Writer(vec![b'A']);
    attributes.u32(4 + 6 + file_size).bytes(b"riscv\0");
    attributes.bytes(&[FILE]).u32(file_size).bytes(&[ARCH]).bytes(ARCHITECTURE);
    attributes.0
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

    fn section(&mut self, section: Section) {
        self.u32(name(section.name)).u32(section.kind).u64(section.flags).u64(section.address);
        self.u64(section.at).u64(section.size).u32(section.link).u32(section.info).u64(1).u64(section.entry);
    }
}

/// A section header.
#[derive(Clone, Copy, Default)]
struct Section {
    name: &'static str,
    kind: u32,
    flags: u64,
    address: u64,
    at: u64,
    size: u64,
    link: u32,
    info: u32,
    entry: u64,
}
