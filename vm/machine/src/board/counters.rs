//! Counters of a machine: a page for each of its parts, and what it is configured with.

use std::sync::Arc;

use riscope_core::counters::{
    ConsoleInfo, CounterPage, DeviceInfo, DiskPage, EngineCounters, MAX_SETTING, QueuePage, Setting, VmCounters,
};

use super::spec::MachineSpec;
use crate::device::virtio::block;
use crate::image::ImageSource;
use crate::watch::OnPanic;

/// New counters of the machine of `spec`. Devices are in the order of their slots, the power button
/// last.
pub(crate) fn counters_of(spec: &MachineSpec) -> VmCounters {
    let disks = spec.disk_names().into_iter().map(disk);
    let others = [
        ("virtio-console", "console", spec.virtio_console.is_some()),
        ("virtio-rng", "rng", spec.has_rng()),
        ("virtio-balloon", "balloon", spec.balloon),
        ("virtio-input", "power-button", true),
    ];
    let others = others.into_iter().filter(|(_, _, exists)| *exists).map(|(kind, name, _)| other(kind, name));
    let virtio_console = spec.virtio_console.as_ref().map(|console| ("virtio", console));
    let consoles = std::iter::once(("serial", &spec.console)).chain(virtio_console);
    VmCounters {
        vm_id: spec.vm_id,
        name: Arc::clone(&spec.name),
        engine_name: spec.engine.name(),
        memory_bytes: spec.memory,
        settings: settings(spec),
        devices: disks.chain(others).collect(),
        consoles: consoles.map(|(name, console)| ConsoleInfo { name, page: Arc::clone(console.page()) }).collect(),
        harts: (0..spec.harts).map(|_| Arc::<CounterPage>::default()).collect(),
        hot_pages: Arc::default(),
        engine: Arc::<EngineCounters>::default(),
    }
}

fn disk(name: Arc<str>) -> DeviceInfo {
    let (queues, disk) = (Arc::<QueuePage>::default(), Some(Arc::<DiskPage>::default()));
    DeviceInfo { device: block::KIND, name, errors: &block::HostFault::NAMES, queues, disk }
}

fn other(device: &'static str, name: &str) -> DeviceInfo {
    DeviceInfo { device, name: name.into(), errors: &[], queues: Arc::default(), disk: None }
}

/// Settings of a machine. The kernel's command line is none, as it may hold secrets.
fn settings(spec: &MachineSpec) -> Vec<(Setting, Arc<str>)> {
    let image = |image: &Option<ImageSource>| image.as_ref().map(|image| image.name().to_owned());
    let names = spec.disk_names();
    let on_panic = match spec.watch.on_panic {
        OnPanic::Report => "report",
        OnPanic::Exit => "exit",
        OnPanic::Reset => "reset",
    };
    let settings = [
        (Setting::Engine, Some(spec.engine.name().to_owned())),
        (Setting::Harts, Some(spec.harts.to_string())),
        (Setting::Memory, Some(spec.memory.to_string())),
        (Setting::Mmu, Some(spec.mmu.as_str().to_owned())),
        (Setting::Kernel, image(&spec.kernel)),
        (Setting::Firmware, image(&spec.firmware)),
        (Setting::Initrd, image(&spec.initrd)),
        (Setting::Disks, (!names.is_empty()).then(|| names.join(","))),
        (Setting::Balloon, Some(spec.balloon.to_string())),
        (Setting::OnPanic, Some(on_panic.to_owned())),
        (Setting::Reboot, Some(spec.reboot.to_string())),
    ];
    settings.into_iter().filter_map(|(setting, value)| Some((setting, shortened(value?)))).collect()
}

/// The value, without what is beyond [`MAX_SETTING`] bytes.
fn shortened(mut value: String) -> Arc<str> {
    value.truncate(value.floor_char_boundary(MAX_SETTING));
    value.into()
}

#[cfg(test)]
mod tests {
    use riscope_core::interp::InterpreterFactory;

    use super::*;
    use crate::board::DiskSpec;
    use crate::console::{Console, NullBackend};

    #[test]
    fn every_device_and_console_has_pages_in_the_order_of_slots() {
        let console = || Console::new(Arc::new(NullBackend));
        let mut spec = MachineSpec::new(Arc::new(InterpreterFactory), console());
        spec.disks = vec![DiskSpec::path("a", false).named("root"), DiskSpec::path("b", true)];
        spec.virtio_console = Some(console());
        spec.balloon = true;
        let counters = counters_of(&spec);
        let names: Vec<&str> = counters.devices.iter().map(|device| &*device.name).collect();
        assert_eq!(names, ["root", "disk1", "console", "rng", "balloon", "power-button"]);
        assert!(counters.devices.iter().all(|device| device.disk.is_some() == (device.device == block::KIND)));
        let names: Vec<&str> = counters.consoles.iter().map(|console| console.name).collect();
        assert_eq!(names, ["serial", "virtio"]);
        assert!(Arc::ptr_eq(&counters.consoles[0].page, spec.console.page()));
    }

    #[test]
    fn settings_are_short_and_of_what_there_is() {
        let mut spec = MachineSpec::new(Arc::new(InterpreterFactory), Console::new(Arc::new(NullBackend)));
        spec.firmware = Some(ImageSource::bytes("ü".repeat(100), Vec::new()));
        let settings = counters_of(&spec).settings;
        let value = |wanted| settings.iter().find(|(setting, _)| *setting == wanted).map(|(_, value)| &**value);
        assert_eq!(value(Setting::Harts), Some("1"));
        assert_eq!(value(Setting::OnPanic), Some("report"));
        assert_eq!(value(Setting::Kernel), None);
        assert_eq!(value(Setting::Firmware).map(str::len), Some(MAX_SETTING));
    }
}
