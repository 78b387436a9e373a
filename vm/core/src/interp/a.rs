//! A extension: atomic memory operations.
//!
//! All are sequentially consistent on the host, which satisfies every combination of `aq`
//! and `rl`. `sc` compares with the value that `lr` loaded: a word changed and changed back
//! in between goes unnoticed (ABA), as in every emulator that implements `sc` by
//! compare-and-swap.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

use super::{Flow, Handler, sext32};
use crate::hart::Hart;
use crate::isa::Operands;
use crate::isa::a::A;
use crate::mmu::Access;

macro_rules! amo_word {
    ($method:ident) => {
        |hart, o| amo_word(hart, o, |cell, value| cell.$method(value, SeqCst))
    };
}

macro_rules! amo_double {
    ($method:ident) => {
        |hart, o| amo_double(hart, o, |cell, value| cell.$method(value, SeqCst))
    };
}

pub(super) fn handler(op: A) -> Handler {
    match op {
        A::LrW => |hart, o| load_reserved(hart, o, 4),
        A::LrD => |hart, o| load_reserved(hart, o, 8),
        A::ScW => |hart, o| store_conditional(hart, o, 4),
        A::ScD => |hart, o| store_conditional(hart, o, 8),
        A::AmoswapW => amo_word!(swap),
        A::AmoaddW => amo_word!(fetch_add),
        A::AmoxorW => amo_word!(fetch_xor),
        A::AmoandW => amo_word!(fetch_and),
        A::AmoorW => amo_word!(fetch_or),
        A::AmominuW => amo_word!(fetch_min),
        A::AmomaxuW => amo_word!(fetch_max),
        A::AmominW => |hart, o| amo_word(hart, o, |cell, value| signed_word(cell, value, i32::min)),
        A::AmomaxW => |hart, o| amo_word(hart, o, |cell, value| signed_word(cell, value, i32::max)),
        A::AmoswapD => amo_double!(swap),
        A::AmoaddD => amo_double!(fetch_add),
        A::AmoxorD => amo_double!(fetch_xor),
        A::AmoandD => amo_double!(fetch_and),
        A::AmoorD => amo_double!(fetch_or),
        A::AmominuD => amo_double!(fetch_min),
        A::AmomaxuD => amo_double!(fetch_max),
        A::AmominD => |hart, o| amo_double(hart, o, |cell, value| signed_double(cell, value, i64::min)),
        A::AmomaxD => |hart, o| amo_double(hart, o, |cell, value| signed_double(cell, value, i64::max)),
    }
}

fn signed_word(cell: &AtomicU32, value: u32, pick: fn(i32, i32) -> i32) -> u32 {
    let update = |old: u32| Some(pick(old as i32, value as i32) as u32);
    cell.fetch_update(SeqCst, SeqCst, update).unwrap_or_else(|old| old)
}

fn signed_double(cell: &AtomicU64, value: u64, pick: fn(i64, i64) -> i64) -> u64 {
    let update = |old: u64| Some(pick(old as i64, value as i64) as u64);
    cell.fetch_update(SeqCst, SeqCst, update).unwrap_or_else(|old| old)
}

#[inline(always)]
fn amo_word(hart: &mut Hart, o: Operands, operation: impl Fn(&AtomicU32, u32) -> u32) -> Flow {
    match hart.atomic_pointer(hart.x(o.rs1()), 4, Access::Store) {
        Ok(host) => {
            // SAFETY: `atomic_pointer` returns aligned guest RAM.
            let cell = unsafe { &*host.cast::<AtomicU32>() };
            let old = operation(cell, hart.x(o.rs2()) as u32);
            hart.set_x(o.rd(), sext32(old));
            Flow::Next
        }
        Err(exception) => hart.raise(exception),
    }
}

#[inline(always)]
fn amo_double(hart: &mut Hart, o: Operands, operation: impl Fn(&AtomicU64, u64) -> u64) -> Flow {
    match hart.atomic_pointer(hart.x(o.rs1()), 8, Access::Store) {
        Ok(host) => {
            // SAFETY: `atomic_pointer` returns aligned guest RAM.
            let cell = unsafe { &*host.cast::<AtomicU64>() };
            let old = operation(cell, hart.x(o.rs2()));
            hart.set_x(o.rd(), old);
            Flow::Next
        }
        Err(exception) => hart.raise(exception),
    }
}

/// Loads atomically; `host` is aligned guest RAM of `len` bytes, 4 or 8.
fn load_atomic(host: *mut u8, len: u64) -> u64 {
    // SAFETY: the pointer comes from `atomic_pointer`.
    unsafe {
        match len {
            4 => u64::from((*host.cast::<AtomicU32>()).load(SeqCst)),
            _ => (*host.cast::<AtomicU64>()).load(SeqCst),
        }
    }
}

/// Stores `new` if the memory still holds `old`. Returns whether it did; `host` as for
/// [`load_atomic`].
fn store_if_unchanged(host: *mut u8, len: u64, old: u64, new: u64) -> bool {
    // SAFETY: the pointer comes from `atomic_pointer`.
    unsafe {
        match len {
            4 => {
                let cell = &*host.cast::<AtomicU32>();
                cell.compare_exchange(old as u32, new as u32, SeqCst, SeqCst).is_ok()
            }
            _ => (*host.cast::<AtomicU64>()).compare_exchange(old, new, SeqCst, SeqCst).is_ok(),
        }
    }
}

fn load_reserved(hart: &mut Hart, o: Operands, len: u64) -> Flow {
    match hart.atomic_pointer(hart.x(o.rs1()), len, Access::Load) {
        Ok(host) => {
            let value = load_atomic(host, len);
            hart.state.reservation = host.addr() as u64;
            hart.state.reserved_value = value;
            hart.set_x(o.rd(), if len == 4 { sext32(value as u32) } else { value });
            Flow::Next
        }
        Err(exception) => hart.raise(exception),
    }
}

/// `sc`: stores and sets `rd` to 0, or sets it to 1. Clears the reservation either way.
fn store_conditional(hart: &mut Hart, o: Operands, len: u64) -> Flow {
    match hart.atomic_pointer(hart.x(o.rs1()), len, Access::Store) {
        Ok(host) => {
            let reserved = std::mem::take(&mut hart.state.reservation) == host.addr() as u64;
            let old = hart.state.reserved_value;
            let stored = reserved && store_if_unchanged(host, len, old, hart.x(o.rs2()));
            if !stored {
                hart.counters().count_sc_failures(1);
            }
            hart.set_x(o.rd(), u64::from(!stored));
            Flow::Next
        }
        Err(exception) => hart.raise(exception),
    }
}
