//! Disk specification: origin of the image, name, access mode.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::device::virtio::block::backend::DiskError;
use crate::device::virtio::block::{ForeignFormat, ID_BYTES};
use crate::image::open_at_once;

/// Origin of a disk image.
#[derive(Clone, Debug)]
enum DiskOrigin {
    Path(PathBuf),
    File(Arc<File>),
}

/// A disk with a raw image.
#[derive(Clone, Debug)]
pub struct DiskSpec {
    source: String,
    origin: DiskOrigin,
    name: Option<Arc<str>>,
    read_only: bool,
    /// Whether the user has confirmed the raw format, so that it is not checked.
    raw: bool,
}

impl DiskSpec {
    /// A disk with the image at `path`.
    pub fn path(path: impl Into<PathBuf>, read_only: bool) -> Self {
        let path = path.into();
        Self::new(path.display().to_string(), DiskOrigin::Path(path), read_only)
    }

    /// A disk with an image file that is open for reading, and for writing unless
    /// `read_only`. Messages refer to it as `source`.
    pub fn file(source: impl Into<String>, file: File, read_only: bool) -> Self {
        Self::new(source.into(), DiskOrigin::File(Arc::new(file)), read_only)
    }

    fn new(source: String, origin: DiskOrigin, read_only: bool) -> Self {
        Self { source, origin, name: None, read_only, raw: false }
    }

    /// Names the disk, for the guest and in events; see [`is_disk_name`]. By default disks
    /// are named `disk0` and so on by position.
    #[must_use]
    pub fn named(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Confirms that the image is raw, whatever its contents look like.
    #[must_use]
    pub fn certainly_raw(mut self) -> Self {
        self.raw = true;
        self
    }

    /// Origin of the image, for messages.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether the guest has read-only access.
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Name of the disk, at position `index` among the machine's disks.
    pub fn name(&self, index: usize) -> Arc<str> {
        self.name.clone().unwrap_or_else(|| format!("disk{index}").into())
    }

    /// Opens the image.
    ///
    /// # Errors
    /// Returns the host's error.
    pub fn open(&self) -> io::Result<File> {
        match &self.origin {
            DiskOrigin::Path(path) => open_at_once(File::options().read(true).write(!self.read_only), path),
            DiskOrigin::File(file) => file.try_clone(),
        }
    }

    /// Checks that the image has no other known format than raw. Call once, before the
    /// first boot: a guest may write anything to its disks.
    ///
    /// # Errors
    /// [`DiskError::Foreign`] for another format. Does not fail for unreadable files;
    /// opening the disk reports those.
    pub(super) fn check_format(&self) -> Result<(), DiskError> {
        let format = self.open().ok().filter(|_| !self.raw).as_ref().and_then(ForeignFormat::of);
        format.map_or(Ok(()), |format| Err(DiskError::Foreign(format.advice(&self.source))))
    }
}

/// Whether `name` is a valid disk name: 1 to 20 letters, digits, `-`, `_` and `.`. Such a
/// name can be part of a guest path (`/dev/disk/by-id/virtio-NAME`) and a metric label.
pub fn is_disk_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=ID_BYTES).contains(&name.len()) && name.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ScratchDir;

    #[test]
    fn a_disk_is_called_what_it_was_told_or_by_its_place() {
        assert_eq!(&*DiskSpec::path("disk", false).name(3), "disk3");
        assert_eq!(&*DiskSpec::path("disk", false).named("root").name(3), "root");
    }

    #[test]
    fn names_are_short_and_plain() {
        for name in ["a", "disk0", "root-2.img_x", &"x".repeat(20)] {
            assert!(is_disk_name(name), "{name}");
        }
        for name in ["", "a b", "a/b", "a,b", "grün", "a\"", &"x".repeat(21)] {
            assert!(!is_disk_name(name), "{name}");
        }
    }

    #[test]
    fn another_format_is_refused_unless_it_is_said_to_be_raw() {
        let dir = ScratchDir::new();
        let path = dir.path().join("disk.qcow2");
        std::fs::write(&path, [b"QFI\xfb".as_slice(), &[0; 508]].concat()).unwrap();
        let disk = DiskSpec::path(&path, true);
        let text = disk.check_format().unwrap_err().to_string();
        assert!(text.contains("qcow2") && text.contains("qemu-img convert -O raw"), "{text}");
        assert!(disk.certainly_raw().check_format().is_ok());
        std::fs::write(&path, [0; 512]).unwrap();
        assert!(DiskSpec::path(&path, true).check_format().is_ok());
        assert!(DiskSpec::path(dir.path().join("missing"), true).check_format().is_ok());
    }
}
