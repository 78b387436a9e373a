//! Goldfish real-time clock: nanoseconds since the Unix epoch, with one alarm.
//!
//! ```text
//!  0x00 TIME_LOW         read latches TIME_HIGH; write takes the new low half
//!  0x04 TIME_HIGH        write sets the time
//!  0x08 ALARM_LOW        write arms the alarm
//!  0x0c ALARM_HIGH       write first
//!  0x10 IRQ_ENABLED      bit 0
//!  0x14 CLEAR_ALARM      write disarms
//!  0x18 ALARM_STATUS     1 while armed
//!  0x1c CLEAR_INTERRUPT  write acknowledges
//! ```
//!
//! Wall-clock time is guest time plus an offset, so that deterministic machines have a
//! deterministic calendar. It is independent of guest writes to `mtime`.

use std::sync::{Arc, Mutex, Weak};

use riscope_core::clock::{Clock, TIMEBASE_HZ};
use riscope_core::mmio::{MmioDevice, MmioFault, Width};
use vm_fdt::{Error, FdtWriter};

use super::Device;
use super::alarm::Alarm;
use super::irqchip::IrqLine;
use crate::layout::{RTC, Slot};
use crate::sync::lock;

const TIME_LOW: u64 = 0x00;
const TIME_HIGH: u64 = 0x04;
const ALARM_LOW: u64 = 0x08;
const ALARM_HIGH: u64 = 0x0c;
const IRQ_ENABLED: u64 = 0x10;
const CLEAR_ALARM: u64 = 0x14;
const ALARM_STATUS: u64 = 0x18;
const CLEAR_INTERRUPT: u64 = 0x1c;

const NANOS_PER_TICK: u64 = 1_000_000_000 / TIMEBASE_HZ;

#[derive(Clone, Debug, Default)]
struct RtcState {
    /// Wall-clock time at tick 0 of the clock, in nanoseconds modulo 2^64.
    epoch: u64,
    time_high: u32,
    time_low: u32,
    alarm_high: u32,
    alarm_low: u32,
    irq_enabled: bool,
    /// Wall-clock time of the alarm, in nanoseconds.
    alarm: Option<u64>,
    irq_pending: bool,
}

/// Real-time clock.
#[derive(Debug)]
pub struct Rtc {
    state: Mutex<RtcState>,
    clock: Clock,
    irq: IrqLine,
    alarm: Alarm,
}

impl Rtc {
    /// An RTC that shows `epoch_nanos` (nanoseconds since the Unix epoch) when `clock`,
    /// without guest writes, is at 0.
    pub fn new(epoch_nanos: u64, clock: &Clock, irq: IrqLine) -> Arc<Self> {
        let clock = clock.unset();
        Arc::new_cyclic(|rtc: &Weak<Self>| {
            let rtc = Weak::clone(rtc);
            let ring = move || {
                if let Some(rtc) = rtc.upgrade() {
                    rtc.ring();
                }
            };
            Self {
                state: Mutex::new(RtcState { epoch: epoch_nanos, ..RtcState::default() }),
                alarm: Alarm::new(clock.clone(), ring),
                clock,
                irq,
            }
        })
    }

    fn uptime_nanos(&self) -> u64 {
        self.clock.now().wrapping_mul(NANOS_PER_TICK)
    }

    /// Raises the alarm; called when the deadline is reached.
    fn ring(&self) {
        self.expire(&mut lock(&self.state));
    }

    fn expire(&self, state: &mut RtcState) {
        let now = state.epoch.wrapping_add(self.uptime_nanos());
        if state.alarm.is_some_and(|alarm| alarm <= now) {
            state.alarm = None;
            state.irq_pending = true;
            self.drive(state);
        }
    }

    fn drive(&self, state: &RtcState) {
        self.irq.set(state.irq_pending && state.irq_enabled);
    }

    /// Arms the alarm thread for the next deadline.
    fn schedule(&self, state: &mut RtcState) {
        self.expire(state);
        // Alarms before tick 0 have expired above.
        let ticks = |alarm: u64| alarm.saturating_sub(state.epoch).div_ceil(NANOS_PER_TICK);
        self.alarm.arm(state.alarm.map(ticks));
    }
}

/// Registers are 32 bits wide. As on QEMU's machine, a 64-bit access covers two of them,
/// the low one first; smaller accesses cover part of one.
impl MmioDevice for Rtc {
    fn read(&self, offset: u64, width: Width) -> Result<u64, MmioFault> {
        if !offset.is_multiple_of(width.bytes()) {
            return Err(MmioFault);
        }
        match width {
            Width::Double => {
                let low = self.read(offset, Width::Word)?;
                return Ok(self.read(offset + 4, Width::Word)? << 32 | low);
            }
            Width::Byte | Width::Half => {
                let word = self.read(offset & !3, Width::Word)?;
                return Ok(word >> (8 * (offset & 3)) & width.mask());
            }
            Width::Word => {}
        }
        let mut state = lock(&self.state);
        Ok(match offset {
            TIME_LOW => {
                let now = state.epoch.wrapping_add(self.uptime_nanos());
                (state.time_high, state.time_low) = halves(now);
                u64::from(state.time_low)
            }
            TIME_HIGH => u64::from(state.time_high),
            ALARM_LOW => u64::from(state.alarm_low),
            ALARM_HIGH => u64::from(state.alarm_high),
            IRQ_ENABLED => u64::from(state.irq_enabled),
            ALARM_STATUS => u64::from(state.alarm.is_some()),
            _ => 0,
        })
    }

    fn write(&self, offset: u64, width: Width, value: u64) -> Result<(), MmioFault> {
        if width == Width::Double && offset.is_multiple_of(8) {
            self.write(offset, Width::Word, value & Width::Word.mask())?;
            return self.write(offset + 4, Width::Word, value >> 32);
        }
        if width != Width::Word || !offset.is_multiple_of(4) {
            return Err(MmioFault);
        }
        let (_, value) = halves(value);
        let mut state = lock(&self.state);
        match offset {
            TIME_LOW => {
                let time = whole(state.time_high, value);
                state.epoch = time.wrapping_sub(self.uptime_nanos());
                self.schedule(&mut state);
            }
            TIME_HIGH => state.time_high = value,
            ALARM_LOW => {
                state.alarm_low = value;
                state.alarm = Some(whole(state.alarm_high, value));
                self.schedule(&mut state);
            }
            ALARM_HIGH => state.alarm_high = value,
            IRQ_ENABLED => {
                state.irq_enabled = value & 1 != 0;
                self.drive(&state);
            }
            CLEAR_ALARM => {
                state.alarm = None;
                self.schedule(&mut state);
            }
            CLEAR_INTERRUPT => {
                state.irq_pending = false;
                self.drive(&state);
            }
            _ => {}
        }
        Ok(())
    }
}

impl Device for Rtc {
    fn slot(&self) -> Slot {
        RTC
    }

    fn write_fdt_node(&self, fdt: &mut FdtWriter) -> Result<(), Error> {
        let node = fdt.begin_node(&RTC.node_name("rtc"))?;
        fdt.property_string("compatible", "google,goldfish-rtc")?;
        RTC.write_properties(fdt)?;
        fdt.end_node(node)
    }
}

/// High and low half of a 64-bit value.
#[expect(clippy::cast_possible_truncation, reason = "takes the value apart")]
fn halves(value: u64) -> (u32, u32) {
    ((value >> 32) as u32, value as u32)
}

fn whole(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use riscope_core::hart::HartControl;

    use super::*;
    use crate::device::irqchip::Plic;

    const EPOCH: u64 = 0x1234_0000_ffff_fff0;

    struct Board {
        hart: Arc<HartControl>,
        clock: Clock,
        rtc: Arc<Rtc>,
    }

    /// A clock whose interrupt reaches M-mode of the only hart.
    fn board() -> Board {
        let hart: Arc<HartControl> = Arc::default();
        let plic = Arc::new(Plic::new(&[Arc::clone(&hart)]));
        plic.write(44, Width::Word, 1).unwrap();
        plic.write(0x2000, Width::Word, 1 << 11).unwrap();
        let clock = Clock::manual();
        let rtc = Rtc::new(EPOCH, &clock, IrqLine::new(plic, 11));
        Board { hart, clock, rtc }
    }

    impl Board {
        fn read(&self, offset: u64) -> u64 {
            self.rtc.read(offset, Width::Word).unwrap()
        }

        fn write(&self, offset: u64, value: u64) {
            self.rtc.write(offset, Width::Word, value).unwrap();
        }

        fn interrupted(&self) -> bool {
            self.hart.lines() != 0
        }

        fn set_alarm(&self, nanos: u64) {
            self.write(ALARM_HIGH, nanos >> 32);
            self.write(ALARM_LOW, nanos & 0xffff_ffff);
        }
    }

    #[test]
    fn the_high_half_belongs_to_the_low_half_read_before() {
        let board = board();
        assert_eq!(board.read(TIME_LOW), 0xffff_fff0);
        board.clock.advance(1);
        assert_eq!(board.read(TIME_HIGH), 0x1234_0000, "latched");
        assert_eq!(board.read(TIME_LOW), 0xffff_fff0 + 100 - (1 << 32));
        assert_eq!(board.read(TIME_HIGH), 0x1234_0001);
    }

    #[test]
    fn the_time_is_read_whole_or_in_parts() {
        let board = board();
        assert_eq!(board.rtc.read(TIME_LOW, Width::Double), Ok(EPOCH));
        board.clock.advance(1);
        assert_eq!(board.rtc.read(TIME_LOW, Width::Double), Ok(EPOCH + 100), "the halves belong together");
        assert_eq!(board.rtc.read(TIME_HIGH + 2, Width::Half), Ok(0x1234));
        assert_eq!(board.rtc.read(TIME_LOW, Width::Byte), Ok((EPOCH + 100) & 0xff));
    }

    #[test]
    fn setting_the_machine_timer_is_no_change_of_date() {
        let board = board();
        board.clock.set(1 << 50);
        board.clock.advance(1);
        assert_eq!(board.rtc.read(TIME_LOW, Width::Double), Ok(EPOCH + 100));
        board.write(IRQ_ENABLED, 1);
        board.set_alarm(EPOCH + 1000);
        assert!(!board.interrupted(), "nor does it ring early");
    }

    #[test]
    fn the_time_can_be_set() {
        let board = board();
        board.clock.advance(10);
        board.write(TIME_HIGH, 5);
        board.write(TIME_LOW, 6);
        board.clock.advance(1);
        assert_eq!(board.read(TIME_LOW), 106);
        assert_eq!(board.read(TIME_HIGH), 5);
    }

    #[test]
    fn an_alarm_in_the_past_rings_at_once_and_is_acknowledged() {
        let board = board();
        board.write(IRQ_ENABLED, 1);
        board.set_alarm(1);
        assert!(board.interrupted());
        assert_eq!(board.read(ALARM_STATUS), 0);
        board.write(CLEAR_INTERRUPT, 1);
        assert!(!board.rtc.state.lock().unwrap().irq_pending);
    }

    #[test]
    fn an_alarm_in_the_future_rings_when_the_clock_gets_there() {
        let board = board();
        board.write(IRQ_ENABLED, 1);
        board.set_alarm(EPOCH + 1000);
        assert_eq!(board.read(ALARM_STATUS), 1);
        assert!(!board.interrupted());
        board.clock.advance(10);
        let deadline = Instant::now() + Duration::from_secs(60);
        while !board.interrupted() {
            assert!(Instant::now() < deadline, "no interrupt");
            std::thread::yield_now();
        }
        assert_eq!(board.read(ALARM_STATUS), 0);
    }

    #[test]
    fn a_cleared_or_disabled_alarm_does_not_interrupt() {
        let board = board();
        board.set_alarm(EPOCH + 1000);
        board.write(CLEAR_ALARM, 1);
        assert_eq!(board.read(ALARM_STATUS), 0);
        board.set_alarm(0);
        assert!(!board.interrupted(), "the interrupt is not enabled");
        board.write(IRQ_ENABLED, 1);
        assert!(board.interrupted(), "but it was pending");
    }

    #[test]
    fn every_offset_and_width_has_an_answer() {
        let board = board();
        for offset in (0..RTC.size).rev() {
            for width in [Width::Byte, Width::Half, Width::Word, Width::Double] {
                let aligned = offset % width.bytes() == 0;
                assert_eq!(board.rtc.write(offset, width, u64::MAX).is_ok(), aligned && width.bytes() >= 4);
                assert_eq!(board.rtc.read(offset, width).is_ok(), aligned);
            }
        }
    }
}
