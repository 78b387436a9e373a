//! Writer of small ELF files for tests.

/// A segment with its addresses; `size` is its memory size in bytes.
pub(crate) struct FileSegment {
    pub(crate) virt: u64,
    pub(crate) phys: u64,
    pub(crate) size: u64,
    pub(crate) data: Vec<u8>,
}

/// Value of an undefined symbol.
pub(crate) const UNDEFINED: u64 = u64::MAX;

/// Contents of the file.
pub(crate) struct ElfFile {
    pub(crate) entry: u64,
    pub(crate) segments: Vec<FileSegment>,
    pub(crate) symbols: Vec<(&'static str, u64)>,
}

impl ElfFile {
    /// Serialises header, program headers, data, symbols, strings and section headers.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let headers_end = 64 + 56 * self.segments.len();
        let data_len: usize = self.segments.iter().map(|segment| segment.data.len()).sum();
        let symbols_at = (headers_end + data_len).next_multiple_of(8);
        let symbols_len = 24 * (1 + self.symbols.len());
        let strings_at = symbols_at + symbols_len;
        let strings: Vec<u8> =
            self.symbols.iter().fold(vec![0], |all, (name, _)| [&all, name.as_bytes(), &[0]].concat());
        let sections_at = (strings_at + strings.len()).next_multiple_of(8);

        let mut out = Vec::from(*b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
        put16(&mut out, &[2, 243]);
        put32(&mut out, &[1]);
        put64(&mut out, &[self.entry, 64, sections_at as u64]);
        put32(&mut out, &[0]);
        put16(&mut out, &[64, 56, self.segments.len() as u64, 64, 3, 2]);
        let mut data_at = headers_end;
        for segment in &self.segments {
            put32(&mut out, &[1, 7]);
            let len = segment.data.len() as u64;
            put64(&mut out, &[data_at as u64, segment.virt, segment.phys, len, segment.size, 8]);
            data_at += segment.data.len();
        }
        self.segments.iter().for_each(|segment| out.extend(&segment.data));
        out.resize(symbols_at, 0);
        out.resize(symbols_at + 24, 0);
        let mut name_at = 1;
        for (name, value) in &self.symbols {
            put32(&mut out, &[name_at]);
            out.extend([0x10, 0]);
            // A section, whichever it is, or SHN_UNDEF.
            let defined = *value != UNDEFINED;
            put16(&mut out, &[u64::from(defined)]);
            put64(&mut out, &[if defined { *value } else { 0 }, 0]);
            name_at += name.len() as u64 + 1;
        }
        out.extend(&strings);
        out.resize(sections_at, 0);
        out.resize(sections_at + 64, 0);
        section(&mut out, 2, symbols_at, symbols_len, 2, 24);
        section(&mut out, 3, strings_at, strings.len(), 0, 0);
        out
    }
}

fn section(out: &mut Vec<u8>, kind: u64, at: usize, len: usize, link: u64, entry: u64) {
    put32(out, &[0, kind]);
    put64(out, &[0, 0, at as u64, len as u64]);
    put32(out, &[link, 1]);
    put64(out, &[8, entry]);
}

fn put16(out: &mut Vec<u8>, values: &[u64]) {
    values.iter().for_each(|value| out.extend(&value.to_le_bytes()[..2]));
}

fn put32(out: &mut Vec<u8>, values: &[u64]) {
    values.iter().for_each(|value| out.extend(&value.to_le_bytes()[..4]));
}

fn put64(out: &mut Vec<u8>, values: &[u64]) {
    values.iter().for_each(|value| out.extend(&value.to_le_bytes()));
}
