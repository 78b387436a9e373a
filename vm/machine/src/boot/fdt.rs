//! Device-tree generation (Devicetree Specification 0.4, Linux bindings).
//!
//! Devices write their own nodes; this module adds memory, harts and `/chosen`.

use std::ops::Range;
use std::sync::Arc;

use riscope_core::clock::TIMEBASE_HZ;
use riscope_core::mmu::MmuType;
use vm_fdt::{Error, FdtWriter};

use crate::device::Device;
use crate::device::test_device;
use crate::entropy::Entropy;
use crate::layout::{UART, cpu_intc_phandle, cpu_phandle};

/// Cache block size in bytes, for `cbo.zero` (Zicboz).
const CACHE_BLOCK_BYTES: u32 = 64;
/// Spare bytes after the tree: loaders such as U-Boot add properties in place.
const ROOM_TO_GROW: usize = 16 << 10;
/// Position of the tree's `totalsize` field, big-endian (Devicetree Specification, 5.2).
const TOTAL_SIZE: Range<usize> = 4..8;
/// Size of the guest's random seed in bytes.
const RNG_SEED_BYTES: usize = 32;

/// Single-letter extensions.
const BASE_EXTENSIONS: [&str; 6] = ["i", "m", "a", "f", "d", "c"];
/// Multi-letter extensions, in the order of "ISA Extension Naming Conventions" of the
/// unprivileged specification. Svadu is enabled at reset and Svade is absent, as on QEMU's
/// machine.
const EXTENSIONS: [&str; 12] =
    ["zicboz", "zicclsm", "zicntr", "zicond", "zicsr", "zifencei", "zihintpause", "zba", "zbb", "zbs", "sstc", "svadu"];

/// Contents of the tree.
#[derive(Debug)]
pub struct FdtContents<'m> {
    /// Number of harts.
    pub harts: usize,
    /// Deepest page-table format of the harts.
    pub mmu: MmuType,
    /// Physical range of RAM.
    pub ram: Range<u64>,
    /// Kernel command line: any bytes except NUL, for example Latin-1 text.
    pub bootargs: &'m [u8],
    /// Physical range of the initrd.
    pub initrd: Option<Range<u64>>,
    /// Devices of the board.
    pub devices: &'m [Arc<dyn Device>],
}

/// Generates the tree.
///
/// # Errors
/// Errors of the writer, and [`Error::InvalidString`] for a NUL in the command line.
pub fn build(contents: &FdtContents<'_>, entropy: &mut Entropy) -> Result<Vec<u8>, Error> {
    let mut fdt = FdtWriter::new()?;
    let root = fdt.begin_node("")?;
    fdt.property_u32("#address-cells", 2)?;
    fdt.property_u32("#size-cells", 2)?;
    fdt.property_string("compatible", "riscv-virtio")?;
    fdt.property_string("model", "riscope,virt")?;
    write_chosen(&mut fdt, contents, entropy)?;
    write_aliases(&mut fdt)?;
    write_memory(&mut fdt, &contents.ram)?;
    write_cpus(&mut fdt, contents)?;
    write_soc(&mut fdt, contents.devices)?;
    test_device::write_syscon_nodes(&mut fdt)?;
    fdt.end_node(root)?;
    let mut blob = fdt.finish()?;
    blob.resize(blob.len() + ROOM_TO_GROW, 0);
    let total_size = u32::try_from(blob.len()).map_err(|_| Error::TotalSizeTooLarge)?;
    blob[TOTAL_SIZE].copy_from_slice(&total_size.to_be_bytes());
    Ok(blob)
}

fn serial_path() -> String {
    format!("/soc/{}", UART.node_name("serial"))
}

fn write_chosen(fdt: &mut FdtWriter, contents: &FdtContents<'_>, entropy: &mut Entropy) -> Result<(), Error> {
    let node = fdt.begin_node("chosen")?;
    if contents.bootargs.contains(&0) {
        return Err(Error::InvalidString);
    }
    fdt.property("bootargs", &[contents.bootargs, &[0]].concat())?;
    fdt.property_string("stdout-path", &serial_path())?;
    if let Some(initrd) = &contents.initrd {
        fdt.property_u64("linux,initrd-start", initrd.start)?;
        fdt.property_u64("linux,initrd-end", initrd.end)?;
    }
    let mut seed = [0; RNG_SEED_BYTES];
    entropy.fill(&mut seed);
    fdt.property("rng-seed", &seed)?;
    fdt.property_u64("kaslr-seed", entropy.next_u64())?;
    fdt.end_node(node)
}

fn write_aliases(fdt: &mut FdtWriter) -> Result<(), Error> {
    let node = fdt.begin_node("aliases")?;
    fdt.property_string("serial0", &serial_path())?;
    fdt.end_node(node)
}

fn write_memory(fdt: &mut FdtWriter, ram: &Range<u64>) -> Result<(), Error> {
    let node = fdt.begin_node(&format!("memory@{:x}", ram.start))?;
    fdt.property_string("device_type", "memory")?;
    fdt.property_array_u64("reg", &[ram.start, ram.end - ram.start])?;
    fdt.end_node(node)
}

fn write_cpus(fdt: &mut FdtWriter, contents: &FdtContents<'_>) -> Result<(), Error> {
    let cpus = fdt.begin_node("cpus")?;
    fdt.property_u32("#address-cells", 1)?;
    fdt.property_u32("#size-cells", 0)?;
    fdt.property_u32("timebase-frequency", u32::try_from(TIMEBASE_HZ).unwrap_or(u32::MAX))?;
    for hart in 0..contents.harts {
        write_cpu(fdt, hart, contents)?;
    }
    let map = fdt.begin_node("cpu-map")?;
    let cluster = fdt.begin_node("cluster0")?;
    for hart in 0..contents.harts {
        let core = fdt.begin_node(&format!("core{hart}"))?;
        fdt.property_u32("cpu", cpu_phandle(hart))?;
        fdt.end_node(core)?;
    }
    fdt.end_node(cluster)?;
    fdt.end_node(map)?;
    fdt.end_node(cpus)
}

fn write_cpu(fdt: &mut FdtWriter, hart: usize, contents: &FdtContents<'_>) -> Result<(), Error> {
    let cpu = fdt.begin_node(&format!("cpu@{hart:x}"))?;
    fdt.property_string("device_type", "cpu")?;
    fdt.property_u32("reg", u32::try_from(hart).unwrap_or(u32::MAX))?;
    fdt.property_string("status", "okay")?;
    fdt.property_string("compatible", "riscv")?;
    fdt.property_string("riscv,isa", &isa_string())?;
    fdt.property_string("riscv,isa-base", "rv64i")?;
    let all = BASE_EXTENSIONS.iter().chain(&EXTENSIONS).map(ToString::to_string).collect();
    fdt.property_string_list("riscv,isa-extensions", all)?;
    fdt.property_u32("riscv,cboz-block-size", CACHE_BLOCK_BYTES)?;
    fdt.property_string("mmu-type", contents.mmu.as_str())?;
    fdt.property_phandle(cpu_phandle(hart))?;
    let intc = fdt.begin_node("interrupt-controller")?;
    fdt.property_string("compatible", "riscv,cpu-intc")?;
    fdt.property_u32("#interrupt-cells", 1)?;
    fdt.property_null("interrupt-controller")?;
    fdt.property_phandle(cpu_intc_phandle(hart))?;
    fdt.end_node(intc)?;
    fdt.end_node(cpu)
}

fn isa_string() -> String {
    format!("rv64{}_{}", BASE_EXTENSIONS.concat(), EXTENSIONS.join("_"))
}

fn write_soc(fdt: &mut FdtWriter, devices: &[Arc<dyn Device>]) -> Result<(), Error> {
    let soc = fdt.begin_node("soc")?;
    fdt.property_u32("#address-cells", 2)?;
    fdt.property_u32("#size-cells", 2)?;
    fdt.property_string("compatible", "simple-bus")?;
    fdt.property_null("ranges")?;
    for device in devices {
        device.write_fdt_node(fdt)?;
    }
    fdt.end_node(soc)
}

#[cfg(test)]
mod tests;
