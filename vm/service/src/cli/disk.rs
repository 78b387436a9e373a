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

/// Item of an argument.
#[derive(Clone, Copy, Debug)]
enum Setting<'a> {
    File(&'a [u8]),
    Name(&'a [u8]),
    Format(&'a [u8]),
    ReadOnly,
}

impl<'a> Setting<'a> {
    /// Parses an item.
    fn of(item: &'a [u8]) -> Option<Self> {
        if item == b"ro" {
            return Some(Self::ReadOnly);
        }
        let at = item.iter().position(|&byte| byte == b'=')?;
        let (key, value) = (&item[..at], &item[at + 1..]);
        match key {
            b"file" => Some(Self::File(value)),
            b"name" => Some(Self::Name(value)),
            b"format" => Some(Self::Format(value)),
            _ => None,
        }
    }
}

/// Items of an argument parsed so far.
#[derive(Debug, Default)]
struct Settings {
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
    let mut settings = Settings::default();
    let first = bytes.split(|&byte| byte == b',').next().unwrap_or_default();
    if matches!(Setting::of(first), Some(Setting::File(_) | Setting::Name(_) | Setting::Format(_))) {
        for item in split_items(bytes) {
            settings.take(Setting::of(&item).ok_or_else(|| unknown(&item))?)?;
        }
    } else {
        let mut path = bytes;
        while let Some(at) = path.iter().rposition(|&byte| byte == b',')
            && let Some(setting) = Setting::of(&path[at + 1..]).filter(|setting| settings.may_follow_a_path(setting))
        {
            settings.take(setting)?;
            path = &path[..at];
        }
        settings.take(Setting::File(path))?;
    }
    settings.finish()
}

/// Items between single commas; two commas are one of an item.
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

fn unknown(item: &[u8]) -> String {
    let item = String::from_utf8_lossy(item);
    format!("{item:?} is none of file=, name=, format=raw and ro; double the commas of a path")
}

impl Settings {
    /// Whether a setting after a plain path is an option and not part of the path. Each
    /// option may be given once.
    fn may_follow_a_path(&self, setting: &Setting<'_>) -> bool {
        match setting {
            Setting::File(_) => false,
            Setting::Name(_) => self.name.is_none(),
            Setting::Format(_) => !self.raw,
            Setting::ReadOnly => !self.read_only,
        }
    }

    fn take(&mut self, setting: Setting<'_>) -> Result<(), String> {
        let is_second = match setting {
            Setting::File(path) => self.file.replace(path.to_vec()).is_some().then_some("file="),
            Setting::Name(name) => self.name.replace(disk_name(name)?).is_some().then_some("name="),
            Setting::Format(b"raw") => {
                self.raw = true;
                None
            }
            Setting::Format(_) => return Err("disks are raw images; make one with qemu-img convert -O raw".into()),
            Setting::ReadOnly => {
                self.read_only = true;
                None
            }
        };
        is_second.map_or(Ok(()), |key| Err(format!("{key} is given twice")))
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

fn disk_name(name: &[u8]) -> Result<String, String> {
    let name = String::from_utf8_lossy(name).into_owned();
    if is_disk_name(&name) {
        Ok(name)
    } else {
        Err(format!("{name:?} is no name; use 1 to 20 letters, digits, '-', '_' and '.'"))
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
