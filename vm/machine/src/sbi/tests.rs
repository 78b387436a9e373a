//! Tests of the SBI, call by call.

use proptest::prelude::*;
use riscope_core::addr::GuestAddr;
use riscope_core::counters::FlushScope;
use riscope_core::event::{Event, PanicSource, VmEvent};
use riscope_core::hart::{Attention, ExceptionCause, Interrupt, RemoteFence};
use riscope_core::mmu::Extent;
use vm_memory::{Bytes, GuestAddress};

use super::testing::{BASE, Guest, guest};
use super::*;
use crate::exit::MachineExit;

pub(super) const TIME: u64 = 0x5449_4d45;
pub(super) const IPI: u64 = 0x73_5049;
pub(super) const RFENCE: u64 = 0x5246_4e43;
pub(super) const HSM: u64 = 0x48_534d;
pub(super) const SRST: u64 = 0x5352_5354;
pub(super) const DBCN: u64 = 0x4442_434e;
pub(super) const PMU: u64 = 0x50_4d55;

const INVALID_PARAM: (i64, u64) = (-3, 0);

#[test]
fn base_announces_version_and_extensions() {
    let mut guest = guest(1);
    assert_eq!(guest.call(0x10, 0, &[]), (0, 0x0200_0000));
    assert_eq!(guest.call(0x10, 1, &[]), (0, 0x5253_434f));
    for extension in [0x10, TIME, IPI, RFENCE, HSM, SRST, DBCN, PMU, 0, 8] {
        assert_eq!(guest.call(0x10, 3, &[extension]), (0, 1), "{extension:#x}");
    }
    for extension in [9, 0xf, 0x4e41_434c, u64::MAX, TIME << 32] {
        assert_eq!(guest.call(0x10, 3, &[extension]), (0, 0), "{extension:#x}");
    }
    assert_eq!(guest.call(0x10, 4, &[]), (0, 0));
}

#[test]
fn the_timer_has_one_function() {
    let mut guest = guest(1);
    let set_timer = 0xf_0005;
    assert_eq!(guest.call(PMU, 2, &[0, 1, 4, set_timer]), (0, 0));
    assert_eq!(guest.call(TIME, 0, &[100]), (0, 0));
    assert_eq!(guest.call(TIME, 0, &[u64::MAX]), (0, 0));
    assert_eq!(guest.call(PMU, 5, &[0]), (0, 2));
}

#[test]
fn an_ipi_asks_exactly_the_named_harts_for_attention() {
    let mut guest = guest(4);
    assert_eq!(guest.call(IPI, 0, &[0b101, 1]), (0, 0));
    for hart in [1, 3] {
        assert!(guest.harts[hart].serve_attention().contains(Attention::INTERRUPT), "hart {hart}");
    }
    assert!(guest.harts[2].serve_attention().is_empty());
    assert_eq!(guest.call(IPI, 0, &[0, u64::MAX]), (0, 0));
    assert!(guest.harts[2].serve_attention().contains(Attention::INTERRUPT));
    guest.harts[1].serve_attention();
    assert_eq!(guest.call(IPI, 0, &[0, 1]), (0, 0), "nobody is a valid set");
    assert!(guest.harts[1].serve_attention().is_empty());
}

#[test]
fn fences_reach_the_named_harts_before_the_call_returns() {
    let mut guest = guest(2);
    let before = guest.harts[1].fetch_fences();
    assert_eq!(guest.call(RFENCE, 0, &[0b11, 0]), (0, 0));
    assert_eq!(guest.harts[0].fetch_fences(), before + 1, "the caller itself");
    guest.harts[1].serve_attention();
    assert_eq!(guest.harts[1].fetch_fences(), before + 1);
    for function in [1, 2] {
        assert_eq!(guest.call(RFENCE, function, &[0b10, 0, 0, u64::MAX, 5]), (0, 0));
        guest.harts[1].serve_attention();
    }
    assert_eq!(
        guest.harts.iter().map(|hart| hart.counters().tlb_flushes()[FlushScope::Remote.index()]).collect::<Vec<_>>(),
        [0, 2]
    );
}

#[test]
fn a_fence_of_a_range_flushes_its_pages_and_nothing_else() {
    let mut guest = guest(2);
    // Pages that the other hart flushes, `None` for all.
    let mut flushed = |function: u64, args: &[u64]| {
        let epoch = guest.harts[1].translation_epoch();
        assert_eq!(guest.call(RFENCE, function, &[&[0b10, 0], args].concat()), (0, 0));
        guest.harts[1].serve_attention();
        let pages = guest.harts[1].flushed_since(epoch)?;
        Some(pages.map(|flushed| flushed.page).collect::<Vec<_>>())
    };
    assert_eq!(flushed(1, &[0x5000, 0x1001]), Some(vec![0x5000, 0x6000]));
    assert_eq!(flushed(1, &[0, 0]), None);
    assert_eq!(flushed(1, &[0x5000, u64::MAX]), None);
    assert_eq!(flushed(1, &[0x5000, 1 << 30]), None, "too long to go page by page");
    assert_eq!(flushed(2, &[0x5000, 0x1000, 0]), Some(vec![0x5000]), "the address space in use");
    assert_eq!(flushed(2, &[0x5000, 0x1000, 7]), Some(vec![]), "one that it has not used");
    assert_eq!(flushed(2, &[0, 0, 7]), Some(vec![]));
    assert_eq!(guest.harts[1].counters().tlb_flushes()[FlushScope::Remote.index()], 7);
}

#[test]
fn legacy_fences_have_ranges_too() {
    let mut guest = guest(2);
    for (call, args) in [(6, vec![0, 0x5000, 0x1000]), (7, vec![0, 0x5000, 0x1000, 0])] {
        let epoch = guest.harts[1].translation_epoch();
        guest.call(call, 0, &args);
        guest.harts[1].serve_attention();
        let pages = guest.harts[1].flushed_since(epoch).expect("not all");
        assert_eq!(pages.map(|flushed| flushed.page).collect::<Vec<_>>(), [0x5000], "call {call}");
    }
}

#[test]
fn harts_that_fence_each_other_do_not_deadlock() {
    let mut guest = guest(2);
    for control in &guest.controls {
        control.set_running(true);
    }
    let threads: Vec<_> = guest
        .harts
        .drain(..)
        .map(|mut hart| {
            let sbi = Arc::clone(&guest.sbi);
            std::thread::spawn(move || {
                for _ in 0..200 {
                    rfence::fence(&sbi, &mut hart, RemoteFence::Translations(Extent::ALL), &[0, 1]);
                }
                hart.control().set_running(false);
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn a_stop_ends_the_wait_for_a_hart_that_never_answers() {
    let mut guest = guest(2);
    guest.controls[1].set_running(true);
    guest.controls[0].request(Attention::STOP);
    assert_eq!(guest.call(RFENCE, 0, &[0b10, 0]), (0, 0));
}

#[test]
fn harts_are_started_once_and_stopped() {
    let mut guest = guest(2);
    assert_eq!(guest.call(HSM, 2, &[0]), (0, 0));
    assert_eq!(guest.call(HSM, 2, &[1]), (0, 1));
    assert_eq!(guest.call(HSM, 0, &[1, BASE + 0x100, 7]), (0, 0));
    assert!(guest.harts[1].serve_attention().contains(Attention::INTERRUPT), "its thread is woken");
    assert_eq!(guest.call(HSM, 2, &[1]), (0, 2));
    assert_eq!(guest.call(HSM, 0, &[1, BASE, 0]), (-6, 0));
    assert_eq!(guest.sbi.hsm().take_start(1), Some(HartStart { address: BASE + 0x100, opaque: 7 }));
    assert_eq!(guest.sbi.hsm().take_start(1), None);
    assert_eq!(guest.call(HSM, 2, &[1]), (0, 0));

    let hart = &mut guest.harts[1];
    hart.set_x(A7, HSM);
    hart.set_x(A6, 1);
    guest.sbi.serve(hart);
    assert!(!guest.sbi.hsm().is_started(1));
    assert_eq!(guest.call(HSM, 2, &[1]), (0, 1));
}

#[test]
fn a_suspended_hart_goes_on_where_it_was_or_where_it_said() {
    let mut guest = guest(2);
    assert_eq!(guest.call(HSM, 3, &[0, 0, 0]), (0, 0));
    assert_eq!(guest.call(HSM, 3, &[1 << 32, 0, 0]), (0, 0), "the kind has 32 bits");
    assert_eq!(guest.call(HSM, 2, &[0]), (0, 0), "awake again");

    let (id, control) = (1, Arc::clone(&guest.controls[1]));
    let hart = &mut guest.harts[id];
    for (register, value) in [(A7, HSM), (A6, 3), (A0, 0x8000_0000), (A1, BASE + 0x100), (12, 77)] {
        hart.set_x(register, value);
    }
    control.request(Attention::INTERRUPT);
    guest.sbi.serve(hart);
    assert_eq!(hart.pc(), GuestAddr(BASE + 0x100));
    assert_eq!((hart.x(A0), hart.x(A1)), (1, 77));
    assert_eq!(guest.call(HSM, 2, &[1]), (0, 0), "started");
}

#[test]
fn reset_calls_end_the_machine() {
    for (args, exit) in [
        ([0, 0], MachineExit::PowerOff),
        ([0, 1], MachineExit::Failure(1)),
        ([1, 0], MachineExit::Reset),
        ([2, 1], MachineExit::Reset),
    ] {
        let mut guest = guest(1);
        assert_eq!(guest.call(SRST, 0, &args), (0, 0));
        assert_eq!(guest.exit.get(), Some(exit));
        let panics = std::iter::from_fn(|| guest.events.try_recv().ok()).map(|envelope| envelope.event);
        let told = Event::from(VmEvent::GuestPanicked { source: PanicSource::Sbi });
        assert_eq!(panics.collect::<Vec<_>>(), vec![told; usize::from(args[1] == 1)], "{args:?}");
    }
}

#[test]
fn the_debug_console_moves_bytes_within_ram_only() {
    let mut guest = guest(1);
    guest.ram.memory().write_slice(b"hello", GuestAddress(BASE)).unwrap();
    assert_eq!(guest.call(DBCN, 0, &[5, BASE, 0]), (0, 5));
    assert_eq!(guest.call(DBCN, 2, &[0x121]), (0, 0));
    assert_eq!(guest.capture.text(), "hello!");
    assert_eq!(guest.call(DBCN, 0, &[0, 0, 0]), (0, 0));
    assert_eq!(guest.call(DBCN, 0, &[0x1_0000, BASE, 0]), (0, 4096), "the rest is for the next call");
    guest.console.push_input(b"input");
    assert_eq!(guest.call(DBCN, 1, &[3, BASE + 0x100, 0]), (0, 3));
    assert_eq!(guest.call(DBCN, 1, &[100, BASE + 0x103, 0]), (0, 2));
    assert_eq!(guest.call(DBCN, 1, &[100, BASE + 0x105, 0]), (0, 0));
    assert_eq!(guest.ram.memory().read_obj::<[u8; 6]>(GuestAddress(BASE + 0x100)).unwrap(), *b"input\0");
}

#[test]
fn firmware_counters_count_while_they_run() {
    let mut guest = guest(2);
    let ipi_sent = 0xf_0006;
    assert_eq!(guest.call(PMU, 0, &[]), (0, 8));
    assert_eq!(guest.call(PMU, 1, &[7]), (0, 1 << 63));
    assert_eq!(guest.call(PMU, 2, &[0, 0b110, 0, ipi_sent]), (0, 1));
    guest.call(IPI, 0, &[0b10, 0]);
    assert_eq!(guest.call(PMU, 3, &[0, 0b10, 1, 1000]), (0, 0));
    guest.call(IPI, 0, &[0b10, 0]);
    guest.call(IPI, 0, &[0b10, 0]);
    guest.call_on(1, IPI, 0, &[0b10, 0]);
    assert_eq!(guest.call(PMU, 5, &[1]), (0, 1002));
    assert_eq!(guest.call(PMU, 4, &[0, 0b10, 0]), (0, 0));
    guest.call(IPI, 0, &[0b10, 0]);
    assert_eq!(guest.call(PMU, 5, &[1]), (0, 1002));
    assert_eq!(guest.call(PMU, 4, &[0, 0b10, 1]), (-8, 0), "stopped already, but freed");
    assert_eq!(guest.call(PMU, 5, &[1]), INVALID_PARAM);
}

#[test]
fn legacy_calls_return_in_one_register() {
    let mut guest = guest(2);
    guest.console.push_input(b"k");
    guest.call(1, 0, &[0x50]);
    assert_eq!(guest.capture.text(), "P");
    assert_eq!(guest.call(2, 0, &[]).0, 0x6b);
    assert_eq!(guest.call(2, 0, &[]).0, -1);
    assert_eq!(guest.call(0, 0, &[77, 0x1234]), (0, 0x1234), "a1 is left alone");
    let fences = guest.harts[1].fetch_fences();
    assert_eq!(guest.call(5, 0, &[0xdead_beef]).0, 0);
    assert!(guest.harts[1].serve_attention().contains(Attention::FENCE_I));
    assert_eq!(guest.harts[1].fetch_fences(), fences + 1);
    assert_eq!(guest.call(8, 0, &[]).0, 0);
    assert_eq!(guest.exit.get(), Some(MachineExit::PowerOff));
}

#[test]
fn a_legacy_ipi_goes_to_the_harts_of_the_mask() {
    let mut guest = guest(3);
    let interrupted = |guest: &mut Guest| {
        let asked = |hart: &mut Hart| hart.serve_attention().contains(Attention::INTERRUPT);
        [1, 2].map(|hart| asked(&mut guest.harts[hart]))
    };
    guest.ram.memory().write_obj(0xffff_ffff_ffff_fff5u64, GuestAddress(BASE + 8)).unwrap();
    assert_eq!(guest.call(4, 0, &[BASE + 8]).0, 0);
    assert_eq!(interrupted(&mut guest), [false, true]);
    guest.ram.memory().write_obj(0u64, GuestAddress(BASE + 8)).unwrap();
    guest.call(4, 0, &[BASE + 8]);
    assert_eq!(interrupted(&mut guest), [false, false]);
    // No mask selects all harts.
    guest.call(4, 0, &[0]);
    assert_eq!(interrupted(&mut guest), [true, true]);
}

#[test]
fn a_legacy_mask_that_cannot_be_read_is_a_fault_of_the_caller() {
    let mut guest = guest(2);
    guest.harts[0].set_x(A0, 0x1000);
    guest.harts[0].set_x(A7, 4);
    guest.sbi.serve(&mut guest.harts[0]);
    let hart = &mut guest.harts[0];
    assert_eq!(hart.x(A0), 0x1000, "there is no answer");
    assert_eq!(hart.pc(), GuestAddr(0), "the handler, where nobody has put one");
    assert_eq!(hart.counters().exceptions()[ExceptionCause::LoadAccessFault as usize], 1);
    assert!(guest.harts[1].serve_attention().is_empty(), "nobody is interrupted");
}

#[test]
fn a_legacy_call_clears_an_interrupt_and_says_whether_there_was_one() {
    let mut guest = guest(2);
    assert_eq!(guest.call(3, 0, &[]).0, 0);
    guest.call_on(1, IPI, 0, &[0b1, 0]);
    assert_eq!(guest.call(3, 0, &[]).0, 1);
    assert_eq!(guest.call(3, 0, &[]).0, 0);
}

#[test]
fn calls_are_counted_by_extension() {
    let mut guest = guest(1);
    guest.call(TIME, 0, &[1]);
    guest.call(TIME, 9, &[1]);
    guest.call(1, 0, &[0]);
    guest.call(0x1234, 0, &[0]);
    let calls = guest.harts[0].counters().sbi_calls();
    assert_eq!(calls[SbiExtension::Time.index()], 2);
    assert_eq!(calls[SbiExtension::Legacy.index()], 1);
    assert_eq!(calls[SbiExtension::Other.index()], 1);
}

#[test]
fn an_ecall_at_the_end_of_the_address_space_wraps() {
    let mut guest = guest(1);
    guest.harts[0].set_pc(GuestAddr(u64::MAX - 3));
    assert_eq!(guest.call(0x10, 0, &[]).0, 0);
    assert_eq!(guest.harts[0].pc(), GuestAddr(0));
    assert_eq!(guest.controls[0].lines() & Interrupt::SupervisorSoftware.mask(), 0);
}

proptest! {
    /// Every call with any arguments returns one of the specified codes.
    #[test]
    fn any_call_is_answered(
        calls in prop::collection::vec((
            prop_oneof![
                prop::sample::select(vec![0x10, TIME, IPI, RFENCE, HSM, SRST, DBCN, PMU]),
                0u64..16,
                any::<u64>(),
            ],
            prop_oneof![0u64..10, any::<u64>()],
            prop::array::uniform6(prop_oneof![0u64..16, Just(BASE), Just(u64::MAX), any::<u64>()]),
        ), 1..20)
    ) {
        let mut guest = guest(2);
        for (extension, function, args) in calls {
            // Calls that may not return to their caller: a hart that stops or suspends
            // itself, and a legacy call with an unreadable mask.
            if (extension == HSM && matches!(function, 1 | 3)) || extension == 4 {
                continue;
            }
            let (error, value) = guest.call(extension, function, &args);
            if extension > u64::from(legacy::LAST) {
                prop_assert!((-9..=0).contains(&error), "{extension:#x} {function:#x} {args:x?}: {error}");
                prop_assert!(error == 0 || value == 0);
            }
        }
    }
}
