//! CLINT: software interrupts and machine timers of the harts.
//!
//! ```text
//!  0x0000 + 4·h   msip      bit 0 drives MSIP of hart h
//!  0x4000 + 8·h   mtimecmp  MTIP of hart h while mtime >= mtimecmp
//!  0xbff8         mtime     the machine's clock
//! ```
//!
//! `mtime` is the clock of the `time` CSR; a write sets both. The harts compare it with
//! `mtimecmp`.

use std::sync::{Arc, Mutex};

use riscope_core::clock::Clock;
use riscope_core::hart::{Attention, HartControl, Interrupt};
use riscope_core::mmio::{MmioDevice, MmioFault, Width};
use vm_fdt::{Error, FdtWriter};

use crate::device::Device;
use crate::layout::{CLINT, Slot, cpu_intc_phandle};
use crate::sync::lock;

const MSIP: u64 = 0;
const MTIMECMP: u64 = 0x4000;
const MTIME: u64 = 0xbff8;

/// Core-local interruptor of all harts.
#[derive(Debug)]
pub struct Clint {
    harts: Vec<Arc<HartControl>>,
    clock: Clock,
    /// Serialises writes to halves of a register.
    halves: Mutex<()>,
}

/// Register of an access, with the part that it covers.
enum Register {
    SoftwareInterrupt(usize),
    TimerCompare { hart: usize, shift: u32 },
    Time { shift: u32 },
    Reserved,
}

impl Clint {
    /// A CLINT for these harts, in order of their ids.
    pub fn new(harts: Vec<Arc<HartControl>>, clock: Clock) -> Self {
        Self { harts, clock, halves: Mutex::new(()) }
    }

    fn decode(&self, offset: u64, width: Width) -> Result<Register, MmioFault> {
        if !offset.is_multiple_of(width.bytes()) || width.bytes() < 4 {
            return Err(MmioFault);
        }
        let shift = if offset.is_multiple_of(8) { 0 } else { 32 };
        let index = |base: u64, size: u64| {
            let hart = usize::try_from(offset.checked_sub(base)? / size).ok()?;
            (hart < self.harts.len()).then_some(hart)
        };
        if let Some(hart) = index(MSIP, 4).filter(|_| width == Width::Word) {
            return Ok(Register::SoftwareInterrupt(hart));
        }
        if let Some(hart) = index(MTIMECMP, 8) {
            return Ok(Register::TimerCompare { hart, shift });
        }
        if offset & !7 == MTIME { Ok(Register::Time { shift }) } else { Ok(Register::Reserved) }
    }

    fn write_compare(&self, hart: usize, shift: u32, width: Width, value: u64) {
        let _guard = lock(&self.halves);
        let control = &self.harts[hart];
        let mask = width.mask() << shift;
        control.set_mtimecmp(control.mtimecmp() & !mask | value << shift & mask);
    }

    /// Sets the time; every hart must check its deadlines.
    fn write_time(&self, shift: u32, width: Width, value: u64) {
        let _guard = lock(&self.halves);
        let mask = width.mask() << shift;
        self.clock.set(self.clock.now() & !mask | value << shift & mask);
        for hart in &self.harts {
            hart.request(Attention::INTERRUPT);
        }
    }
}

impl MmioDevice for Clint {
    fn read(&self, offset: u64, width: Width) -> Result<u64, MmioFault> {
        Ok(match self.decode(offset, width)? {
            Register::SoftwareInterrupt(hart) => {
                u64::from(self.harts[hart].lines() & Interrupt::MachineSoftware.mask() != 0)
            }
            Register::TimerCompare { hart, shift } => self.harts[hart].mtimecmp() >> shift & width.mask(),
            Register::Time { shift } => self.clock.now() >> shift & width.mask(),
            Register::Reserved => 0,
        })
    }

    fn write(&self, offset: u64, width: Width, value: u64) -> Result<(), MmioFault> {
        match self.decode(offset, width)? {
            Register::SoftwareInterrupt(hart) => {
                self.harts[hart].set_line(Interrupt::MachineSoftware, value & 1 != 0);
            }
            Register::TimerCompare { hart, shift } => self.write_compare(hart, shift, width, value),
            Register::Time { shift } => self.write_time(shift, width, value),
            Register::Reserved => {}
        }
        Ok(())
    }
}

impl Device for Clint {
    fn slot(&self) -> Slot {
        CLINT
    }

    fn write_fdt_node(&self, fdt: &mut FdtWriter) -> Result<(), Error> {
        let node = fdt.begin_node(&CLINT.node_name("clint"))?;
        fdt.property_string_list("compatible", vec!["sifive,clint0".into(), "riscv,clint0".into()])?;
        CLINT.write_properties(fdt)?;
        let lines: Vec<u32> = (0..self.harts.len()).map(cpu_intc_phandle).flat_map(|intc| [intc, 3, intc, 7]).collect();
        fdt.property_array_u32("interrupts-extended", &lines)?;
        fdt.end_node(node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clint() -> Clint {
        Clint::new((0..2).map(|_| Arc::default()).collect(), Clock::manual())
    }

    #[test]
    fn software_interrupts_reach_the_named_hart_only() {
        let clint = clint();
        clint.write(4, Width::Word, 0xffff_ffff).unwrap();
        assert_eq!(clint.harts[0].lines(), 0);
        assert_eq!(clint.harts[1].lines(), Interrupt::MachineSoftware.mask());
        assert_eq!(clint.read(4, Width::Word), Ok(1));
        clint.write(4, Width::Word, 2).unwrap();
        assert_eq!(clint.harts[1].lines(), 0);
    }

    #[test]
    fn timer_compare_is_written_whole_or_by_halves() {
        let clint = clint();
        clint.write(0x4008, Width::Double, 0x1122_3344_5566_7788).unwrap();
        assert_eq!(clint.harts[1].mtimecmp(), 0x1122_3344_5566_7788);
        clint.write(0x400c, Width::Word, 0xaabb_ccdd).unwrap();
        assert_eq!(clint.harts[1].mtimecmp(), 0xaabb_ccdd_5566_7788);
        assert_eq!(clint.read(0x400c, Width::Word), Ok(0xaabb_ccdd));
        clint.write(0x4008, Width::Word, 1).unwrap();
        assert_eq!(clint.read(0x4008, Width::Double), Ok(0xaabb_ccdd_0000_0001));
    }

    #[test]
    fn time_is_the_clock_and_can_be_set_whole_or_by_halves() {
        let clint = clint();
        clint.clock.advance(0x1_0000_0007);
        assert_eq!(clint.read(MTIME, Width::Double), Ok(0x1_0000_0007));
        assert_eq!(clint.read(MTIME, Width::Word), Ok(7));
        assert_eq!(clint.read(MTIME + 4, Width::Word), Ok(1));
        clint.write(MTIME + 4, Width::Word, 5).unwrap();
        assert_eq!(clint.clock.now(), 0x5_0000_0007);
        assert!(clint.harts.iter().all(|hart| hart.take_requests().attention.contains(Attention::INTERRUPT)));
        clint.write(MTIME, Width::Double, 0).unwrap();
        assert_eq!(clint.read(MTIME, Width::Double), Ok(0));
    }

    #[test]
    fn registers_of_absent_harts_read_zero() {
        let clint = clint();
        for offset in [8, 0x3ffc, 0x4010, 0xbff0] {
            clint.write(offset, Width::Word, u64::MAX).unwrap();
            assert_eq!(clint.read(offset, Width::Word), Ok(0), "{offset:#x}");
        }
        assert_eq!(clint.read(0, Width::Byte), Err(MmioFault));
        assert_eq!(clint.read(0x4004, Width::Double), Err(MmioFault));
    }
}
