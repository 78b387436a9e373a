//! SBI test fixture: makes calls in registers, like a guest.

use std::sync::Arc;

use riscope_core::addr::{GuestAddr, GuestPhys};
use riscope_core::clock::Clock;
use riscope_core::event::{DomainEventBus, Filter, Publisher, Subscription, VmId};
use riscope_core::hart::{Attention, Hart, HartConfig, HartControl, PrivilegeMode};
use riscope_core::mem::GuestRam;

use super::{A0, A1, A6, A7, Sbi};
use crate::console::{CaptureBackend, Console};
use crate::exit::ExitLatch;
use crate::watch::{OnPanic, Panics};

pub(super) const BASE: u64 = 0x8000_0000;

pub(super) struct Guest {
    pub(super) sbi: Arc<Sbi>,
    pub(super) harts: Vec<Hart>,
    pub(super) controls: Vec<Arc<HartControl>>,
    pub(super) ram: Arc<GuestRam>,
    pub(super) console: Arc<Console>,
    pub(super) capture: Arc<CaptureBackend>,
    pub(super) exit: Arc<ExitLatch>,
    pub(super) events: Subscription,
}

/// A guest with `harts` harts in S-mode and 64 KiB of RAM.
pub(super) fn guest(harts: usize) -> Guest {
    let ram = Arc::new(GuestRam::new(GuestPhys(BASE), 0x1_0000).unwrap());
    let controls: Vec<Arc<HartControl>> = (0..harts).map(|_| Arc::default()).collect();
    let capture = Arc::new(CaptureBackend::default());
    let console = Console::new(Arc::clone(&capture) as _);
    let exit = Arc::new(ExitLatch::new(Vec::new()));
    let bus = DomainEventBus::new();
    let events = bus.subscribe("test", Filter::all(), 16);
    let panics = Panics::new(Publisher::new(VmId::default(), Some(bus)), OnPanic::Report, Arc::clone(&exit));
    let sbi = Sbi::new(controls.clone(), Arc::clone(&ram), Arc::clone(&console), Arc::clone(&exit), panics);
    let clock = Clock::manual();
    let harts = (0..harts).map(|id| {
        let mut hart = Hart::new(HartConfig {
            id,
            control: Arc::clone(&controls[id]),
            sbi: true,
            ..HartConfig::alone(Arc::clone(&ram), clock.clone())
        });
        hart.reset(GuestAddr(BASE), PrivilegeMode::Supervisor, id as u64, 0);
        hart
    });
    Guest { sbi: Arc::new(sbi), harts: harts.collect(), controls, ram, console, capture, exit, events }
}

impl Guest {
    /// Makes a call on hart 0; returns `a0` and `a1`.
    pub(super) fn call(&mut self, extension: u64, function: u64, args: &[u64]) -> (i64, u64) {
        self.call_on(0, extension, function, args)
    }

    pub(super) fn call_on(&mut self, hart: usize, extension: u64, function: u64, args: &[u64]) -> (i64, u64) {
        // A suspended hart wakes up at once.
        self.controls[hart].request(Attention::INTERRUPT);
        let hart = &mut self.harts[hart];
        (0..6).for_each(|i| hart.set_x(A0 + i, args.get(i).copied().unwrap_or(0)));
        hart.set_x(A6, function);
        hart.set_x(A7, extension);
        let pc = hart.pc().0;
        self.sbi.serve(hart);
        assert_eq!(hart.pc().0, pc.wrapping_add(4));
        (hart.x(A0).cast_signed(), hart.x(A1))
    }
}
