//! Tests with `fixtures` that the formats' own tools made of [`contents`] and [`code`]:
//! gzip 1.12, zstd 1.5, xz 5.4 and 5.8, bzip2 1.0.8 and lz4 1.9. `two.*` are two
//! concatenated files made with different options.

use proptest::prelude::*;

use super::*;

const WHOLE: [(&str, Packing, &[u8]); 7] = [
    ("gzip -9", Packing::Gzip, include_bytes!("fixtures/contents.gz")),
    ("zstd -22 --ultra", Packing::Zstd, include_bytes!("fixtures/contents.zst")),
    ("xz --check=crc32 --lzma2=dict=128MiB", Packing::Xz, include_bytes!("fixtures/contents.xz")),
    ("lzma -9", Packing::Lzma, include_bytes!("fixtures/contents.lzma")),
    ("bzip2 -9", Packing::Bzip2, include_bytes!("fixtures/contents.bz2")),
    ("lz4 -l -9", Packing::Lz4Legacy, include_bytes!("fixtures/contents.lz4")),
    ("lz4 -9 -BD --content-size", Packing::Lz4, include_bytes!("fixtures/frames.lz4")),
];

const TWO: [(&str, Packing, &[u8]); 6] = [
    ("gzip", Packing::Gzip, include_bytes!("fixtures/two.gz")),
    ("zstd, a skippable frame between them", Packing::Zstd, include_bytes!("fixtures/two.zst")),
    ("xz, another check and filter each", Packing::Xz, include_bytes!("fixtures/two.xz")),
    ("bzip2", Packing::Bzip2, include_bytes!("fixtures/two.bz2")),
    ("lz4 -l", Packing::Lz4Legacy, include_bytes!("fixtures/two.lz4")),
    ("lz4, another size of blocks each", Packing::Lz4, include_bytes!("fixtures/two-frames.lz4")),
];

fn contents() -> Vec<u8> {
    (0..300_000u32).map(|i| (i / 4001 * 31 + i % 7).to_le_bytes()[0]).collect()
}

/// Pairs of `auipc` and `jalr`, which the RISC-V filter of xz rewrites.
fn code() -> Vec<u8> {
    let pair = |i: u32| [0x97 | i << 12, 0x80e7 | (i * 40) << 20];
    (0..400).flat_map(pair).flat_map(u32::to_le_bytes).collect()
}

fn unpack(packed: &[u8]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    Packing::of(packed).expect("the format is known").reader(packed)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[test]
fn what_the_tools_pack_is_recognised_and_unpacked() {
    for (how, packing, packed) in WHOLE.into_iter().chain(TWO) {
        assert_eq!(Packing::of(&packed[..HEAD_SIZE]), Some(packing), "{how}");
        assert!(unpack(packed).unwrap() == contents(), "{how}");
    }
}

#[test]
fn the_filter_of_xz_for_risc_v_is_undone() {
    let packed = include_bytes!("fixtures/riscv.xz");
    assert!(unpack(packed).unwrap() == code());
}

#[test]
fn a_file_that_is_cut_off_is_an_error_wherever_it_ends() {
    for (how, packing, packed) in WHOLE {
        for len in (HEAD_SIZE..packed.len()).step_by(7).chain(packed.len() - 12..packed.len()) {
            assert!(unpack(&packed[..len]).is_err(), "{how}, {len} of {} bytes", packed.len());
        }
        assert_eq!(Packing::of(&packed[..1]), None, "{packing:?}");
    }
}

#[test]
fn a_byte_that_differs_is_an_error_in_formats_with_a_checksum() {
    for (how, packing, packed) in WHOLE {
        // lzma and the legacy lz4 format have no checksum, and lz4's decoder does not check
        // the header.
        if matches!(packing, Packing::Lzma | Packing::Lz4Legacy) {
            continue;
        }
        for at in (packed.len() / 2..packed.len()).step_by(17) {
            let mut changed = packed.to_vec();
            changed[at] ^= 0x10;
            assert!(unpack(&changed).map_or(true, |bytes| bytes == contents()), "{how}, byte {at}");
        }
    }
}

#[test]
fn whoever_stops_reading_bounds_what_is_unpacked() {
    for (how, packing, packed) in WHOLE {
        let mut bytes = Vec::new();
        packing.reader(packed).unwrap().take(1000).read_to_end(&mut bytes).unwrap();
        assert!(bytes == contents()[..1000], "{how}");
    }
}

#[test]
fn a_window_that_is_too_large_is_refused_before_it_is_allocated() {
    // A window descriptor of 2 GiB; dictionaries of 1 GiB and 2 GiB.
    let zstd = [&ZSTD_MAGIC[..], &[0x00, 0xa8], &[0; 32]].concat();
    let lzma = [&[0x5d, 0, 0, 0, 0x40], &[0xff; 8][..], &[0; 32]].concat();
    let mut xz = include_bytes!("fixtures/contents.xz").to_vec();
    assert_eq!(xz[12..17], [0x02, 0x00, 0x21, 0x01, 0x1e]);
    xz[16] = 38;
    let checksum = crc32(&xz[12..20]);
    xz[20..24].copy_from_slice(&checksum.to_le_bytes());
    for packed in [zstd, lzma, xz] {
        let error = unpack(&packed).expect_err("it is too large");
        let text = error.to_string().to_lowercase();
        assert!(text.contains("window") || text.contains("memory") || text.contains("mem"), "{text}");
    }
}

/// CRC-32 of xz headers, bitwise.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| crc >> 1 ^ if crc & 1 != 0 { 0xedb8_8320 } else { 0 })
    })
}

#[test]
fn lzop_is_recognised_and_said_to_have_no_decoder() {
    let packing = Packing::of(b"\x89LZO\0\r\n\x1a\n\x10\x40").unwrap();
    assert_eq!(packing.name(), "lzop");
    assert!(packing.reader(b"").is_err());
}

#[test]
fn what_is_not_packed_is_not_recognised() {
    for head in [&b""[..], b"MZ\0\0zimg", b"\x7fELF", b"BZh1 is a text", b"BZ", b"\xfd7zX", &[0; 64], &[0x5d; 64]] {
        assert_eq!(Packing::of(head), None, "{head:x?}");
    }
}

proptest! {
    /// Reading any file ends or fails, and never yields more than requested.
    #[test]
    fn damaged_files_are_survived(
        which in 0..WHOLE.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
    ) {
        let (_, packing, packed) = WHOLE[which];
        let mut packed = packed.to_vec();
        for (at, byte) in changes {
            let at = at.index(packed.len());
            packed[at] = byte;
        }
        let mut bytes = Vec::new();
        if let Ok(reader) = packing.reader(&packed) {
            // Either result is valid.
            let _ = reader.take(1 << 20).read_to_end(&mut bytes);
        }
        prop_assert!(bytes.len() <= 1 << 20);
    }
}
