//! Performance monitoring extension (chapter 11): firmware counters.
//!
//! They count the services of this SBI: timers, IPIs, fences. `cycle` and `instret` are
//! readable as CSRs without it.

use std::sync::Mutex;

use super::{Call, SbiError, SbiResult};
use crate::sync::lock;

const NUM_COUNTERS: u64 = 0;
const COUNTER_GET_INFO: u64 = 1;
const COUNTER_CONFIG_MATCHING: u64 = 2;
const COUNTER_START: u64 = 3;
const COUNTER_STOP: u64 = 4;
const COUNTER_FW_READ: u64 = 5;
const COUNTER_FW_READ_HI: u64 = 6;

/// Number of counters per hart.
const COUNTERS: usize = 8;
/// Result of `counter_get_info` for a firmware counter: bit 63.
const FIRMWARE_COUNTER: u64 = 1 << 63;
/// Event type of firmware events, bits 19..16 of an event index.
const FIRMWARE_EVENTS: u64 = 0xf;

const CONFIG_SKIP_MATCH: u64 = 1 << 0;
const CONFIG_CLEAR_VALUE: u64 = 1 << 1;
const CONFIG_AUTO_START: u64 = 1 << 2;
const START_SET_VALUE: u64 = 1 << 0;
/// Start from a snapshot in shared memory, which is not available: `snapshot_set_shmem` is
/// optional and not implemented.
const START_FROM_SNAPSHOT: u64 = 1 << 1;
const STOP_RESET: u64 = 1 << 0;
const STOP_TAKE_SNAPSHOT: u64 = 1 << 1;

/// Firmware events by code (section 11.2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(super) enum FirmwareEvent {
    SetTimer = 5,
    IpiSent = 6,
    IpiReceived = 7,
    FenceISent = 8,
    FenceIReceived = 9,
    SfenceVmaSent = 10,
    SfenceVmaReceived = 11,
    SfenceVmaAsidSent = 12,
    SfenceVmaAsidReceived = 13,
}

/// Lowest code of the implemented events.
const FIRST_EVENT: u64 = FirmwareEvent::SetTimer as u64;
const LAST_EVENT: u64 = FirmwareEvent::SfenceVmaAsidReceived as u64;

#[derive(Clone, Copy, Debug, Default)]
struct Counter {
    /// Code of the configured event.
    event: Option<u64>,
    running: bool,
    value: u64,
}

type HartCounters = [Counter; COUNTERS];

/// Firmware counters of all harts of a machine.
#[derive(Debug)]
pub(super) struct Pmu {
    harts: Vec<Mutex<HartCounters>>,
}

impl Pmu {
    pub(super) fn new(harts: usize) -> Self {
        Self { harts: (0..harts).map(|_| Mutex::default()).collect() }
    }

    /// Counts `event` on `hart`.
    pub(super) fn count(&self, hart: usize, event: FirmwareEvent) {
        for counter in lock(&self.harts[hart]).iter_mut() {
            if counter.running && counter.event == Some(event as u64) {
                counter.value = counter.value.wrapping_add(1);
            }
        }
    }

    pub(super) fn call(&self, hart: usize, call: Call) -> SbiResult {
        let counters = &mut *lock(&self.harts[hart]);
        let [first, second, third, fourth, ..] = call.args;
        match call.function {
            NUM_COUNTERS => Ok(COUNTERS as u64),
            COUNTER_GET_INFO if first < COUNTERS as u64 => Ok(FIRMWARE_COUNTER),
            COUNTER_GET_INFO => Err(SbiError::InvalidParam),
            COUNTER_CONFIG_MATCHING => configure(counters, first, second, third, fourth),
            COUNTER_START => start(counters, first, second, third, fourth),
            COUNTER_STOP => stop(counters, first, second, third),
            COUNTER_FW_READ => at(counters, first).map(|counter| counter.value),
            // High half of a 64-bit counter, always 0 on RV64.
            COUNTER_FW_READ_HI => at(counters, first).map(|_| 0),
            _ => Err(SbiError::NotSupported),
        }
    }
}

/// Configured counter at `index`.
fn at(counters: &HartCounters, index: u64) -> Result<&Counter, SbiError> {
    let counter = usize::try_from(index).ok().and_then(|index| counters.get(index));
    counter.filter(|counter| counter.event.is_some()).ok_or(SbiError::InvalidParam)
}

/// Indices selected by a base and a mask; an error if one does not exist.
fn indices(base: u64, mask: u64) -> Result<Vec<usize>, SbiError> {
    let bits = (0..u64::BITS).filter(|bit| mask >> bit & 1 != 0);
    bits.map(|bit| {
        let index = base.checked_add(u64::from(bit)).filter(|&index| index < COUNTERS as u64);
        index.and_then(|index| usize::try_from(index).ok()).ok_or(SbiError::InvalidParam)
    })
    .collect()
}

fn configure(counters: &mut HartCounters, base: u64, mask: u64, flags: u64, event: u64) -> SbiResult {
    let indices = indices(base, mask)?;
    let index = if flags & CONFIG_SKIP_MATCH != 0 {
        // The caller selects a configured counter.
        *indices.first().filter(|&&index| counters[index].event.is_some()).ok_or(SbiError::InvalidParam)?
    } else {
        let code = event_code(event)?;
        let free = |&&index: &&usize| counters[index].event.is_none();
        let index = *indices.iter().find(free).ok_or(SbiError::NotSupported)?;
        counters[index] = Counter { event: Some(code), running: false, value: 0 };
        index
    };
    let counter = &mut counters[index];
    if flags & CONFIG_CLEAR_VALUE != 0 {
        counter.value = 0;
    }
    counter.running |= flags & CONFIG_AUTO_START != 0;
    Ok(index as u64)
}

/// Code of a firmware event that can be counted.
fn event_code(event: u64) -> Result<u64, SbiError> {
    let code = event & 0xffff;
    let countable = event >> 16 == FIRMWARE_EVENTS && (FIRST_EVENT..=LAST_EVENT).contains(&code);
    if countable { Ok(code) } else { Err(SbiError::NotSupported) }
}

fn start(counters: &mut HartCounters, base: u64, mask: u64, flags: u64, value: u64) -> SbiResult {
    let indices = indices(base, mask)?;
    // Starts none if one of them cannot be started.
    if indices.iter().any(|&index| counters[index].event.is_none()) {
        return Err(SbiError::InvalidParam);
    }
    if flags & START_FROM_SNAPSHOT != 0 {
        return Err(SbiError::NoSharedMemory);
    }
    let mut already = false;
    for index in indices {
        let counter = &mut counters[index];
        already |= counter.running;
        if !counter.running {
            counter.running = true;
            if flags & START_SET_VALUE != 0 {
                counter.value = value;
            }
        }
    }
    if already { Err(SbiError::AlreadyStarted) } else { Ok(0) }
}

fn stop(counters: &mut HartCounters, base: u64, mask: u64, flags: u64) -> SbiResult {
    let indices = indices(base, mask)?;
    if flags & STOP_TAKE_SNAPSHOT != 0 {
        return Err(SbiError::NoSharedMemory);
    }
    let mut already = false;
    for index in indices {
        let counter = &mut counters[index];
        already |= !counter.running;
        counter.running = false;
        if flags & STOP_RESET != 0 {
            *counter = Counter::default();
        }
    }
    if already { Err(SbiError::AlreadyStopped) } else { Ok(0) }
}
