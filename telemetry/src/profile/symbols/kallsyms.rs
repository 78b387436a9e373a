//! Linux's own table of symbols (`kernel/kallsyms.c`), found in the memory of a kernel.
//!
//! Nothing says where it is. Since Linux 6.4 its parts are in this order, each aligned to eight bytes
//! (`scripts/kallsyms.c`):
//!
//! ```text
//!  kallsyms_num_syms       u32
//!  kallsyms_names          per symbol: length (one byte, or two from 128 on), then indices of tokens
//!  kallsyms_markers        u32 per 256 symbols: offset of the symbol's name
//!  kallsyms_token_table    256 strings that end in NUL
//!  kallsyms_token_index    256 u16: offset of each
//!  kallsyms_offsets        u32 per symbol: address from the base
//!  kallsyms_relative_base  u64
//! ```
//!
//! The index is easily recognised. What is before and behind it must then agree with it and with each
//! other: every string with its offset, every marker with the lengths of the names, the number of
//! symbols with both, the addresses in ascending order, and the kernel's `_stext` inside the kernel.

use super::table::{Symbol, SymbolTable};
use crate::profile::shown::Space;

/// Symbols for each marker.
const GROUP: usize = 256;
const TOKENS: usize = 256;
/// Greatest length of a token in bytes.
const MAX_TOKEN: usize = 64;
/// Greatest number of symbols.
const MAX_SYMBOLS: usize = 1 << 20;
/// Greatest number of bytes of a name, unpacked (`KSYM_NAME_LEN`).
const MAX_NAME: usize = 512;
/// Greatest number of bytes of a name as it is stored, with its length.
const MAX_STORED: usize = 2 + MAX_NAME;
/// Names that a search looks at. A real table is found with some hundred thousand; memory that was made
/// to look like many tables ends it.
const MAX_STEPS: usize = 32 << 20;

/// Symbols of the code of the kernel whose memory is `image`, from the address `start` on; `None` if
/// there is no table that is right in all its parts.
pub(super) fn find(image: &[u8], start: u64) -> Option<SymbolTable> {
    let end = start.checked_add(image.len() as u64)?;
    let indices = (0..image.len().checked_sub(2 * TOKENS)?).step_by(8).filter(|at| is_token_index(&image[*at..]));
    let mut left = MAX_STEPS;
    indices.filter_map(|at| Parts::around(image, at, &mut left)).find_map(|parts| parts.symbols(start..end))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().copied().map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().copied().map(u64::from_le_bytes)
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Whether offsets of 256 strings begin here.
fn is_token_index(bytes: &[u8]) -> bool {
    let mut previous = 0;
    if u16_at(bytes, 0) != Some(0) {
        return false;
    }
    (1..TOKENS).all(|index| {
        let Some(offset) = u16_at(bytes, 2 * index).map(usize::from) else { return false };
        // A token has at least one byte, and a NUL.
        let is_next = (previous + 2..=previous + 1 + MAX_TOKEN).contains(&offset);
        previous = offset;
        is_next
    })
}

/// The parts of a table in the memory of a kernel.
struct Parts<'a> {
    tokens: Vec<&'a [u8]>,
    /// Names as they are stored.
    names: &'a [u8],
    number: usize,
    offsets: &'a [u8],
    base: u64,
}

impl<'a> Parts<'a> {
    /// The parts around a token index.
    fn around(image: &'a [u8], index: usize, left: &mut usize) -> Option<Self> {
        let (table, tokens) = tokens(image, index)?;
        let markers = markers(image, table)?;
        let (names, number) = names(image, markers.clone(), left)?;
        let offsets = (index + 2 * TOKENS).next_multiple_of(8);
        let behind = offsets.checked_add(number.checked_mul(4)?)?;
        let base = u64_at(image, behind.next_multiple_of(8))?;
        Some(Self { tokens, names, number, offsets: image.get(offsets..behind)?, base })
    }

    /// The symbols of code, if their addresses are right for a kernel at these.
    fn symbols(&self, kernel: std::ops::Range<u64>) -> Option<SymbolTable> {
        let (mut symbols, mut space) = (Vec::new(), Space::new());
        let (mut at, mut previous, mut has_text) = (0, 0, false);
        for index in 0..self.number {
            let offset = u32_at(self.offsets, 4 * index)?;
            if offset < previous {
                return None;
            }
            previous = offset;
            let start = self.base.checked_add(offset.into())?;
            let (length, head) = stored_length(self.names, at)?;
            let stored = self.names.get(at + head..at + head + length)?;
            at += head + length;
            let name = self.unpacked(stored)?;
            let (kind, name) = name.split_at_checked(1)?;
            if name == "_stext" {
                has_text = kernel.contains(&start);
            }
            if matches!(kind, "t" | "T" | "w" | "W") {
                symbols.push(Symbol { start, end: start, name: space.shown(name.as_bytes())?.into() });
            }
        }
        has_text.then(|| SymbolTable::new(symbols, true))
    }

    /// A name, with its type as the first character.
    fn unpacked(&self, stored: &[u8]) -> Option<String> {
        let mut name = Vec::new();
        for token in stored {
            name.extend_from_slice(self.tokens.get(usize::from(*token))?);
        }
        (name.len() <= MAX_NAME).then(|| String::from_utf8(name).ok())?
    }
}

/// Place of the token table before its index, and the tokens.
fn tokens(image: &[u8], index: usize) -> Option<(usize, Vec<&[u8]>)> {
    let offsets: Vec<usize> =
        (0..TOKENS).map_while(|token| u16_at(image, index + 2 * token)).map(usize::from).collect();
    let last = *offsets.last()?;
    let shortest = (last + 2).next_multiple_of(8);
    let mut tables = (shortest..=shortest + MAX_TOKEN).step_by(8).filter_map(|length| index.checked_sub(length));
    tables.find_map(|table| Some((table, tokens_at(image.get(table..index)?, &offsets)?)))
}

/// The tokens of `table`, which begin at `offsets` and end with the table, but for its alignment.
fn tokens_at<'a>(table: &'a [u8], offsets: &[usize]) -> Option<Vec<&'a [u8]>> {
    let mut tokens = Vec::with_capacity(offsets.len());
    for (position, offset) in offsets.iter().enumerate() {
        let rest = table.get(*offset..)?;
        let token = &rest[..memchr_nul(rest)?];
        let end = offset + token.len() + 1;
        let is_right = match offsets.get(position + 1) {
            Some(next) => *next == end,
            None => table.len() - end < 8 && table[end..].iter().all(|byte| *byte == 0),
        };
        if !is_right || token.is_empty() || !token.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        tokens.push(token);
    }
    Some(tokens)
}

fn memchr_nul(bytes: &[u8]) -> Option<usize> {
    bytes.iter().take(MAX_TOKEN + 1).position(|byte| *byte == 0)
}

/// Markers before the token table at `table`: positions in the image.
fn markers(image: &[u8], table: usize) -> Option<std::ops::Range<usize>> {
    // An odd number of markers is followed by four bytes for the alignment.
    let end = if u32_at(image, table.checked_sub(4)?)? == 0 { table - 4 } else { table };
    let mut at = end.checked_sub(4)?;
    for _ in 0..MAX_SYMBOLS / GROUP {
        let marker = u32_at(image, at)?;
        if marker == 0 {
            return Some(at..end);
        }
        let before = at.checked_sub(4)?;
        if u32_at(image, before)? >= marker {
            return None;
        }
        at = before;
    }
    None
}

/// Names before the markers, and their number.
fn names<'a>(image: &'a [u8], markers: std::ops::Range<usize>, left: &mut usize) -> Option<(&'a [u8], usize)> {
    let offsets: Vec<usize> = markers.clone().step_by(4).filter_map(|at| u32_at(image, at)).map(size).collect();
    let latest = markers.start.checked_sub(*offsets.last()?)?;
    let earliest = latest.saturating_sub(GROUP * MAX_STORED).max(8).next_multiple_of(8);
    let groups = offsets.len();
    (earliest..=latest).step_by(8).find_map(|start| {
        let number = size(u32_at(image, start - 8)?);
        if !((groups - 1) * GROUP + 1..=groups * GROUP).contains(&number) || u32_at(image, start - 4)? != 0 {
            return None;
        }
        let names = image.get(start..markers.start)?;
        has_markers(names, number, &offsets, left).then_some((names, number))
    })
}

/// Whether `names` are this number of names, with every 256th at its marker, and nothing else.
fn has_markers(names: &[u8], number: usize, markers: &[usize], left: &mut usize) -> bool {
    let mut at = 0;
    for index in 0..number {
        if index % GROUP == 0 && markers.get(index / GROUP) != Some(&at) {
            return false;
        }
        let Some((length, head)) = stored_length(names, at) else { return false };
        at += head + length;
        *left = left.saturating_sub(1);
        if *left == 0 {
            return false;
        }
    }
    at <= names.len() && names.len() - at < 8
}

/// Length of the name at `at`, and the number of bytes that say so.
fn stored_length(names: &[u8], at: usize) -> Option<(usize, usize)> {
    let first = usize::from(*names.get(at)?);
    if first < 0x80 {
        return (first > 0).then_some((first, 1));
    }
    let second = usize::from(*names.get(at + 1)?);
    Some((first & 0x7f | second << 7, 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 0xffff_ffff_8000_0000;
    const BASE: u64 = START + 0x1000;

    /// Memory of a kernel with these symbols, each at 16 times its position behind the base.
    fn image(names: &[String]) -> Vec<u8> {
        let mut image = vec![0xa5; 0x2000];
        let align = |image: &mut Vec<u8>| image.resize(image.len().next_multiple_of(8), 0);
        image.extend(u32::try_from(names.len()).unwrap().to_le_bytes());
        align(&mut image);
        // Token 1 is "sys_", the others the character with that code.
        let (mut packed, mut markers) = (Vec::new(), Vec::<u8>::new());
        for (index, name) in names.iter().enumerate() {
            if index % GROUP == 0 {
                markers.extend(u32::try_from(packed.len()).unwrap().to_le_bytes());
            }
            let stored = name.replace("sys_", "\x01").into_bytes();
            if stored.len() < 0x80 {
                packed.push(u8::try_from(stored.len()).unwrap());
            } else {
                packed.push(u8::try_from(stored.len() & 0x7f).unwrap() | 0x80);
                packed.push(u8::try_from(stored.len() >> 7).unwrap());
            }
            packed.extend(stored);
        }
        image.extend(packed);
        align(&mut image);
        image.extend(markers);
        align(&mut image);
        let (mut table, mut offsets) = (Vec::new(), Vec::new());
        for code in 0..=255u8 {
            offsets.extend(u16::try_from(table.len()).unwrap().to_le_bytes());
            match code {
                1 => table.extend(b"sys_"),
                b'!'..=b'~' => table.push(code),
                _ => table.extend(b"??"),
            }
            table.push(0);
        }
        image.extend(table);
        align(&mut image);
        image.extend(offsets);
        align(&mut image);
        for index in 0..names.len() {
            image.extend(u32::try_from(index * 16).unwrap().to_le_bytes());
        }
        align(&mut image);
        image.extend(BASE.to_le_bytes());
        image.resize(image.len() + 0x1000, 0x5a);
        image
    }

    fn names(number: usize) -> Vec<String> {
        let mut names: Vec<String> = (0..number).map(|index| format!("t__do_sys_call{index}")).collect();
        names[0] = "T_stext".to_owned();
        names[2] = format!("t{}", "long".repeat(60));
        names[3] = "Dlinux_banner".to_owned();
        names
    }

    #[test]
    fn every_symbol_of_code_is_found_with_its_address() {
        for number in [4, 255, 256, 257, 511, 512, 513, 2000] {
            let names = names(number);
            let table = find(&image(&names), START).unwrap_or_else(|| panic!("{number} symbols are found"));
            assert_eq!(table.len(), number - 1, "{number}: all but that of data");
            for (index, name) in names.iter().enumerate().filter(|(index, _)| *index != 3) {
                let found = table.at(BASE + index as u64 * 16 + 4).map(|symbol| &*symbol.name);
                assert_eq!(found, Some(&name[1..]));
            }
        }
    }

    #[test]
    fn a_table_with_anything_wrong_is_none() {
        let good = image(&names(600));
        assert!(find(&good, START).is_some());
        let at = |pattern: &[u8]| good.windows(pattern.len()).position(|part| part == pattern).expect("it is there");
        let index = (0..good.len()).step_by(8).find(|at| is_token_index(&good[*at..])).expect("an index");
        let offsets = index + 2 * TOKENS;
        let wrong = [
            // The number of symbols, a length, a token, an offset out of order, the base.
            at(&600u32.to_le_bytes()),
            at(b"\x07T_stext"),
            at(b"sys_\0") + 4,
            offsets + 4 * 300 + 3,
            good.len() - 0x1000 - 1,
        ];
        for at in wrong {
            let mut image = good.clone();
            image[at] ^= 0x55;
            assert!(find(&image, START).is_none(), "a change at {at}");
        }
        assert!(find(&good, START + (1 << 30)).is_none(), "the kernel is elsewhere");
    }

    #[test]
    fn anything_is_searched_to_its_end() {
        let good = image(&names(300));
        for length in (0..good.len()).step_by(61) {
            let _ = find(&good[..length], START);
            let _ = find(&good[good.len() - length..], START);
        }
        let mut state = 1u64;
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        for _ in 0..2000 {
            let mut image = good.clone();
            for _ in 0..3 {
                let at = usize::try_from(random()).unwrap() % image.len();
                image[at] = random().to_le_bytes()[0];
            }
            let _ = find(&image, START);
        }
    }
}
