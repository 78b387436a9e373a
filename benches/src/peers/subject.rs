//! Who is compared: builds of riscope, QEMU and the host; and how each is started.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::options::{Mmu, Options};

/// One of those that are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Subject {
    /// Name in the report.
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// What a subject is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A build of riscope.
    Riscope(PathBuf),
    /// QEMU's system emulator.
    Qemu(PathBuf),
    /// The host without emulation.
    Native,
}

/// A machine, as every peer shall have it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Machine<'a> {
    pub(super) kernel: &'a Path,
    pub(super) initrd: &'a Path,
    pub(super) append: &'a str,
    pub(super) harts: u32,
    pub(super) mmu: Mmu,
    /// Files with the contents of its disks, and whether each is only read.
    pub(super) disks: &'a [(&'a Path, bool)],
    /// The core that it may use, if only one.
    pub(super) core: Option<u32>,
}

/// Guest memory of all machines.
const MEMORY: &str = "2G";

impl Subject {
    /// The subjects in the order of the report: builds of riscope, QEMU, the host.
    pub(super) fn all(options: &Options) -> Vec<Self> {
        let build = |(name, path): &(String, PathBuf)| Self { name: name.clone(), kind: Kind::Riscope(path.clone()) };
        let mut subjects: Vec<Self> = options.riscopes.iter().map(build).collect();
        subjects.push(Self { name: "qemu".to_owned(), kind: Kind::Qemu(options.qemu.clone()) });
        if !options.no_native {
            subjects.push(Self { name: "native".to_owned(), kind: Kind::Native });
        }
        subjects
    }

    /// What it says about itself when it is asked for its version.
    pub(super) fn version(&self) -> Option<String> {
        let output = match &self.kind {
            Kind::Riscope(path) | Kind::Qemu(path) => Command::new(path).arg("--version").output().ok()?,
            Kind::Native => Command::new("cc").arg("--version").output().ok()?,
        };
        let text = String::from_utf8_lossy(&output.stdout);
        Some(text.lines().next()?.trim().to_owned())
    }

    /// The command that runs a machine; `None` for the host.
    pub(super) fn command(&self, machine: &Machine<'_>) -> Option<Command> {
        match &self.kind {
            Kind::Riscope(path) => Some(riscope(path, machine)),
            Kind::Qemu(path) => Some(qemu(path, machine)),
            Kind::Native => None,
        }
    }
}

/// A command that runs `program` bound to this process, so that it ends with it however that
/// ends, and on one core if there is one.
pub(super) fn bound(program: &Path, core: Option<u32>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]);
    if let Some(core) = core {
        command.args(["taskset", "-c", &core.to_string()]);
    }
    command.arg(program);
    command
}

fn riscope(path: &Path, machine: &Machine<'_>) -> Command {
    let mut command = bound(path, machine.core);
    command.args(["run", "--memory", MEMORY, "--mmu", machine.mmu.name(), "--cpus", &machine.harts.to_string()]);
    command.arg("--kernel").arg(machine.kernel).arg("--initrd").arg(machine.initrd);
    command.args(["--append", machine.append]);
    for (disk, is_read_only) in machine.disks {
        let suffix = if *is_read_only { ",ro" } else { "" };
        command.args(["--disk", &format!("file={}{suffix}", disk.display().to_string().replace(',', ",,"))]);
    }
    command
}

fn qemu(path: &Path, machine: &Machine<'_>) -> Command {
    let mut command = bound(path, machine.core);
    let cpu = match machine.mmu {
        Mmu::Sv39 => "rv64,sv57=off,sv48=off",
        Mmu::Sv48 => "rv64,sv57=off",
    };
    command.args(["-M", "virt", "-cpu", cpu, "-smp", &machine.harts.to_string(), "-m", MEMORY, "-nographic"]);
    command.args(["-global", "virtio-mmio.force-legacy=false"]);
    command.arg("-kernel").arg(machine.kernel).arg("-initrd").arg(machine.initrd);
    command.args(["-append", machine.append]);
    // Kernels find the last of the eight transports first: it is the first in the device tree.
    for (n, (disk, is_read_only)) in machine.disks.iter().enumerate() {
        let bus = 7 - n;
        let access = if *is_read_only { "on" } else { "off" };
        let file = disk.display().to_string().replace(',', ",,");
        command.args(["-drive", &format!("file={file},format=raw,if=none,id=disk{n},readonly={access}")]);
        command.args(["-device", &format!("virtio-blk-device,drive=disk{n},bus=virtio-mmio-bus.{bus}")]);
    }
    command.args(["-device", "virtio-rng-device"]);
    command
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn words(command: &Command) -> String {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn both_peers_get_the_same_machine() {
        let disks = [(Path::new("a.ext4"), false), (Path::new("b,c.tar"), true)];
        let machine = Machine {
            kernel: Path::new("Image"),
            initrd: Path::new("initrd.gz"),
            append: "console=ttyS0 quiet",
            harts: 2,
            mmu: Mmu::Sv39,
            disks: &disks,
            core: Some(1),
        };
        let subjects = Subject::all(&Options::parse_from(["bench-peers", "--riscope", "new=r", "--qemu", "q"]));
        assert_eq!(subjects.iter().map(|subject| subject.name.as_str()).collect::<Vec<_>>(), ["new", "qemu", "native"]);
        assert_eq!(
            subjects[0].command(&machine).as_ref().map(words).as_deref(),
            Some(
                "setpriv --pdeathsig KILL taskset -c 1 r run --memory 2G --mmu sv39 --cpus 2 --kernel Image \
                 --initrd initrd.gz --append console=ttyS0 quiet --disk file=a.ext4 --disk file=b,,c.tar,ro"
            )
        );
        let qemu = subjects[1].command(&machine).as_ref().map(words).expect("QEMU runs machines");
        for part in [
            "setpriv --pdeathsig KILL taskset -c 1 q -M virt -cpu rv64,sv57=off,sv48=off -smp 2 -m 2G",
            "-append console=ttyS0 quiet",
            "file=b,,c.tar,format=raw,if=none,id=disk1,readonly=on",
            "drive=disk1,bus=virtio-mmio-bus.6",
        ] {
            assert!(qemu.contains(part), "{part} in {qemu}");
        }
        assert!(subjects[2].command(&machine).is_none());
    }

    #[test]
    fn builds_of_riscope_are_compared_in_the_given_order() {
        let options = Options::parse_from(["bench-peers", "--riscope", "b=1", "--riscope", "a=2", "--no-native"]);
        let names: Vec<String> = Subject::all(&options).into_iter().map(|subject| subject.name).collect();
        assert_eq!(names, ["b", "a", "qemu"]);
    }
}
