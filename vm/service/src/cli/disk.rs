//! `--disk`: a path followed by options, or `key=value` items, which allow any path.
//!
//! ```text
//!  FILE[,ro][,name=NAME][,format=raw]       trailing items that are options count as such
//!  file=FILE[,ro][,name=NAME][,format=raw]  in any order; a comma in the path is doubled
//! ```

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use riscope_machine::DiskSpec;
use riscope_machine::board::disk::is_disk_name;

/// Items of an argument parsed so far.
#[derive(Debug, Default)]
struct Items {
    file: Option<Vec<u8>>,
    name: Option<String>,
    read_only: bool,
    raw: bool,
}

/// Parses a `--disk` argument.
///
/// # Errors
/// A message that says what is wrong.
pub(crate) fn parse_disk(argument: &OsStr) -> Result<DiskSpec, String> {
    let bytes = argument.as_bytes();
    let mut items = Items::default();
    if [&b"file="[..], b"name=", b"format="].iter().any(|key| bytes.starts_with(key)) {
        split_items(bytes).into_iter().try_for_each(|item| items.take(item))?;
    } else {
        let mut path = bytes;
        while let Some(at) = path.iter().rposition(|&byte| byte == b',')
            && items.wants(&path[at + 1..])
        {
            items.take(path[at + 1..].to_vec())?;
            path = &path[..at];
        }
        items.file = Some(path.to_vec());
    }
    items.finish()
}

/// Splits at single commas; a doubled comma is a literal one.
fn split_items(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut items = vec![Vec::new()];
    let mut rest = bytes.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        if byte == b',' && rest.next_if_eq(&b',').is_none() {
            items.push(Vec::new());
        } else if let Some(item) = items.last_mut() {
            item.push(byte);
        }
    }
    items
}

impl Items {
    /// Whether an item after a plain path is an option and not part of the path. Each
    /// option may be given once.
    fn wants(&self, item: &[u8]) -> bool {
        item == b"ro" && !self.read_only
            || item.starts_with(b"name=") && self.name.is_none()
            || item.starts_with(b"format=") && !self.raw
    }

    fn take(&mut self, item: Vec<u8>) -> Result<(), String> {
        let twice = |key: &str| Err(format!("{key} is given twice"));
        if item == b"ro" {
            self.read_only = true;
        } else if let Some(path) = item.strip_prefix(b"file=") {
            if self.file.replace(path.to_vec()).is_some() {
                return twice("file=");
            }
        } else if let Some(name) = item.strip_prefix(b"name=") {
            let name = String::from_utf8_lossy(name).into_owned();
            if !is_disk_name(&name) {
                return Err(format!("{name:?} is no name; use 1 to 20 letters, digits, '-', '_' and '.'"));
            }
            if self.name.replace(name).is_some() {
                return twice("name=");
            }
        } else if let Some(format) = item.strip_prefix(b"format=") {
            if format != b"raw" {
                return Err("disks are raw images; make one with qemu-img convert -O raw".into());
            }
            self.raw = true;
        } else {
            let item = String::from_utf8_lossy(&item).into_owned();
            return Err(format!("{item:?} is none of file=, name=, format=raw and ro; double the commas of a path"));
        }
        Ok(())
    }

    fn finish(self) -> Result<DiskSpec, String> {
        let path = self.file.filter(|path| !path.is_empty()).ok_or("it names no file")?;
        let mut disk = DiskSpec::path(PathBuf::from(OsString::from_vec(path)), self.read_only);
        if let Some(name) = self.name {
            disk = disk.named(name);
        }
        Ok(if self.raw { disk.certainly_raw() } else { disk })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Path, name as the third disk, and whether it is read-only.
    fn parsed(argument: &[u8]) -> Result<(String, String, bool), String> {
        let disk = parse_disk(OsStr::from_bytes(argument))?;
        Ok((disk.source().to_owned(), disk.name(2).to_string(), disk.is_read_only()))
    }

    #[test]
    fn a_plain_path_may_have_options_behind_it() {
        for (argument, path, name, read_only) in [
            ("disk.ext4", "disk.ext4", "disk2", false),
            ("disk.ext4,ro", "disk.ext4", "disk2", true),
            ("a,b,ro", "a,b", "disk2", true),
            ("a,b", "a,b", "disk2", false),
            ("d,name=root", "d", "root", false),
            ("d,name=root,ro", "d", "root", true),
            ("d,ro,name=root,format=raw", "d", "root", true),
            ("d,ro,x", "d,ro,x", "disk2", false),
            ("d,ro,ro", "d,ro", "disk2", true),
            ("d,name=a,name=b", "d,name=a", "b", false),
            ("/a=b/file=c", "/a=b/file=c", "disk2", false),
        ] {
            assert_eq!(parsed(argument.as_bytes()), Ok((path.into(), name.into(), read_only)), "{argument}");
        }
    }

    #[test]
    fn a_path_in_an_item_may_be_anything() {
        for (argument, path, name, read_only) in [
            ("file=disk,,ro", "disk,ro", "disk2", false),
            ("file=disk,,ro,ro", "disk,ro", "disk2", true),
            ("ro=x,file=y", "ro=x,file=y", "disk2", false),
            ("file=a=b,,,,c", "a=b,,c", "disk2", false),
            ("name=root,ro,file=file=x", "file=x", "root", true),
            ("format=raw,file=d.qcow2", "d.qcow2", "disk2", false),
            ("file=,,", ",", "disk2", false),
        ] {
            assert_eq!(parsed(argument.as_bytes()), Ok((path.into(), name.into(), read_only)), "{argument}");
        }
        let latin = parse_disk(OsStr::from_bytes(b"file=gr\xfcn,ro")).unwrap();
        assert!(latin.is_read_only());
    }

    #[test]
    fn what_is_no_disk_is_told() {
        for (argument, reason) in [
            ("", "no file"),
            (",ro", "no file"),
            ("file=", "no file"),
            ("name=root", "no file"),
            ("file=a,file=b", "file= is given twice"),
            ("file=d,name=a,name=b", "name= is given twice"),
            ("file=a,cache=none", "\"cache=none\""),
            ("file=a,", "\"\""),
            ("d,name=a b", "no name"),
            ("d,format=qcow2", "raw"),
        ] {
            let text = parsed(argument.as_bytes()).expect_err(argument);
            assert!(text.contains(reason), "{argument}: {text}");
        }
    }
}
