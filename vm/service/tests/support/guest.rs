//! Debian guest of the tests: location, start, and kernel messages that are failures.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Path of a file of the test guest.
///
/// # Panics
/// If it does not exist.
fn image(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/guest").join(name);
    assert!(path.exists(), "the guest of the tests is missing: run `make test-guest` ({})", path.display());
    path.to_str().expect("the path is UTF-8").to_owned()
}

/// Debian's kernel.
pub(crate) fn kernel() -> String {
    image("Image")
}

/// The initramfs with busybox.
pub(crate) fn initrd() -> String {
    image("initrd.gz")
}

/// The ext4 disk with Debian packages. Tests run on copies of it.
pub(crate) fn disk() -> String {
    image("test-disk.ext4")
}

/// The ext4 disk with systemd, whose packages are not configured. Tests run on copies of
/// it.
pub(crate) fn systemd_disk() -> String {
    image("test-systemd.ext4")
}

/// A copy of a disk at the path `copy`, sparse or by reference where the file system
/// supports that.
pub(crate) fn copy_of(disk: &str, copy: PathBuf) -> PathBuf {
    let status = Command::new("cp").args(["--reflink=auto", "--sparse=always", disk]).arg(&copy).status();
    assert!(status.expect("cp starts").success(), "the disk can be copied");
    copy
}

/// A firmware of Debian's OpenSBI.
pub(crate) fn opensbi(name: &str) -> String {
    let path = format!("/usr/lib/riscv64-linux-gnu/opensbi/generic/{name}");
    assert!(Path::new(&path).exists(), "{path} is missing: install Debian's package `opensbi`");
    path
}

/// Arguments that boot the kernel with the initramfs and this addition to its command line.
pub(crate) fn linux(append: &str) -> Vec<String> {
    linux_with(Path::new(&initrd()), append)
}

/// Like [`linux`], with another initramfs.
pub(crate) fn linux_with(initrd: &Path, append: &str) -> Vec<String> {
    let append = format!("console=ttyS0 {append}");
    let initrd = initrd.to_str().expect("the path is UTF-8");
    ["run", "--kernel", &kernel(), "--initrd", initrd, "--append", &append].map(str::to_owned).to_vec()
}

/// A command for `riscope.exec=`, with special characters of the kernel command line
/// escaped.
pub(crate) fn exec(command: &str) -> String {
    let escaped = command.replace('%', "%25").replace('"', "%22").replace('\n', "%0A");
    format!("riscope.exec=\"{escaped}\"")
}

/// Writes a copy of the initramfs with `script` as `/script.sh`, which the guest runs
/// instead of a shell.
pub(crate) fn initrd_with_script(path: PathBuf, script: &str) -> PathBuf {
    let mut archive = fs::read(initrd()).expect("the initramfs can be read");
    // The kernel skips zeros between archives, which start at multiples of four.
    archive.resize(archive.len().next_multiple_of(4), 0);
    append_file(&mut archive, "script.sh", 0o100_755, script.as_bytes());
    append_file(&mut archive, "TRAILER!!!", 0, b"");
    fs::write(&path, archive).expect("the copy can be written");
    path
}

/// Appends a file in cpio's "newc" format: a header of hexadecimal fields, name and contents, each padded to 4 bytes.
fn append_file(archive: &mut Vec<u8>, name: &str, mode: u32, contents: &[u8]) {
    let start = archive.len();
    let links = 1;
    let fields = [0, mode, 0, 0, links, 0, size(contents.len()), 0, 0, 0, 0, size(name.len() + 1), 0];
    archive.extend_from_slice(b"070701");
    for field in fields {
        write!(archive, "{field:08x}").expect("a vector takes everything");
    }
    archive.extend_from_slice(name.as_bytes());
    archive.push(0);
    archive.resize(start + (archive.len() - start).next_multiple_of(4), 0);
    archive.extend_from_slice(contents);
    archive.resize(start + (archive.len() - start).next_multiple_of(4), 0);
}

fn size(len: usize) -> u32 {
    u32::try_from(len).expect("a small file")
}

/// Lines of a kernel's log that report a defect, in the kernel or in the machine under it.
pub(crate) fn complaints(log: &str) -> Vec<&str> {
    const SIGNS: &[&str] = &[
        "WARNING:",
        "BUG:",
        "Oops",
        "Call Trace",
        "Kernel panic",
        "Unable to handle kernel",
        "hung task",
        "blocked for more than",
        "soft lockup",
        "hard LOCKUP",
        "I/O error",
        "nobody cared (try booting",
    ];
    let is_complaint = |line: &&str| {
        SIGNS.iter().any(|sign| line.contains(sign))
            || line.contains("rcu") && (line.contains("stall") || line.contains("starved"))
    };
    log.lines().filter(is_complaint).collect()
}

/// Fails if a kernel reports a defect in `log`.
pub(crate) fn assert_no_complaint(log: &str) {
    let found = complaints(log);
    assert!(found.is_empty(), "the kernel complains: {found:#?}\nin\n{log}");
}
