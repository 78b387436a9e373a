//! Boot preparation: loads all files and determines where the harts start.

use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use riscope_core::addr::PAGE_SIZE;
use riscope_core::event::{BootPhase, monotonic_ns};

use super::fdt::{self, FdtContents};
use super::firmware::{self, FirmwareError};
use super::initrd::{self, InitrdError};
use super::kernel::{self, EnteredBy, KernelError};
use super::{Placement, PlacementError, Signature};
use crate::board::{Board, MachineSpec};
use crate::device::htif::HtifSymbols;
use crate::layout::LOW_LIMIT;

/// Space for the device tree and firmware's additions to it, in bytes.
const FDT_AREA: u64 = 128 << 10;

/// Errors of preparing to boot.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// Error in the kernel.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// Error in the firmware.
    #[error(transparent)]
    Firmware(#[from] FirmwareError),
    /// Error in the initrd.
    #[error(transparent)]
    Initrd(#[from] InitrdError),
    /// The memory is too small.
    #[error(transparent)]
    Placement(#[from] PlacementError),
    /// The device tree cannot be generated.
    #[error("cannot write the device tree: {0}")]
    Fdt(#[from] vm_fdt::Error),
}

/// Entry point of the harts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Hart 0 enters a kernel in S-mode; the others are stopped in the built-in SBI.
    Supervisor {
        /// Physical address of the kernel's entry.
        entry: u64,
        /// Physical address of the device tree, for `a1`.
        fdt: u64,
    },
    /// All harts enter firmware in M-mode.
    Machine {
        /// Physical address of the firmware's entry.
        entry: u64,
        /// Physical address of the device tree, for `a1`.
        fdt: u64,
        /// Physical address of the `fw_dynamic` structure, for `a2`.
        dynamic_info: u64,
    },
}

/// Boot phase with its times on the clock of [`monotonic_ns`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedPhase {
    /// The phase.
    pub phase: BootPhase,
    /// Its start in nanoseconds.
    pub start_ns: u64,
    /// Its end in nanoseconds.
    pub end_ns: u64,
}

/// Prepared boot of a machine.
#[derive(Debug)]
pub struct BootPlan {
    /// Entry point of the harts.
    pub start: Start,
    /// Whether firmware starts a kernel.
    pub firmware_then_kernel: bool,
    /// HTIF words of the program.
    pub htif: Option<HtifSymbols>,
    /// Signature of the program.
    pub signature: Option<Signature>,
    /// Completed phases.
    pub phases: [TimedPhase; 2],
}

/// Loads the files of `spec` into the RAM of `board`.
///
/// # Errors
/// [`BootError`], which names the file.
pub fn prepare(spec: &MachineSpec, board: &Board) -> Result<BootPlan, BootError> {
    let load_start = monotonic_ns();
    let mut placement = Placement::new(Arc::clone(&board.ram));
    let firmware = spec.firmware.as_ref().map(|source| firmware::load(&mut placement, source)).transpose()?;
    let entered_by = if firmware.is_some() { EnteredBy::Firmware } else { EnteredBy::BuiltIn };
    let kernel = spec.kernel.as_ref().map(|source| kernel::load(&mut placement, source, entered_by)).transpose()?;
    let info = placement.claim_high("firmware information", firmware::DYNAMIC_INFO_SIZE, PAGE_SIZE, LOW_LIMIT)?;
    let tree = placement.claim_high("device tree", FDT_AREA, PAGE_SIZE, LOW_LIMIT)?;
    let initrd = spec.initrd.as_ref().map(|source| initrd::load(&mut placement, source)).transpose()?;

    let fdt_start = monotonic_ns();
    let contents = FdtContents {
        harts: spec.harts,
        mmu: spec.mmu,
        ram: placement.ram_start()..placement.ram_end(),
        bootargs: spec.append.as_bytes(),
        initrd,
        devices: &board.devices,
    };
    let blob = fdt::build(&contents, &mut spec.entropy.clone())?;
    if blob.len() as u64 > FDT_AREA {
        return Err(PlacementError::NoRoom { what: "device tree".into(), len: blob.len() as u64 }.into());
    }
    placement.write("device tree", tree, &blob)?;
    let fdt_end = monotonic_ns();

    let next = kernel.as_ref().map_or(0, |kernel| kernel.entry);
    placement.write("firmware information", info, &firmware::dynamic_info(next))?;
    let start = match &firmware {
        Some(firmware) => Start::Machine { entry: firmware.entry, fdt: tree, dynamic_info: info },
        None => Start::Supervisor { entry: next, fdt: tree },
    };
    let htif = firmware.as_ref().and_then(|firmware| firmware.htif);
    let signature = firmware.as_ref().and_then(|firmware| firmware.signature);
    Ok(BootPlan {
        start,
        firmware_then_kernel: firmware.is_some() && kernel.is_some(),
        htif: htif.or_else(|| kernel.as_ref()?.htif),
        signature: signature.or_else(|| kernel.as_ref()?.signature),
        phases: [
            TimedPhase { phase: BootPhase::Load, start_ns: load_start, end_ns: fdt_start },
            TimedPhase { phase: BootPhase::Fdt, start_ns: fdt_start, end_ns: fdt_end },
        ],
    })
}

#[cfg(test)]
mod tests {
    use riscope_core::interp::InterpreterFactory;
    use vm_memory::{Bytes, GuestAddress};

    use super::*;
    use crate::console::{Console, NullBackend};
    use crate::image::ImageSource;

    fn image() -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[8..16].copy_from_slice(&0x20_0000u64.to_le_bytes());
        bytes[56..60].copy_from_slice(b"RSC\x05");
        bytes
    }

    fn spec() -> MachineSpec {
        let mut spec = MachineSpec::new(Arc::new(InterpreterFactory), Console::new(Arc::new(NullBackend)));
        spec.memory = 4 << 20;
        spec
    }

    fn plan(spec: &MachineSpec) -> (Board, Result<BootPlan, BootError>) {
        let board = Board::new(spec, &crate::board::counters_of(spec)).unwrap();
        let plan = prepare(spec, &board);
        (board, plan)
    }

    fn u32_be(board: &Board, address: u64) -> u32 {
        u32::from_be(board.ram.memory().read_obj(GuestAddress(address)).unwrap())
    }

    #[test]
    fn a_kernel_alone_starts_in_supervisor_mode() {
        let mut spec = spec();
        spec.kernel = Some(ImageSource::bytes("kernel", image()));
        spec.initrd = Some(ImageSource::bytes("initrd", *b"initrd"));
        let (board, plan) = plan(&spec);
        let Start::Supervisor { entry, fdt } = plan.unwrap().start else { panic!("firmware out of nowhere") };
        assert_eq!(entry, 0x8020_0000);
        assert_eq!(u32_be(&board, fdt), 0xd00d_feed);
        let size = u64::from(u32_be(&board, fdt + 4));
        assert!(size < FDT_AREA / 2, "{size} bytes leave no room for firmware");
    }

    #[test]
    fn firmware_gets_the_kernel_as_its_next_stage() {
        let mut spec = spec();
        spec.kernel = Some(ImageSource::bytes("kernel", image()));
        spec.firmware = Some(ImageSource::bytes("firmware", *b"code"));
        let (board, plan) = plan(&spec);
        let plan = plan.unwrap();
        let Start::Machine { entry, fdt, dynamic_info } = plan.start else { panic!("no firmware") };
        assert!(plan.firmware_then_kernel);
        assert_eq!(entry, 0x8000_0000);
        assert_eq!(u32_be(&board, fdt), 0xd00d_feed);
        let next: u64 = board.ram.memory().read_obj(GuestAddress(dynamic_info + 16)).unwrap();
        assert_eq!(next, 0x8020_0000);
    }

    #[test]
    fn the_next_stage_of_firmware_may_be_a_raw_binary() {
        let mut spec = spec();
        spec.kernel = Some(ImageSource::bytes("loader.bin", *b"code"));
        let text = plan(&spec).1.unwrap_err().to_string();
        assert!(text.contains("loader.bin") && text.contains("ELF file"), "{text}");
        spec.firmware = Some(ImageSource::bytes("firmware", *b"code"));
        let (board, plan) = plan(&spec);
        let Start::Machine { dynamic_info, .. } = plan.unwrap().start else { panic!("no firmware") };
        let next: u64 = board.ram.memory().read_obj(GuestAddress(dynamic_info + 16)).unwrap();
        assert_eq!(next, 0x8020_0000);
        assert_eq!(board.ram.memory().read_obj::<[u8; 4]>(GuestAddress(next)).unwrap(), *b"code");
    }

    #[test]
    fn files_that_overlap_or_do_not_fit_are_named() {
        let mut crowded = spec();
        crowded.kernel = Some(ImageSource::bytes("big-kernel", image()));
        crowded.firmware = Some(ImageSource::bytes("big-firmware", vec![1; 0x20_0001]));
        let text = plan(&crowded).1.unwrap_err().to_string();
        assert!(text.contains("big-kernel") && text.contains("big-firmware"), "{text}");
        let mut full = spec();
        full.kernel = Some(ImageSource::bytes("kernel", image()));
        full.initrd = Some(ImageSource::bytes("big-initrd", vec![1; 4 << 20]));
        let text = plan(&full).1.unwrap_err().to_string();
        assert!(text.contains("big-initrd"), "{text}");
    }

    #[test]
    fn a_loader_may_add_to_the_device_tree_in_place() {
        let mut spec = spec();
        spec.kernel = Some(ImageSource::bytes("kernel", image()));
        let (board, plan) = plan(&spec);
        let Start::Supervisor { fdt, .. } = plan.unwrap().start else { panic!("firmware out of nowhere") };
        let [total, structure_at, strings_at, strings, structure] =
            [4, 8, 12, 32, 36].map(|field| u32_be(&board, fdt + field));
        let used = (structure_at + structure).max(strings_at + strings);
        assert!(used + 0x3000 <= total, "{used} of {total} bytes are in use, and U-Boot adds 12 KiB");
    }

    #[test]
    fn the_largest_device_tree_fits_its_area() {
        let mut spec = spec();
        spec.harts = 8;
        spec.append = "x".repeat(crate::board::spec::MAX_COMMAND_LINE).into();
        spec.kernel = Some(ImageSource::bytes("kernel", image()));
        let (board, plan) = plan(&spec);
        let Start::Supervisor { fdt, .. } = plan.unwrap().start else { panic!("firmware out of nowhere") };
        assert!(u64::from(u32_be(&board, fdt + 4)) < FDT_AREA / 2);
    }
}
