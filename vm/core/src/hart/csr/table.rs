//! Table of control and status registers, one row each.

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use super::effect::Effect;
use super::{counters, environment, float, interrupts, machine, pmp, status, supervisor};
use crate::hart::Hart;

/// A control and status register, or consecutive ones with the same accessors.
#[derive(Debug)]
pub(super) struct Csr {
    numbers: RangeInclusive<u16>,
    pub(super) name: &'static str,
    /// Access conditions beyond the privilege encoded in the number.
    pub(super) allowed: fn(&Hart, u16) -> bool,
    pub(super) read: fn(&Hart, u16) -> u64,
    pub(super) write: fn(&mut Hart, u16, u64) -> Effect,
}

impl Csr {
    /// Name of register `number` of the row. Consecutive registers are numbered from the
    /// CSR number whose last hexadecimal digit is 0, as in the specification.
    pub(super) fn name_of(&self, number: u16) -> String {
        let (first, last) = (*self.numbers.start(), *self.numbers.end());
        if first == last { self.name.to_owned() } else { format!("{}{}", self.name, number - (first & !0xf)) }
    }
}

macro_rules! csrs {
    ($($first:literal $(..= $last:literal)? $name:literal $allowed:expr, $read:expr, $write:expr;)*) => {
        const ROWS: &[Csr] = &[$(Csr {
            numbers: $first..=csrs!(@last $first $($last)?),
            name: $name,
            allowed: $allowed,
            read: $read,
            write: $write,
        },)*];
    };
    (@last $first:literal) => { $first };
    (@last $first:literal $last:literal) => { $last };
}

/// Accessors of a plain field of the CSR file: `field!(mtval)`, or `field!(mcounteren,
/// MASK)` with a mask of the writable bits.
macro_rules! read_field {
    ($name:ident) => {
        |hart, _| hart.csr.$name
    };
}
macro_rules! write_field {
    ($name:ident) => {
        write_field!($name, u64::MAX)
    };
    ($name:ident, $mask:expr) => {
        |hart, _, value| {
            hart.csr.$name = value & $mask;
            Effect::None
        }
    };
}

/// As [`read_field`] and [`write_field`], for those that generated code accesses.
macro_rules! read_state {
    ($name:ident) => {
        |hart, _| hart.state.$name
    };
}
macro_rules! write_state {
    ($name:ident) => {
        write_state!($name, u64::MAX)
    };
    ($name:ident, $mask:expr) => {
        |hart, _, value| {
            hart.state.$name = value & $mask;
            Effect::None
        }
    };
}

/// `sepc` and `mepc` are 2-byte aligned.
const PC_MASK: u64 = !1;

csrs! {
    // Floating point
    0x001 "fflags" float::allowed, float::read_fflags, float::write_fflags;
    0x002 "frm" float::allowed, float::read_frm, float::write_frm;
    0x003 "fcsr" float::allowed, float::read_fcsr, float::write_fcsr;
    // User counters
    0xc00 "cycle" counters::allowed, counters::read_cycle, read_only;
    0xc01 "time" counters::allowed, counters::read_time, read_only;
    0xc02 "instret" counters::allowed, counters::read_instret, read_only;
    0xc03..=0xc1f "hpmcounter" counters::allowed, zero, read_only;
    // Supervisor
    0x100 "sstatus" always, status::read_sstatus, status::write_sstatus;
    0x104 "sie" always, interrupts::read_sie, interrupts::write_sie;
    0x105 "stvec" always, read_field!(stvec), supervisor::write_stvec;
    0x106 "scounteren" always, read_field!(scounteren), write_field!(scounteren, counters::IMPLEMENTED);
    0x10a "senvcfg" always, read_field!(senvcfg), environment::write_senvcfg;
    0x140 "sscratch" always, read_state!(sscratch), write_state!(sscratch);
    0x141 "sepc" always, read_state!(sepc), write_state!(sepc, PC_MASK);
    0x142 "scause" always, read_state!(scause), write_state!(scause);
    0x143 "stval" always, read_state!(stval), write_state!(stval);
    0x144 "sip" always, interrupts::read_sip, interrupts::write_sip;
    0x14d "stimecmp" supervisor::stimecmp_allowed, read_field!(stimecmp), supervisor::write_stimecmp;
    0x180 "satp" supervisor::satp_allowed, read_field!(satp), supervisor::write_satp;
    // Machine information
    0xf11 "mvendorid" always, zero, read_only;
    0xf12 "marchid" always, zero, read_only;
    0xf13 "mimpid" always, zero, read_only;
    0xf14 "mhartid" always, machine::read_mhartid, read_only;
    0xf15 "mconfigptr" always, zero, read_only;
    // Machine trap setup and handling
    0x300 "mstatus" always, status::read_mstatus, status::write_mstatus;
    0x301 "misa" always, machine::read_misa, ignore;
    0x302 "medeleg" always, read_field!(medeleg), write_field!(medeleg, machine::DELEGABLE_EXCEPTIONS);
    0x303 "mideleg" always, read_field!(mideleg), interrupts::write_mideleg;
    0x304 "mie" always, read_field!(mie), interrupts::write_mie;
    0x305 "mtvec" always, read_field!(mtvec), machine::write_mtvec;
    0x306 "mcounteren" always, read_field!(mcounteren), write_field!(mcounteren, counters::IMPLEMENTED);
    0x30a "menvcfg" always, read_field!(menvcfg), environment::write_menvcfg;
    0x320 "mcountinhibit" always, read_field!(mcountinhibit), counters::write_inhibit;
    0x323..=0x33f "mhpmevent" always, zero, ignore;
    0x340 "mscratch" always, read_field!(mscratch), write_field!(mscratch);
    0x341 "mepc" always, read_field!(mepc), write_field!(mepc, PC_MASK);
    0x342 "mcause" always, read_field!(mcause), write_field!(mcause);
    0x343 "mtval" always, read_field!(mtval), write_field!(mtval);
    0x344 "mip" always, interrupts::read_mip, interrupts::write_mip;
    // Physical memory protection
    0x3a0..=0x3af "pmpcfg" pmp::config_allowed, pmp::read_config, pmp::write_config;
    0x3b0..=0x3ef "pmpaddr" always, pmp::read_address, pmp::write_address;
    // Triggers: none, which debuggers detect by tdata1 = 0 and tinfo = 1
    0x7a0 "tselect" always, zero, ignore;
    0x7a1 "tdata1" always, zero, ignore;
    0x7a2 "tdata2" always, zero, ignore;
    0x7a3 "tdata3" always, zero, ignore;
    0x7a4 "tinfo" always, no_trigger, ignore;
    // Machine counters
    0xb00 "mcycle" always, counters::read_cycle, counters::write_mcycle;
    0xb02 "minstret" always, counters::read_instret, counters::write_minstret;
    0xb03..=0xb1f "mhpmcounter" always, zero, ignore;
}

fn always(_hart: &Hart, _number: u16) -> bool {
    true
}

/// `tinfo` where no trigger exists (Debug, "Trigger Info").
fn no_trigger(_hart: &Hart, _number: u16) -> u64 {
    1
}

fn zero(_hart: &Hart, _number: u16) -> u64 {
    0
}

/// Write accessor of CSRs that are read-only by number; never called.
fn read_only(_hart: &mut Hart, _number: u16, _value: u64) -> Effect {
    Effect::None
}

/// Write accessor of CSRs without writable fields (WARL).
fn ignore(_hart: &mut Hart, _number: u16, _value: u64) -> Effect {
    Effect::None
}

/// Row of CSR `number`.
pub(super) fn find(number: u16) -> Option<&'static Csr> {
    static BY_NUMBER: LazyLock<Vec<Option<&'static Csr>>> = LazyLock::new(|| {
        let mut table = vec![None; 1 << 12];
        for row in ROWS {
            for number in row.numbers.clone() {
                table[usize::from(number)] = Some(row);
            }
        }
        table
    });
    BY_NUMBER.get(usize::from(number)).copied().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_has_two_rows() {
        let mut seen = vec![false; 1 << 12];
        for row in ROWS {
            for number in row.numbers.clone() {
                assert!(!std::mem::replace(&mut seen[usize::from(number)], true), "{number:#x} {}", row.name);
            }
        }
    }

    #[test]
    fn registers_of_a_run_are_counted() {
        let name = |number| find(number).map(|csr| csr.name_of(number));
        assert_eq!(name(0x3a2).as_deref(), Some("pmpcfg2"));
        assert_eq!(name(0x3ef).as_deref(), Some("pmpaddr63"));
        assert_eq!(name(0xc03).as_deref(), Some("hpmcounter3"));
        assert_eq!(name(0x33f).as_deref(), Some("mhpmevent31"));
    }

    #[test]
    fn numbers_beyond_twelve_bits_are_not_found() {
        assert!(find(0x1000).is_none());
        assert_eq!(find(0x300).map(|csr| csr.name), Some("mstatus"));
    }
}
