//! Tests of unusable input: one line that names the file or option and the remedy, exit
//! status 2, and no files left behind. Random bytes as firmware do not affect the host.

mod support;

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::fs::{CWD, Mode, mkfifoat};
use support::assembly::assemble;
use support::guest::{initrd, kernel};
use support::process::{Outcome, Process, riscope};
use support::scratch::Scratch;

/// User and group ID without permissions.
const NOBODY: u32 = 65534;

/// A program that never ends and has a signature.
const SIGNED: &str = ".globl _start, begin_signature, end_signature
    _start: j _start
    .balign 8
    begin_signature: .dword 0
    end_signature:\n";

/// Directory with bad input, and an empty one as working and temporary directory of
/// riscope.
struct Bench {
    input: Scratch,
    run: Scratch,
}

impl Bench {
    fn new() -> Self {
        Self { input: Scratch::new(), run: Scratch::new() }
    }

    /// Writes a file and returns its path as an argument.
    fn file(&self, name: &str, contents: impl AsRef<[u8]>) -> String {
        self.argument(&self.input.write(name, contents))
    }

    /// A file of this size without contents.
    fn sparse(&self, name: &str, size: u64) -> String {
        let path = self.input.join(name);
        File::create(&path).and_then(|file| file.set_len(size)).expect("the file can be made");
        self.argument(&path)
    }

    fn argument(&self, path: &std::path::Path) -> String {
        path.to_str().expect("the path is UTF-8").to_owned()
    }

    /// A command of `riscope` with these arguments, in that directory.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = riscope(arguments);
        command.current_dir(self.run.path()).env("TMPDIR", self.run.path());
        command
    }

    /// Checks that `riscope run` refuses these arguments with a message that contains each
    /// of `expected`.
    fn refuses(&self, arguments: &[&str], expected: &[&str]) {
        let mut all = vec!["run"];
        all.extend(arguments);
        self.assert_refused(&Process::start(self.command(&all)).finish(), arguments, expected);
    }

    fn assert_refused(&self, outcome: &Outcome, arguments: &[&str], expected: &[&str]) {
        let context = format!("{arguments:?}\n{}", outcome.log());
        assert_eq!(outcome.code(), 2, "{context}");
        assert_eq!(outcome.stdout, "", "stdout is the guest's: {context}");
        assert_eq!(outcome.stderr.lines().count(), 1, "one line: {context}");
        assert!(outcome.stderr.starts_with("riscope: "), "{context}");
        assert!(outcome.stderr.ends_with('\n') && !outcome.stderr.contains('\r'), "{context}");
        for words in expected {
            assert!(outcome.stderr.contains(words), "{words:?} is missing: {context}");
        }
        assert_eq!(self.run.names(), Vec::<String>::new(), "files are left behind: {context}");
    }
}

/// Deterministic pseudo-random bytes (SplitMix64).
fn random_bytes(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed;
    let words = std::iter::repeat_with(|| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31).to_le_bytes()
    });
    words.flatten().take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_that_are_none() {
        let bench = Bench::new();
        let whole = fs::read(kernel()).expect("the kernel can be read");
        let host_program = fs::read(env!("CARGO_BIN_EXE_riscope")).expect("it can be read");
        let cases = [
            ("nowhere/Image".to_owned(), "No such file"),
            (bench.argument(bench.input.path()), "no regular file"),
            (bench.file("empty", ""), "no RISC-V kernel"),
            (bench.file("short", &whole[..40]), "no RISC-V kernel"),
            (bench.file("random", random_bytes(1, 100_000)), "no RISC-V kernel"),
            (bench.file("cut", &whole[..whole.len() / 2]), "cut off"),
            (bench.file("cut-by-one", &whole[..whole.len() - 1]), "cut off"),
            (bench.sparse("huge", 3 << 30), "more than 1073741824 bytes"),
            (bench.file("host", host_program), "not for 64-bit little-endian RISC-V"),
            (bench.file("cut.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x63"), "compressed by gzip and cannot be unpacked"),
        ];
        for (path, reason) in &cases {
            bench.refuses(&["--kernel", path], &[path, reason, "--kernel"]);
        }
    }

    #[test]
    fn firmware_that_is_none() {
        let bench = Bench::new();
        let cases = [
            ("nowhere.elf".to_owned(), "No such file"),
            (bench.argument(bench.input.path()), "no regular file"),
            (bench.file("empty", ""), "is empty"),
            (bench.sparse("huge", 600 << 20), "more memory"),
            (bench.file("elf", b"\x7fELF\x02\x01\x01"), "damaged ELF"),
        ];
        for (path, reason) in &cases {
            bench.refuses(&["--bios", path], &[path, reason, "--bios"]);
        }
    }

    #[test]
    fn an_initrd_that_is_missing_or_does_not_fit() {
        let (bench, kernel) = (Bench::new(), kernel());
        let cases = [
            ("nowhere.gz".to_owned(), "No such file"),
            (bench.argument(bench.input.path()), "no regular file"),
            (bench.sparse("larger-than-memory", 600 << 20), "more than"),
            (bench.sparse("larger-than-the-rest", 500 << 20), "more memory"),
        ];
        for (path, reason) in &cases {
            bench.refuses(&["--kernel", &kernel, "--initrd", path], &[path, reason, "--initrd", "--memory"]);
        }
    }

    #[test]
    fn disks_that_are_none() {
        let (bench, kernel) = (Bench::new(), kernel());
        let cases = [
            ("nowhere.img".to_owned(), "No such file"),
            (bench.argument(bench.input.path()), "directory"),
            ("/dev/null,ro".to_owned(), "no regular file"),
            (bench.file("empty", ""), "empty"),
            (bench.sparse("1000", 1000), "multiple of 512"),
            (bench.sparse("512001,ro", 512_001), "multiple of 512"),
        ];
        for (path, reason) in &cases {
            let name = path.strip_suffix(",ro").unwrap_or(path);
            let option = if path.contains("512001") { format!("{path},ro") } else { path.clone() };
            bench.refuses(&["--kernel", &kernel, "--disk", &option], &[name, reason, "--disk"]);
        }
    }

    #[test]
    fn disks_in_another_format_are_named_with_what_converts_them() {
        let (bench, kernel) = (Bench::new(), kernel());
        let image = |magic: &[u8], len: usize| {
            let mut bytes = magic.to_vec();
            bytes.resize(len, 0);
            bytes
        };
        for (name, bytes, reasons) in [
            // Even if its size is that of a disk.
            ("a.qcow2", image(b"QFI\xfb\0\0\0\x03", 196_616), ["qcow2", "qemu-img convert -O raw"]),
            ("b.qcow2", image(b"QFI\xfb\0\0\0\x03", 196_608), ["qcow2", "qemu-img convert -O raw"]),
            ("c.vmdk", image(b"KDMV", 65536), ["VMDK", "qemu-img convert -O raw"]),
            ("d.vhdx", image(b"vhdxfile", 1 << 20), ["VHDX", "qemu-img convert -O raw"]),
            ("e.img.gz", image(b"\x1f\x8b\x08", 777), ["gzip", "gzip -dc"]),
            ("f.img.zst", image(b"\x28\xb5\x2f\xfd", 512), ["zstd", "zstd -dc"]),
        ] {
            let path = bench.file(name, bytes);
            let disk = format!("{path},ro");
            bench.refuses(&["--kernel", &kernel, "--disk", &disk], &[&path, reasons[0], reasons[1], "--disk"]);
        }
        for (option, reason) in [("file=x,cache=none", "cache=none"), ("x,name=a b", "no name")] {
            bench.refuses(&["--kernel", &kernel, "--disk", option], &["--disk", reason]);
        }
    }

    #[test]
    fn a_disk_that_the_host_keeps_from_being_written() {
        let (bench, kernel) = (Bench::new(), Scratch::below(&std::env::temp_dir()));
        let path = bench.sparse("disk", 1 << 20);
        fs::set_permissions(&path, Permissions::from_mode(0o444)).expect("the file is ours");
        // Root may always write, and other users may not reach our files, so the
        // unprivileged user gets copies.
        let program = kernel.join("riscope");
        fs::copy(env!("CARGO_BIN_EXE_riscope"), &program).expect("it can be copied");
        let copies = [kernel.join("Image"), kernel.join("disk")];
        fs::copy(support::guest::kernel(), &copies[0]).expect("it can be copied");
        fs::copy(&path, &copies[1]).expect("it can be copied");
        for (path, mode) in [(kernel.path(), 0o755), (&program, 0o755), (&copies[0], 0o444), (&copies[1], 0o444)] {
            fs::set_permissions(path, Permissions::from_mode(mode)).expect("the file is ours");
        }
        let [image, disk] = copies.map(|copy| bench.argument(&copy));
        let arguments = ["run", "--kernel", &image, "--disk", &disk];
        let mut command = Command::new(&program);
        command.args(arguments).current_dir("/");
        if fs::metadata(kernel.path()).expect("it is there").uid() == 0 {
            command.uid(NOBODY).gid(NOBODY);
        }
        let outcome = Process::start(command).finish();
        bench.assert_refused(&outcome, &arguments, &[&disk, "Permission denied", "--disk", ",ro"]);
    }

    #[test]
    fn one_disk_for_two_machines() {
        let bench = Bench::new();
        let disk = bench.sparse("disk", 1 << 20);
        let endless = bench.file("endless", 0x0000_006f_u32.to_le_bytes());
        let first =
            Process::start(bench.command(&["run", "--bios", &endless, "--disk", &disk, "--listen", "127.0.0.1:0"]));
        // The address is printed once the machine is built.
        let found = first.stderr.wait_for(support::PATIENCE, support::http::address_in);
        let address = found.unwrap_or_else(|| panic!("no address: {}", first.stderr.text()));
        bench.refuses(&["--bios", &endless, "--disk", &disk], &[&disk, "another machine uses it"]);
        bench.refuses(
            &["--bios", &endless, "--listen", &address.to_string()],
            &[&address.to_string(), "in use", "--listen"],
        );
    }

    #[test]
    fn absurd_numbers() {
        let (bench, kernel) = (Bench::new(), kernel());
        for cpus in ["0", "9", "-1", "1.5", "many", "18446744073709551617"] {
            bench.refuses(&["--kernel", &kernel, "--cpus", cpus], &["--cpus"]);
        }
        for memory in ["0", "1", "1023K", "1048577", "2T", "99999999999T", "-1", "lots"] {
            bench.refuses(&["--kernel", &kernel, "--memory", memory], &["--memory"]);
        }
        bench.refuses(&["--kernel", &kernel, "--memory", "16M"], &[&kernel, "more memory"]);
        for timeout in ["0", "-1", "soon", "NaN"] {
            bench.refuses(&["--kernel", &kernel, "--timeout", timeout], &["--timeout"]);
        }
    }

    #[test]
    fn wrong_use() {
        let (bench, kernel) = (Bench::new(), kernel());
        bench.refuses(&[], &["--kernel", "--bios"]);
        bench.refuses(&["--initrd", &initrd()], &["--kernel", "--bios"]);
        bench.refuses(&["--kernel", &kernel, "--engine", "steam"], &["--engine", "interpreter", "tiered"]);
        bench.refuses(&["--kernel", &kernel, "--cpu", "2"], &["--cpu", "--cpus"]);
        bench.refuses(&["--kernel", &kernel, "--listen", "127.0.0.1:99999"], &["--listen"]);
        bench.refuses(&["--kernel", &kernel, "--otlp", "nonsense"], &["nonsense", "http://"]);
        bench.refuses(&["--kernel", &kernel, "--append", &"a ".repeat(5000)], &["command line", "--append"]);
    }

    #[test]
    fn a_taken_port() {
        let bench = Bench::new();
        let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = taken.local_addr().expect("it has one").to_string();
        bench.refuses(&["--kernel", &kernel(), "--listen", &address], &[&address, "in use", "--listen"]);
        let outcome = Process::start(bench.command(&["demo", "--listen", &address])).finish();
        bench.assert_refused(&outcome, &["demo"], &[&address, "in use", "--listen"]);
    }

    #[test]
    fn a_demo_that_is_asked_for_what_is_not_possible() {
        let bench = Bench::new();
        for arguments in [
            ["demo", "--listen", "127.0.0.1:99999"],
            ["demo", "--listen", "nowhere:80"],
            ["demo", "--otlp", "nonsense"],
            ["demo", "--phases", "foo"],
            ["demo", "--seconds", "0"],
            ["demo", "--engine", "steam"],
        ] {
            let option = if matches!(arguments[1], "--otlp" | "--phases") { arguments[2] } else { arguments[1] };
            let mut command = bench.command(&arguments);
            if arguments[1] != "--listen" {
                command.args(["--listen", "127.0.0.1:0"]);
            }
            bench.assert_refused(&Process::start(command).finish(), &arguments, &[option]);
        }
    }

    #[test]
    fn nothing_is_announced_that_does_not_come_about() {
        let bench = Bench::new();
        // One line about the file, and none about the address.
        bench.refuses(&["--bios", "nowhere", "--listen", "127.0.0.1:0"], &["nowhere", "--bios"]);
        let endless = bench.file("endless", 0x0000_006f_u32.to_le_bytes());
        bench.refuses(
            &["--bios", &endless, "--signature", "s", "--listen", "127.0.0.1:0"],
            &[&endless, "begin_signature"],
        );
    }

    #[test]
    fn pipes_are_refused_before_anybody_writes_to_them() {
        let (bench, kernel) = (Bench::new(), kernel());
        let path = bench.input.join("pipe");
        mkfifoat(CWD, &path, Mode::RWXU).expect("a pipe can be made");
        let pipe = bench.argument(&path);
        let read_only = format!("{pipe},ro");
        let signed = bench.argument(&assemble(&bench.input, "signed", SIGNED));
        let cases = [
            ["--kernel", &pipe, "--memory", "512M"],
            ["--bios", &pipe, "--memory", "512M"],
            ["--kernel", &kernel, "--initrd", &pipe],
            ["--kernel", &kernel, "--disk", &pipe],
            ["--kernel", &kernel, "--disk", &read_only],
            ["--bios", &signed, "--signature", &pipe],
        ];
        for arguments in &cases {
            let option = arguments.iter().rposition(|argument| argument.starts_with(&pipe)).expect("it is there") - 1;
            bench.refuses(arguments, &[&pipe, "no regular file", arguments[option]]);
        }
    }

    #[test]
    fn names_of_files_need_not_be_unicode() {
        let bench = Bench::new();
        let endless = bench.file("endless", 0x0000_006f_u32.to_le_bytes());
        let path = bench.input.join("disk").with_extension(OsStr::from_bytes(b"\xff"));
        fs::write(&path, "1234").expect("it can be written");
        for suffix in ["", ",ro"] {
            let mut disk = path.clone().into_os_string();
            disk.push(suffix);
            let mut command = bench.command(&["run", "--bios", &endless, "--disk"]);
            command.arg(disk);
            bench.assert_refused(&Process::start(command).finish(), &["--disk"], &["multiple of 512", "--disk"]);
        }
    }

    #[test]
    fn a_signature_that_cannot_be_written() {
        let bench = Bench::new();
        let endless = bench.file("endless", 0x0000_006f_u32.to_le_bytes());
        let signed = bench.argument(&assemble(&bench.input, "signed", SIGNED));
        // Detected before the machine runs: these guests would never end.
        for path in ["nowhere/signature", "/dev/null/signature", "/", "/dev/null"] {
            bench.refuses(&["--bios", &signed, "--signature", path], &[path, "--signature"]);
        }
        bench.refuses(&["--bios", &endless, "--signature", "s"], &[&endless, "begin_signature", "--signature"]);
        // A failure to boot leaves the existing file unchanged.
        let kept = bench.file("kept", "before");
        bench.refuses(&["--bios", "nowhere", "--signature", &kept], &["nowhere"]);
        assert_eq!(fs::read_to_string(&kept).expect("it is still there"), "before");
    }

    #[test]
    fn outputs_that_would_replace_inputs() {
        let bench = Bench::new();
        let program = bench.argument(&assemble(&bench.input, "signed", SIGNED));
        let disk = bench.sparse("disk", 4096);
        let link = bench.argument(&bench.input.join("link"));
        std::os::unix::fs::symlink(&disk, &link).expect("a link");
        let before = fs::read(&program).expect("the program");
        for option in ["--status", "--signature", "--trace"] {
            for (arguments, output) in [
                (&["--bios", &*program][..], &*program),
                (&["--kernel", &program], &program),
                (&["--bios", &program, "--initrd", &disk], &disk),
                (&["--bios", &program, "--disk", &disk], &disk),
                (&["--bios", &program, "--disk", &disk], &link),
            ] {
                bench.refuses(&[arguments, &[option, output]].concat(), &[option, output]);
            }
        }
        bench.refuses(&["--bios", &program, "--status", "out", "--signature", "out"], &["--signature", "out"]);
        bench.refuses(&["--bios", &program, "--status", "out", "--trace", "out"], &["--trace", "out"]);
        assert!(before == fs::read(&program).expect("the program is there"), "nothing happens to the program");
        assert_eq!(fs::metadata(&disk).expect("the disk is there").len(), 4096);
    }

    #[test]
    fn random_bytes_as_firmware() {
        let bench = Bench::new();
        for seed in 0..12 {
            let firmware = bench.file("random", random_bytes(seed, 1 << 16));
            let engine = ["interpreter", "tiered"][usize::from(seed % 2 == 0)];
            let cpus = ["1", "2", "4"][usize::try_from(seed % 3).expect("small")];
            let arguments = ["run", "--bios", &firmware, "--timeout", "2", "--engine", engine, "--cpus", cpus];
            let outcome = Process::start(bench.command(&arguments)).finish();
            // The bytes may do nothing until the time-out, or end the machine. riscope
            // itself must not fail: by a signal, a panic (101), wrong use (2), or a thread
            // that died (70).
            assert!(!matches!(outcome.code(), 2 | 70 | 101), "seed {seed}: {}", outcome.log());
            assert!(!outcome.stderr.contains("panicked"), "seed {seed}: {}", outcome.log());
        }
    }
}
