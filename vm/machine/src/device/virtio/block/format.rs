//! Detection of disk image formats other than raw. They are rejected with the command that
//! converts them, never interpreted.

use std::fs::File;
use std::os::unix::fs::FileExt;

use crate::image::Packing;

/// Bytes read at the start and at the end of a file.
const EDGE: usize = 512;

/// Position of a format's signature.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// Offset from the start in bytes.
    Start(usize),
    /// Start of the last 512 bytes.
    Footer,
}

/// Command that converts a file to raw. `{in}` and `{out}` stand for paths.
const QEMU: &str = "qemu-img convert -O raw {in} {out}";

/// Signature, position, name, command.
type Row = (&'static [u8], Place, &'static str, &'static str);

const ROWS: &[Row] = &[
    (b"QFI\xfb", Place::Start(0), "qcow2", QEMU),
    (b"QED\0", Place::Start(0), "QED", QEMU),
    (b"KDMV", Place::Start(0), "VMDK", QEMU),
    (b"COWD", Place::Start(0), "VMDK", QEMU),
    (b"# Disk DescriptorFile", Place::Start(0), "VMDK", QEMU),
    (b"\x7f\x10\xda\xbe", Place::Start(64), "VDI", QEMU),
    (b"vhdxfile", Place::Start(0), "VHDX", QEMU),
    (b"conectix", Place::Start(0), "VHD", QEMU),
    (b"conectix", Place::Footer, "VHD", QEMU),
    (b"WithoutFreeSpace", Place::Start(0), "Parallels", QEMU),
    (b"WithouFreSpacExt", Place::Start(0), "Parallels", QEMU),
    (b"koly", Place::Footer, "DMG", QEMU),
    (b"\x3a\xff\x26\xed", Place::Start(0), "Android sparse", "simg2img {in} {out}"),
    (b"PK\x03\x04", Place::Start(0), "ZIP", "unzip {in}"),
    (b"7z\xbc\xaf\x27\x1c", Place::Start(0), "7z", "7z x {in}"),
];

/// Disk image format other than raw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForeignFormat {
    name: &'static str,
    command: &'static str,
}

impl ForeignFormat {
    /// Format of `file`; `None` if it looks raw.
    pub fn of(file: &File) -> Option<Self> {
        let metadata = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
        let start = edge(file, 0);
        let footer = edge(file, metadata.len().saturating_sub(EDGE as u64));
        let has = |row: &&Row| match row.1 {
            Place::Start(at) => start.get(at..).is_some_and(|bytes| bytes.starts_with(row.0)),
            Place::Footer => footer.starts_with(row.0),
        };
        let found = ROWS.iter().find(has).map(|&(_, _, name, command)| Self { name, command });
        found.or_else(|| Packing::of(&start).map(Self::compressed))
    }

    fn compressed(packing: Packing) -> Self {
        let command = match packing {
            Packing::Gzip => "gzip -dc {in} > {out}",
            Packing::Zstd => "zstd -dc {in} > {out}",
            Packing::Xz => "xz -dc {in} > {out}",
            Packing::Lzma => "xz --format=lzma -dc {in} > {out}",
            Packing::Bzip2 => "bzip2 -dc {in} > {out}",
            Packing::Lz4 | Packing::Lz4Legacy => "lz4 -dc {in} > {out}",
            Packing::Lzop => "lzop -dc {in} > {out}",
        };
        Self { name: packing.name(), command }
    }

    /// Names the format and the command that converts the image at `path`.
    pub fn advice(self, path: &str) -> String {
        let word = |word| match word {
            "{in}" => quoted(path),
            "{out}" => quoted(&format!("{path}.raw")),
            word => word.to_owned(),
        };
        let command = self.command.split(' ').map(word).collect::<Vec<_>>().join(" ");
        format!("it is a {} file, and disks are raw images; convert it with `{command}`", self.name)
    }
}

/// Up to [`EDGE`] bytes from `offset`; empty if they cannot be read.
fn edge(file: &File, offset: u64) -> Vec<u8> {
    let mut bytes = vec![0; EDGE];
    let mut len = 0;
    while let Ok(count @ 1..) = file.read_at(&mut bytes[len..], offset + len as u64) {
        len += count;
    }
    bytes.truncate(len);
    bytes
}

/// Quotes `path` for a shell.
fn quoted(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.+:@%=,".contains(&byte);
    if path.bytes().all(is_plain) { path.into() } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ScratchDir;

    fn format_of(bytes: &[u8]) -> Option<&'static str> {
        let dir = ScratchDir::new();
        let path = dir.path().join("disk");
        std::fs::write(&path, bytes).unwrap();
        ForeignFormat::of(&File::open(path).unwrap()).map(|format| format.name)
    }

    #[test]
    fn signatures_are_found_where_they_are() {
        for (signature, place, name, _) in ROWS {
            let mut bytes = vec![0; 4096];
            let at = match place {
                Place::Start(at) => *at,
                Place::Footer => bytes.len() - EDGE,
            };
            bytes[at..at + signature.len()].copy_from_slice(signature);
            assert_eq!(format_of(&bytes), Some(*name), "{signature:x?}");
            bytes.rotate_right(1);
            assert_eq!(format_of(&bytes), None, "{signature:x?}, one byte on");
        }
    }

    #[test]
    fn compressed_images_are_told_from_raw_ones() {
        for (bytes, name) in [
            (&b"\x1f\x8b\x08\0"[..], Some("gzip")),
            (b"\x28\xb5\x2f\xfd\x04", Some("zstd")),
            (b"\xfd7zXZ\0\0\x01", Some("xz")),
            (b"BZh91AY&SY", Some("bzip2")),
            (b"\x04\x22\x4d\x18", Some("lz4")),
            (b"\x1f\x8b\x07\0", None),
            (b"", None),
            (&[0; 700], None),
            (b"an ext4 file system", None),
        ] {
            assert_eq!(format_of(bytes), name, "{bytes:x?}");
        }
    }

    #[test]
    fn a_directory_or_device_has_no_format() {
        assert_eq!(ForeignFormat::of(&File::open("/").unwrap()), None);
        assert_eq!(ForeignFormat::of(&File::open("/dev/null").unwrap()), None);
    }

    #[test]
    fn the_advice_can_be_pasted_into_a_shell() {
        let advice = |name: &'static str, path: &str| {
            let command = ROWS.iter().find(|row| row.2 == name).unwrap().3;
            ForeignFormat { name, command }.advice(path)
        };
        let text = advice("qcow2", "a/b.qcow2");
        assert!(text.ends_with("`qemu-img convert -O raw a/b.qcow2 a/b.qcow2.raw`"), "{text}");
        let text = advice("Android sparse", "it's {in}");
        assert!(text.ends_with(r"`simg2img 'it'\''s {in}' 'it'\''s {in}.raw'`"), "{text}");
    }
}
