//! Construction of a board: memory, hart controls and devices of a specification.

use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use riscope_core::addr::GuestPhys;
use riscope_core::clock::Clock;
use riscope_core::counters::{DeviceInfo, VmCounters};
use riscope_core::event::Publisher;
use riscope_core::hart::HartControl;
use riscope_core::mem::{GuestRam, GuestRamError};
use riscope_core::mmio::{MmioMap, MmioOverlap};

use super::disk::DiskSpec;
use super::spec::MachineSpec;
use crate::console::Console;
use crate::device::fault::FaultReporter;
use crate::device::irqchip::{Clint, IrqLine, Plic};
use crate::device::virtio::balloon::BalloonDevice;
use crate::device::virtio::block::backend::DiskError;
use crate::device::virtio::block::{BlockDevice, RawDisk};
use crate::device::virtio::console::{ConsoleDevice, RECEIVE_QUEUE};
use crate::device::virtio::input::{EVENT_QUEUE, InputDevice, PowerButton};
use crate::device::virtio::rng::RngDevice;
use crate::device::virtio::{VirtioDevice, VirtioMmio};
use crate::device::{self, Device};
use crate::exit::ExitLatch;
use crate::layout::{POWER_BUTTON, RAM_BASE, Slot, VIRTIO_SLOTS, virtio_slot};
use crate::watch::Panics;

/// Errors of building a board.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The host cannot provide the memory.
    #[error(transparent)]
    Ram(#[from] GuestRamError),
    /// A disk is not usable.
    #[error("cannot use disk {name}: {source}")]
    Disk {
        /// Name of the disk.
        name: String,
        /// Reason.
        source: DiskError,
    },
    /// Two devices occupy the same address.
    #[error(transparent)]
    Overlap(#[from] MmioOverlap),
}

impl BuildError {
    fn of_disk(disk: &DiskSpec, source: DiskError) -> Self {
        Self::Disk { name: disk.source().into(), source }
    }
}

/// Checks that the disks of `spec` are raw images. Call once, before the first boot: a
/// guest may write anything to its disks.
///
/// # Errors
/// [`BuildError::Disk`] for the first disk in another format.
pub(crate) fn check_formats(spec: &MachineSpec) -> Result<(), BuildError> {
    let check = |disk: &DiskSpec| disk.check_format().map_err(|error| BuildError::of_disk(disk, error));
    spec.disks.iter().try_for_each(check)
}

/// Board of a machine: memory and devices.
#[derive(Debug)]
pub struct Board {
    /// Guest memory.
    pub ram: Arc<GuestRam>,
    /// Devices by physical address.
    pub mmio: Arc<MmioMap>,
    /// Devices, for the device tree.
    pub devices: Vec<Arc<dyn Device>>,
    /// Controls of the harts, through which other threads reach them.
    pub harts: Vec<Arc<HartControl>>,
    /// Guest time base.
    pub clock: Clock,
    /// End of the machine.
    pub exit: Arc<ExitLatch>,
    /// Panics of the guest.
    pub panics: Arc<Panics>,
    /// Power button, which asks the guest to shut down.
    pub power_button: Arc<PowerButton>,
}

impl Board {
    /// Builds the board of `spec`, with empty RAM. Its devices count in `counters`, which are those
    /// of the same specification.
    ///
    /// # Errors
    /// [`BuildError`] when the host cannot provide its parts.
    pub fn new(spec: &MachineSpec, counters: &VmCounters) -> Result<Self, BuildError> {
        let ram = Arc::new(GuestRam::new(GuestPhys(RAM_BASE), spec.memory)?);
        let harts: Vec<Arc<HartControl>> = (0..spec.harts).map(|_| Arc::default()).collect();
        let clock = spec.time.clock();
        let exit = Arc::new(ExitLatch::new(harts.clone()));
        let panics = panics_of(spec, &exit);
        let plic = Arc::new(Plic::new(&harts));
        let line = |slot: Slot| device::line(&plic, slot);

        let mut devices = device::at_fixed_places(&device::Surroundings {
            exit: &exit,
            panics: &panics,
            clock: &clock,
            epoch_nanos: spec.epoch_nanos.unwrap_or_else(host_nanos),
            console: &spec.console,
            plic: &plic,
        });
        let power_button = Arc::<PowerButton>::default();
        let mut contents = virtio_contents(spec, &counters.devices)?;
        contents.push(SlotContent::Button(Arc::clone(&power_button)));
        let places = (0..VIRTIO_SLOTS).map(virtio_slot).chain([POWER_BUTTON]);
        let mut infos = counters.devices.iter();
        for (place, content) in places.zip(contents) {
            let info = if matches!(content, SlotContent::Empty) { None } else { infos.next() };
            devices.push(content.attach(place, Arc::clone(&ram), line(place), &exit, info));
        }
        devices.push(Arc::new(Clint::new(harts.clone(), clock.clone())));
        devices.push(plic);

        let mut mmio = MmioMap::default();
        for device in &devices {
            let slot = device.slot();
            mmio.insert(slot.address(), slot.size, Arc::clone(device) as _)?;
        }
        Ok(Self { ram, mmio: Arc::new(mmio), devices, harts, clock, exit, panics, power_button })
    }
}

/// Panic detection; watches the consoles if the specification asks for it.
fn panics_of(spec: &MachineSpec, exit: &Arc<ExitLatch>) -> Arc<Panics> {
    let events = Publisher::new(spec.vm_id, spec.bus.clone());
    let panics = Panics::new(events, spec.watch.on_panic, Arc::clone(exit));
    if spec.is_watched() {
        let consoles = std::iter::once(&spec.console).chain(&spec.virtio_console);
        consoles.for_each(|console| panics.watch(console));
    }
    panics
}

/// Device in a virtio slot.
enum SlotContent {
    Empty,
    Device(Box<dyn VirtioDevice>),
    /// A console, which is notified of input and of a new terminal size.
    Console(Arc<Console>),
    /// A power button, which is notified when pressed.
    Button(Arc<PowerButton>),
}

impl SlotContent {
    fn attach(
        self,
        place: Slot,
        ram: Arc<GuestRam>,
        irq: IrqLine,
        exit: &Arc<ExitLatch>,
        info: Option<&DeviceInfo>,
    ) -> Arc<dyn Device> {
        let page = info.map(|info| Arc::clone(&info.queues)).unwrap_or_default();
        match self {
            Self::Empty => Arc::new(VirtioMmio::empty(place, ram, irq)),
            Self::Device(device) => Arc::new(VirtioMmio::new(place, ram, irq, device, exit, page)),
            Self::Console(console) => {
                let device = Box::new(ConsoleDevice::new(Arc::clone(&console)));
                let slot = Arc::new(VirtioMmio::new(place, ram, irq, device, exit, page));
                console.set_listener(on(&slot, |slot| slot.process(RECEIVE_QUEUE)));
                console.set_size_listener(on(&slot, VirtioMmio::config_changed));
                slot
            }
            Self::Button(button) => {
                let device = Box::new(InputDevice::new(Arc::clone(&button)));
                let slot = Arc::new(VirtioMmio::new(place, ram, irq, device, exit, page));
                button.set_listener(on(&slot, |slot| slot.process(EVENT_QUEUE)));
                slot
            }
        }
    }
}

/// Wraps `action` on `slot` as a callback that holds a weak reference, since the slot owns
/// the callback.
fn on<A>(slot: &Arc<VirtioMmio>, action: A) -> impl Fn() + Send + Sync + use<A>
where
    A: Fn(&VirtioMmio) + Send + Sync + 'static,
{
    let slot = Arc::downgrade(slot);
    move || {
        if let Some(slot) = slot.upgrade() {
            action(&slot);
        }
    }
}

/// Devices of all slots: disks first, in the order of their options.
fn virtio_contents(spec: &MachineSpec, infos: &[DeviceInfo]) -> Result<Vec<SlotContent>, BuildError> {
    let faults = FaultReporter::new(Publisher::new(spec.vm_id, spec.bus.clone()));
    let mut contents = Vec::with_capacity(VIRTIO_SLOTS);
    let mut opened = Vec::with_capacity(spec.disks.len());
    for ((disk, name), info) in spec.disks.iter().zip(spec.disk_names()).zip(infos) {
        let raw = open_disk(disk, &mut opened).map_err(|error| BuildError::of_disk(disk, error))?;
        let page = info.disk.clone().unwrap_or_default();
        let device = BlockDevice::new(Box::new(raw), name, faults.clone()).counting(page);
        contents.push(SlotContent::Device(Box::new(device)));
    }
    if let Some(console) = &spec.virtio_console {
        contents.push(SlotContent::Console(Arc::clone(console)));
    }
    if spec.has_rng() {
        contents.push(SlotContent::Device(Box::new(RngDevice::new(spec.entropy.clone()))));
    }
    if spec.balloon {
        contents.push(SlotContent::Device(Box::<BalloonDevice>::default()));
    }
    contents.resize_with(VIRTIO_SLOTS, || SlotContent::Empty);
    Ok(contents)
}

/// Identity of a disk's file on the host: device, inode, and whether it is opened
/// read-only.
type Identity = (u64, u64, bool);

/// Opens a disk. Fails if it is one of `opened`, unless both are read-only.
fn open_disk(disk: &DiskSpec, opened: &mut Vec<Identity>) -> Result<RawDisk, DiskError> {
    let file = disk.open()?;
    let metadata = file.metadata()?;
    let (device, inode, read_only) = (metadata.dev(), metadata.ino(), disk.is_read_only());
    let is_same = |other: &Identity| (other.0, other.1) == (device, inode) && !(other.2 && read_only);
    if opened.iter().any(is_same) {
        return Err(DiskError::Twice);
    }
    opened.push((device, inode, read_only));
    RawDisk::new(file, read_only)
}

/// Host wall-clock time in nanoseconds since the Unix epoch; 0 if it is earlier.
fn host_nanos() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use riscope_core::interp::InterpreterFactory;
    use riscope_core::mmio::Width;

    use super::super::counters_of;
    use super::*;
    use crate::console::NullBackend;
    use crate::testing::ScratchDir;

    fn spec() -> MachineSpec {
        let mut spec = MachineSpec::new(Arc::new(InterpreterFactory), Console::new(Arc::new(NullBackend)));
        spec.memory = 1 << 20;
        spec
    }

    fn board(spec: &MachineSpec) -> Result<Board, BuildError> {
        Board::new(spec, &counters_of(spec))
    }

    fn device_id(board: &Board, slot: usize) -> u64 {
        board.mmio.read(GuestPhys(virtio_slot(slot).base + 8), Width::Word).unwrap()
    }

    #[test]
    fn every_device_is_at_its_address() {
        let dir = ScratchDir::new();
        std::fs::write(dir.path().join("disk"), [0; 1024]).unwrap();
        let mut spec = spec();
        spec.disks = vec![DiskSpec::path(dir.path().join("disk"), true)];
        spec.virtio_console = Some(Console::new(Arc::new(NullBackend)));
        spec.balloon = true;
        let board = board(&spec).unwrap();
        let ids: Vec<u64> = (0..VIRTIO_SLOTS).map(|slot| device_id(&board, slot)).collect();
        assert_eq!(ids, [2, 3, 4, 5, 0, 0, 0, 0]);
        for address in [0x10_0000, 0x10_1000, 0x10_2000, 0x200_0000, 0xc00_0000, 0x1000_0000] {
            assert!(board.mmio.read(GuestPhys(address), Width::Word).is_ok(), "{address:#x}");
        }
        assert!(board.mmio.read(GuestPhys(0x1000_9000), Width::Word).is_err());
        assert_eq!(board.mmio.read(GuestPhys(POWER_BUTTON.base + 8), Width::Word), Ok(18));
        assert_eq!(board.ram.size(), 1 << 20);
    }

    #[test]
    fn disks_may_take_all_slots() {
        let dir = ScratchDir::new();
        let mut spec = spec();
        for index in 0..VIRTIO_SLOTS {
            let path = dir.path().join(format!("disk{index}"));
            std::fs::write(&path, [0; 512]).unwrap();
            spec.disks.push(DiskSpec::path(path, false));
        }
        let ids = |spec: &MachineSpec| {
            let board = board(spec).unwrap();
            (0..VIRTIO_SLOTS).map(|slot| device_id(&board, slot)).collect::<Vec<_>>()
        };
        assert_eq!(ids(&spec), [2; 8]);
        spec.disks.pop();
        assert_eq!(ids(&spec), [2, 2, 2, 2, 2, 2, 2, 4], "the last slot is for the entropy device");
    }

    #[test]
    fn one_file_is_one_disk_unless_it_is_only_read() {
        let dir = ScratchDir::new();
        let (path, link) = (dir.path().join("disk"), dir.path().join("link"));
        std::fs::write(&path, [0; 512]).unwrap();
        std::fs::hard_link(&path, &link).unwrap();
        let mut spec = spec();
        for (first, second) in [(false, false), (false, true), (true, false)] {
            spec.disks = vec![DiskSpec::path(&path, first), DiskSpec::path(&link, second)];
            let text = board(&spec).unwrap_err().to_string();
            assert!(text.contains("link") && text.contains("twice"), "{text}");
        }
        spec.disks = vec![DiskSpec::path(&path, true), DiskSpec::path(&link, true)];
        assert!(board(&spec).is_ok());
    }

    #[test]
    fn a_disk_that_cannot_be_used_is_named() {
        let mut spec = spec();
        spec.disks = vec![DiskSpec::path("/nonexistent/disk", false)];
        let text = board(&spec).unwrap_err().to_string();
        assert!(text.contains("/nonexistent/disk"), "{text}");
    }

    /// Accesses every offset of every device with every width, for reads and writes: each
    /// is answered or faults, and the board still works.
    #[test]
    fn no_access_to_any_device_panics() {
        let board = board(&spec()).unwrap();
        for device in &board.devices {
            // The PLIC's range exceeds its registers; a separate access covers its end.
            let slot = device.slot();
            let step = if slot.size > 0x1_0000 { 0x3ff } else { 1 };
            for offset in (0..slot.size).step_by(step) {
                for width in [Width::Byte, Width::Half, Width::Word, Width::Double] {
                    for value in [0, 1, u64::MAX] {
                        let address = GuestPhys(slot.base + offset);
                        // Either result is defined.
                        let _ = board.mmio.write(address, width, value);
                        let read = board.mmio.read(address, width);
                        assert!(read.is_err() || read.unwrap() <= width.mask());
                    }
                }
            }
        }
        assert_eq!(device_id(&board, 0), 4);
    }
}
