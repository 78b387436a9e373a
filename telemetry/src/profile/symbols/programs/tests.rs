//! Tests of programs in guest memory, with a library made here.

use riscope_core::addr::PAGE_SIZE;
use riscope_core::mem::GuestRam;
use vm_memory::{Bytes, GuestAddress};

use super::super::table::{Symbol, SymbolTable};
use super::*;

const RAM: u64 = 0x8000_0000;
const SATP: u64 = 8 << 60 | (RAM + 0x1000) >> 12;
/// Where the library is mapped, and its pages in RAM.
const BASE: u64 = 0x20_0000;
const PAGES: u64 = RAM + 0x8000;
/// Places in the library: symbols, strings at the end of a page, dynamic section, note, code.
const SYMBOLS: u64 = 0x1e00;
const STRINGS: u64 = 0x1ff0;
const DYNAMIC: u64 = 0x3000;
const NOTE: u64 = 0x300;
const CODE: u64 = 0x4000;

/// A guest with the library.
struct Guest(GuestRam);

impl Guest {
    fn new() -> Self {
        let guest = Self(GuestRam::new(GuestPhys(RAM), 1 << 20).expect("RAM"));
        guest.put(RAM + 0x1000, &[(RAM + 0x2000) >> 2 | 1]);
        guest.put(RAM + 0x2000 + 8 * (BASE >> 21), &[(RAM + 0x3000) >> 2 | 1]);
        (0..5).for_each(|page| guest.map(page));
        guest.write_library(&library());
        guest
    }

    fn put(&self, at: u64, words: &[u64]) {
        for (index, word) in words.iter().enumerate() {
            self.0.memory().write_obj(*word, GuestAddress(at + 8 * index as u64)).expect("it is RAM");
        }
    }

    /// Maps a page of the library.
    fn map(&self, page: u64) {
        self.put(RAM + 0x3000 + 8 * page, &[(PAGES + page * PAGE_SIZE) >> 2 | 0xb]);
    }

    fn unmap(&self, page: u64) {
        self.put(RAM + 0x3000 + 8 * page, &[0]);
    }

    fn write_library(&self, bytes: &[u8]) {
        let words: Vec<u64> = bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)).collect();
        self.put(PAGES, &words);
    }

    fn peek(&self) -> Peek<'_> {
        Peek::new(&self.0, SATP)
    }
}

/// The library `libtest.so.1` with the function `first` of 16 bytes and `second` behind it, whose name
/// is on the next page.
fn library() -> Vec<u8> {
    let mut bytes = vec![0; 0x5000];
    let mut put = |at: u64, part: &[u8]| {
        let at = usize::try_from(at).expect("an offset");
        bytes[at..at + part.len()].copy_from_slice(part);
    };
    put(0, b"\x7fELF\x02\x01\x01");
    put(16, &[3, 0, 243, 0]);
    put(32, &64u64.to_le_bytes());
    put(54, &[56, 0, 3, 0]);
    // Type and flags, offset, address, physical address, size in the file and in memory.
    for (index, (kind, at, size)) in [(1u32, 0, 0x5000u64), (2, DYNAMIC, 96), (4, NOTE, 20)].into_iter().enumerate() {
        let head = 64 + 56 * index as u64;
        put(head, &kind.to_le_bytes());
        put(head + 4, &5u32.to_le_bytes());
        for (field, value) in [(8, at), (16, at), (32, size), (40, size)] {
            put(head + field, &value.to_le_bytes());
        }
    }
    put(NOTE, b"\x04\0\0\0\x04\0\0\0\x03\0\0\0GNU\0\xab\xcd\xef\x01");
    let symbol = |name: u32, start: u64| {
        let mut entry = name.to_le_bytes().to_vec();
        entry.extend([0x12, 0, 1, 0]);
        entry.extend(start.to_le_bytes());
        entry.extend(16u64.to_le_bytes());
        entry
    };
    put(SYMBOLS + 24, &symbol(1, CODE));
    put(SYMBOLS + 48, &symbol(7, CODE + 16));
    put(STRINGS, b"\0first\0second_of_the_library\0libtest.so.1\0");
    let entries = [(5, STRINGS), (6, SYMBOLS), (10, 43), (14, 29), (11, 24), (0, 0)];
    for (index, (tag, value)) in entries.into_iter().enumerate() {
        put(DYNAMIC + 16 * index as u64, &u64::to_le_bytes(tag));
        put(DYNAMIC + 16 * index as u64 + 8, &value.to_le_bytes());
    }
    bytes
}

fn programs() -> Programs {
    Programs::new(Arc::from([]))
}

/// Module, and function with its address.
fn named(programs: &mut Programs, guest: &Guest, address: u64) -> Option<(String, Result<(String, u64), u64>)> {
    let place = programs.place(&guest.peek(), SATP, address)?;
    Some((place.module.to_string(), place.function.map(|(name, start)| (name.to_string(), start))))
}

#[test]
fn functions_are_named_by_dynamic_symbols_and_other_code_by_its_place() {
    let (guest, mut programs) = (Guest::new(), programs());
    let of = |function| Some(("libtest.so.1".to_owned(), function));
    let at = BASE + CODE;
    assert_eq!(named(&mut programs, &guest, at + 4), of(Ok(("first".into(), at))));
    assert_eq!(named(&mut programs, &guest, at + 31), of(Ok(("second_of_the_library".into(), at + 16))));
    assert_eq!(named(&mut programs, &guest, at + 32), of(Err(CODE + 32)));
    assert_eq!(named(&mut programs, &guest, BASE + 0x5000), None, "behind its end");
    assert_eq!(named(&mut programs, &guest, BASE - 0x1000), None);
}

#[test]
fn another_program_at_the_same_place_is_not_taken_for_the_first() {
    let (guest, mut programs) = (Guest::new(), programs());
    assert!(named(&mut programs, &guest, BASE + CODE).is_some());
    guest.write_library(&[0; 64]);
    assert_eq!(named(&mut programs, &guest, BASE + CODE), None);
}

#[test]
fn a_name_of_which_a_part_is_not_mapped_is_none() {
    let guest = Guest::new();
    // Strings go on on page 2.
    guest.unmap(2);
    let elf = ElfMemory::around(&guest.peek(), BASE + CODE).expect("a library");
    let facts = elf.facts(&guest.peek());
    assert!(facts.is_incomplete && facts.soname.is_none());
    let names: Vec<_> = [CODE, CODE + 16].map(|at| facts.symbols.at(at).map(|symbol| symbol.name.to_string())).into();
    assert_eq!(names, [Some("first".to_owned()), None]);
    guest.map(2);
    let facts = elf.facts(&guest.peek());
    assert_eq!((facts.is_incomplete, facts.symbols.len(), facts.soname.as_deref()), (false, 2, Some("libtest.so.1")));
}

#[test]
fn a_file_with_the_same_build_id_names_what_dynamic_symbols_do_not() {
    let symbol = Symbol { start: CODE + 32, end: CODE + 48, name: "hidden".into() };
    let table = SymbolTable::new(vec![symbol], true);
    let file = |id: &[u8]| SymbolFile {
        name: "libtest.debug".into(),
        table: table.clone(),
        build_id: Some(id.to_vec()),
        is_fixed: false,
    };
    let guest = Guest::new();
    for (id, wanted) in
        [(b"\xab\xcd\xef\x01", Ok(("hidden".to_owned(), BASE + CODE + 32))), (b"\xab\xcd\xef\x02", Err(CODE + 32))]
    {
        let mut programs = Programs::new(Arc::from([file(id)]));
        let place = named(&mut programs, &guest, BASE + CODE + 32).expect("it is in the library");
        assert_eq!(place.1, wanted);
        let first = named(&mut programs, &guest, BASE + CODE).expect("it is in the library");
        assert_eq!(first.1, Ok(("first".to_owned(), BASE + CODE)));
    }
}

#[test]
fn any_bytes_are_read_to_their_end() {
    let (guest, mut state) = (Guest::new(), 1u64);
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..300 {
        let mut bytes = library();
        for _ in 0..4 {
            let area =
                [(16, 0x300), (usize::try_from(DYNAMIC).expect("an offset"), 96)][usize::from(random() & 1 == 0)];
            let at = area.0 + usize::try_from(random()).expect("64 bits") % area.1;
            bytes[at] = random().to_le_bytes()[0];
        }
        guest.write_library(&bytes);
        let mut programs = programs();
        let _ = named(&mut programs, &guest, BASE + CODE + 4);
    }
}
