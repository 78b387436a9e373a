//! Tests of the ELF loader, with a writer of small ELF files.

use std::sync::Arc;

use proptest::prelude::*;
use riscope_core::addr::GuestPhys;
use riscope_core::mem::GuestRam;
use vm_memory::{Bytes, GuestAddress};

use super::*;
use crate::boot::elf_file::{ElfFile, FileSegment, UNDEFINED};

const BASE: u64 = 0x8000_0000;

fn placement() -> Placement {
    Placement::new(Arc::new(GuestRam::new(GuestPhys(BASE), 1 << 20).unwrap()))
}

fn program() -> ElfFile {
    ElfFile {
        entry: BASE + 4,
        segments: vec![
            FileSegment { virt: BASE, phys: BASE, size: 16, data: b"text".to_vec() },
            FileSegment { virt: BASE + 0x1000, phys: BASE + 0x1000, size: 8, data: b"data".to_vec() },
        ],
        symbols: vec![("tohost", BASE + 0x1000), ("begin_signature", BASE), ("end_signature", BASE + 16)],
    }
}

#[test]
fn segments_entry_and_symbols_are_found() {
    let mut placement = placement();
    let loaded = load(&mut placement, "program", &program().bytes(), None).unwrap();
    assert_eq!(loaded.entry, BASE + 4);
    assert_eq!(loaded.htif, Some(HtifSymbols { tohost: BASE + 0x1000, fromhost: None }));
    assert_eq!(loaded.signature, Some(Signature { start: BASE, end: BASE + 16 }));
    let mut text = [0xee; 8];
    placement.memory().read_slice(&mut text, GuestAddress(BASE + 0x1000)).unwrap();
    assert_eq!(&text, b"data\0\0\0\0");
}

#[test]
fn a_file_linked_below_ram_is_moved_and_its_virtual_entry_translated() {
    let virt = 0xffff_ffff_8000_0000;
    let elf = ElfFile {
        entry: virt + 2,
        segments: vec![
            FileSegment { virt, phys: 0, size: 16, data: b"head".to_vec() },
            FileSegment { virt: virt + 0x1000, phys: 0x1000, size: 16, data: b"more".to_vec() },
        ],
        symbols: vec![("tohost", virt + 0x1008), ("fromhost", BASE + 8)],
    };
    let mut moved = placement();
    let loaded = load(&mut moved, "vmlinux", &elf.bytes(), Some(BASE + 0x2_0000)).unwrap();
    assert_eq!(loaded.entry, BASE + 0x2_0002);
    let symbols = HtifSymbols { tohost: BASE + 0x2_1008, fromhost: Some(BASE + 8) };
    assert_eq!(loaded.htif, Some(symbols));
    assert_eq!(moved.memory().read_obj::<[u8; 4]>(GuestAddress(BASE + 0x2_1000)).unwrap(), *b"more");

    let fixed = load(&mut placement(), "firmware", &elf.bytes(), None);
    assert!(matches!(fixed, Err(ElfError::Placement(PlacementError::OutsideRam { .. }))));
}

/// A file with these `(address, size)` segments, linked at its load address.
fn linked(entry: u64, segments: &[(u64, u64)]) -> ElfFile {
    let segment = |&(at, size): &(u64, u64)| {
        let data = (0..size).map(|i| i.to_le_bytes()[0] | 1).collect();
        FileSegment { virt: at, phys: at, size: size + 16, data }
    };
    ElfFile { entry, segments: segments.iter().map(segment).collect(), symbols: Vec::new() }
}

/// The file with its headers in its first segment.
fn with_headers(file: &ElfFile) -> Vec<u8> {
    const FIRST_OFFSET: std::ops::Range<usize> = 72..80;
    let mut bytes = file.bytes();
    bytes[FIRST_OFFSET].fill(0);
    bytes
}

/// GNU ld puts the headers into the page before the text or, with a build id, into a
/// segment of their own at the default address; lld always does the latter.
#[test]
fn headers_below_ram_are_left_out() {
    for relocate_to in [None, Some(BASE + 0x2_0000)] {
        let mut placement = placement();
        let joined = linked(BASE, &[(BASE - 0x1000, 0x1104)]);
        let loaded = load(&mut placement, "joined", &with_headers(&joined), relocate_to).unwrap();
        assert_eq!(loaded.entry, BASE);
        let text: [u8; 2] = placement.memory().read_obj(GuestAddress(BASE + 0x102)).unwrap();
        assert_eq!(text, [0x8b, 0x8b], "the file's bytes from 0x1102 on, 0x78 of which are headers");
        assert!(placement.claim("next", BASE + 0x113, 1).is_err());
        assert!(placement.claim("next", BASE + 0x114, 1).is_ok());

        let mut placement = self::placement();
        let separate = linked(BASE + 0x40, &[(0x1_0000, 0x158), (BASE + 0x40, 0x20), (BASE + 0x1000, 8)]);
        let loaded = load(&mut placement, "separate", &with_headers(&separate), relocate_to).unwrap();
        assert_eq!(loaded.entry, BASE + 0x40);
        assert_eq!(placement.memory().read_obj::<u8>(GuestAddress(BASE + 0x42)).unwrap(), 3);
        assert!(placement.claim("headers", BASE, 0x40).is_ok());
    }
}

#[test]
fn anything_else_below_ram_is_refused() {
    let flash = linked(BASE + 0x40, &[(BASE + 0x40, 0x20), (0x2000_0000, 8)]);
    for relocate_to in [None, Some(BASE + 0x2_0000)] {
        let refused = load(&mut placement(), "flash", &flash.bytes(), relocate_to);
        assert!(matches!(refused, Err(ElfError::Placement(PlacementError::OutsideRam { .. }))), "{refused:?}");
    }
}

#[test]
fn segments_that_run_over_the_end_of_ram_are_refused() {
    let end = BASE + (1 << 20);
    for segments in [vec![(end - 8, 16)], vec![(BASE, 16), (end, 16)], vec![(BASE - 16, (1 << 20) + 32)]] {
        let refused = load(&mut placement(), "file", &linked(BASE, &segments).bytes(), Some(BASE));
        assert!(matches!(refused, Err(ElfError::Placement(PlacementError::OutsideRam { .. }))), "{segments:x?}");
    }
}

#[test]
fn the_entry_point_is_in_what_was_loaded() {
    let entry_of = |entry, relocate_to| {
        let elf = linked(entry, &[(0x1_0000, 0x100), (BASE + 0x80, 16)]);
        load(&mut placement(), "file", &with_headers(&elf), relocate_to).map(|loaded| loaded.entry)
    };
    assert_eq!(entry_of(BASE + 0x9f, None), Ok(BASE + 0x9f));
    for entry in [0x1_0004, BASE, BASE + 0xa0, u64::MAX] {
        assert_eq!(entry_of(entry, Some(BASE)), Err(ElfError::Entry(entry)));
    }
    assert_eq!(entry_of(0, None), Ok(BASE + 0x80), "none: where the program begins");
}

#[test]
fn symbols_that_are_only_referred_to_are_none() {
    let symbols = vec![("tohost", UNDEFINED), ("fromhost", UNDEFINED), ("begin_signature", UNDEFINED)];
    let loaded = load(&mut placement(), "file", &ElfFile { symbols, ..program() }.bytes(), None).unwrap();
    assert_eq!((loaded.htif, loaded.signature), (None, None));
}

#[test]
fn htif_words_outside_ram_or_misaligned_are_refused() {
    for word in [8, BASE + 4, BASE + (1 << 20), u64::MAX - 7] {
        let symbols = vec![("tohost", word)];
        let refused = load(&mut placement(), "file", &ElfFile { symbols, ..program() }.bytes(), None);
        assert_eq!(refused, Err(ElfError::HtifWord(word)));
        let symbols = vec![("tohost", BASE), ("fromhost", word)];
        let refused = load(&mut placement(), "file", &ElfFile { symbols, ..program() }.bytes(), None);
        assert_eq!(refused, Err(ElfError::HtifWord(word)));
    }
}

#[test]
fn files_of_another_kind_are_refused() {
    let good = program().bytes();
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        load(&mut placement(), "file", &bytes, None).unwrap_err()
    };
    assert_eq!(with(4, 1), ElfError::WrongMachine, "32 bits");
    assert_eq!(with(5, 2), ElfError::WrongMachine, "big-endian");
    assert_eq!(with(18, 62), ElfError::WrongMachine, "x86-64");
    let empty = ElfFile { segments: Vec::new(), ..program() };
    assert_eq!(load(&mut placement(), "file", &empty.bytes(), None), Err(ElfError::NothingToLoad));
}

#[test]
fn overlapping_and_oversized_segments_are_refused() {
    let mut elf = program();
    elf.segments[1].phys = BASE + 15;
    let overlap = load(&mut placement(), "file", &elf.bytes(), None);
    assert!(matches!(overlap, Err(ElfError::Placement(PlacementError::Overlap { .. }))));
    elf.segments[1] = FileSegment { virt: 0, phys: BASE + 0x1000, size: u64::MAX, data: Vec::new() };
    let outside = load(&mut placement(), "file", &elf.bytes(), Some(BASE));
    assert!(matches!(outside, Err(ElfError::Placement(PlacementError::OutsideRam { .. }))));
    elf.segments[1] = FileSegment { virt: 0, phys: BASE + 0x1000, size: 3, data: b"four".to_vec() };
    assert!(matches!(load(&mut placement(), "file", &elf.bytes(), None), Err(ElfError::Damaged(_))));
}

#[test]
fn every_truncation_is_an_error_or_loses_only_symbols() {
    let good = program().bytes();
    for len in 0..good.len() {
        if let Ok(loaded) = load(&mut placement(), "file", &good[..len], None) {
            assert_eq!(loaded.entry, BASE + 4, "cut to {len} bytes");
        }
    }
}

proptest! {
    #[test]
    fn garbage_behind_the_magic_is_survived(
        flips in prop::collection::vec((4usize..800, any::<u8>()), 1..12),
        base in prop_oneof![Just(None), Just(Some(BASE)), any::<u64>().prop_map(Some)],
    ) {
        let mut bytes = program().bytes();
        for (at, byte) in flips {
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
        }
        let mut placement = placement();
        // Any result except a panic is valid; loaded segments are in RAM by construction.
        if let Ok(loaded) = load(&mut placement, "file", &bytes, base) {
            prop_assert!(placement.memory().read_obj::<u8>(GuestAddress(BASE)).is_ok(), "{loaded:?}");
        }
    }
}
