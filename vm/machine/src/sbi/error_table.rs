//! Tests of the error tables of SBI 2.0: the result of each call for each kind of argument.
//!
//! A row corresponds to a line of the specification's table, or to an argument named there.
//! Calls that succeed are included next to those that fail.

use super::testing::{BASE, Guest, guest};
use super::tests::{DBCN, HSM, IPI, PMU, RFENCE, SRST, TIME};

const BASE_EXTENSION: u64 = 0x10;

const SUCCESS: i64 = 0;
const NOT_SUPPORTED: i64 = -2;
const INVALID_PARAM: i64 = -3;
const INVALID_ADDRESS: i64 = -5;
const ALREADY_AVAILABLE: i64 = -6;
const ALREADY_STARTED: i64 = -7;
const ALREADY_STOPPED: i64 = -8;
const NO_SHMEM: i64 = -9;

/// All bits of an `unsigned long`.
const ONES: u64 = u64::MAX;
/// End of the RAM of the guest under test.
const RAM_END: u64 = BASE + 0x1_0000;

/// Extension, function, arguments, error.
type Row = (u64, u64, &'static [u64], i64);

/// Failing calls return 0 in `a1`, and none of these rows ends the machine.
fn check(guest: &mut Guest, rows: &[Row]) {
    for &(extension, function, args, error) in rows {
        let (actual, value) = guest.call(extension, function, args);
        let row = format!("extension {extension:#x} function {function} {args:x?}");
        assert_eq!(actual, error, "{row}");
        assert!(error == SUCCESS || value == 0, "{row}: value {value:#x}");
        assert_eq!(guest.exit.get(), None, "{row}");
    }
}

/// Section 3: unknown extensions and functions.
#[test]
fn unknown_extensions_and_functions_are_not_supported() {
    check(
        &mut guest(2),
        &[
            // Reserved legacy numbers; experimental, vendor and firmware spaces.
            (0x9, 0, &[], NOT_SUPPORTED),
            (0xf, 0, &[], NOT_SUPPORTED),
            (0x0800_0000, 0, &[], NOT_SUPPORTED),
            (0x0900_0000, 0, &[], NOT_SUPPORTED),
            (0x0a00_0000, 0, &[], NOT_SUPPORTED),
            (ONES, 0, &[], NOT_SUPPORTED),
            // System suspend, CPPC, nested acceleration, steal time: not implemented.
            (0x5355_5350, 0, &[], NOT_SUPPORTED),
            (0x4350_5043, 0, &[], NOT_SUPPORTED),
            (0x4e41_434c, 0, &[], NOT_SUPPORTED),
            (0x53_5441, 0, &[], NOT_SUPPORTED),
            (BASE_EXTENSION, 7, &[], NOT_SUPPORTED),
            (BASE_EXTENSION, ONES, &[], NOT_SUPPORTED),
            (TIME, 1, &[100], NOT_SUPPORTED),
            (IPI, 1, &[1, 0], NOT_SUPPORTED),
            (RFENCE, 7, &[1, 0], NOT_SUPPORTED),
            (HSM, 4, &[], NOT_SUPPORTED),
            (SRST, 1, &[0, 0], NOT_SUPPORTED),
            (DBCN, 3, &[], NOT_SUPPORTED),
            // Shared memory for snapshots is optional (11.8); event information is part of
            // SBI 3.0.
            (PMU, 7, &[BASE, 0, 0], NOT_SUPPORTED),
            (PMU, 7, &[ONES, ONES, 0], NOT_SUPPORTED),
            (PMU, 8, &[BASE, 0, 1, 0], NOT_SUPPORTED),
        ],
    );
}

/// Section 3.1: nonexistent harts, for every call with a hart mask.
#[test]
fn masks_name_harts_that_exist() {
    for (extension, function) in [(IPI, 0), (RFENCE, 0), (RFENCE, 1), (RFENCE, 2)] {
        let mut guest = guest(2);
        for (mask, base, error) in [
            (0b01, 0, SUCCESS),
            (0, 0, SUCCESS),
            (0, 1, SUCCESS),
            (0b01, 1, SUCCESS),
            // -1 selects all harts and ignores the mask.
            (0, ONES, SUCCESS),
            (ONES, ONES, SUCCESS),
            (0b100, 0, INVALID_PARAM),
            (0b110, 0, INVALID_PARAM),
            (0b10, 1, INVALID_PARAM),
            (1 << 63, 0, INVALID_PARAM),
            (0b01, 2, INVALID_PARAM),
            // The base itself is invalid.
            (0, 2, INVALID_PARAM),
            (0, 77, INVALID_PARAM),
            (2, ONES - 1, INVALID_PARAM),
        ] {
            let (actual, _) = guest.call(extension, function, &[mask, base, 0, 0]);
            assert_eq!(actual, error, "extension {extension:#x} function {function}: {mask:#x} from {base:#x}");
        }
    }
}

/// Chapter 8. Every address range is valid: one that is not in the address space is all of it.
#[test]
fn remote_fences() {
    check(
        &mut guest(2),
        &[
            (RFENCE, 1, &[1, 0, 0, 0], SUCCESS),
            (RFENCE, 1, &[1, 0, 1, ONES], SUCCESS),
            (RFENCE, 1, &[1, 0, ONES, 4096], SUCCESS),
            (RFENCE, 2, &[1, 0, 0, ONES, ONES], SUCCESS),
            // No hypervisor extension.
            (RFENCE, 3, &[1, 0, 0, 0, 0], NOT_SUPPORTED),
            (RFENCE, 4, &[1, 0, 0, 0], NOT_SUPPORTED),
            (RFENCE, 5, &[1, 0, 0, 0, 0], NOT_SUPPORTED),
            (RFENCE, 6, &[1, 0, 0, 0], NOT_SUPPORTED),
        ],
    );
}

/// Chapter 9: start and status.
#[test]
fn hart_start_and_status() {
    check(
        &mut guest(2),
        &[
            (HSM, 0, &[1, RAM_END, 0], INVALID_ADDRESS),
            (HSM, 0, &[1, RAM_END - 1, 0], INVALID_ADDRESS),
            (HSM, 0, &[1, BASE + 1, 0], INVALID_ADDRESS),
            (HSM, 0, &[1, 0, 0], INVALID_ADDRESS),
            (HSM, 0, &[1, ONES - 1, 0], INVALID_ADDRESS),
            (HSM, 0, &[2, BASE, 0], INVALID_PARAM),
            (HSM, 0, &[ONES, BASE, 0], INVALID_PARAM),
            (HSM, 0, &[0, BASE, 0], ALREADY_AVAILABLE),
            (HSM, 0, &[1, RAM_END - 2, ONES], SUCCESS),
            // Start pending.
            (HSM, 0, &[1, BASE, 0], ALREADY_AVAILABLE),
            (HSM, 2, &[1], SUCCESS),
            (HSM, 2, &[2], INVALID_PARAM),
            (HSM, 2, &[1 << 32], INVALID_PARAM),
            (HSM, 2, &[ONES], INVALID_PARAM),
        ],
    );
}

/// Chapter 9, suspension: reserved and unimplemented platform-specific types are invalid
/// parameters.
#[test]
fn hart_suspend() {
    check(
        &mut guest(1),
        &[
            (HSM, 3, &[0, 0, 0], SUCCESS),
            // Retentive suspension does not use the address.
            (HSM, 3, &[0, ONES, 0], SUCCESS),
            // The type has 32 bits.
            (HSM, 3, &[1 << 32, 0, 0], SUCCESS),
            (HSM, 3, &[0x0000_0001, BASE, 0], INVALID_PARAM),
            (HSM, 3, &[0x0fff_ffff, BASE, 0], INVALID_PARAM),
            (HSM, 3, &[0x1000_0000, BASE, 0], INVALID_PARAM),
            (HSM, 3, &[0x7fff_ffff, BASE, 0], INVALID_PARAM),
            (HSM, 3, &[0x8000_0001, BASE, 0], INVALID_PARAM),
            (HSM, 3, &[0x8fff_ffff, BASE, 0], INVALID_PARAM),
            (HSM, 3, &[0x9000_0000, BASE, 0], INVALID_PARAM),
            (HSM, 3, &[0xffff_ffff, BASE, 0], INVALID_PARAM),
            (HSM, 3, &[0x8000_0000, BASE + 1, 0], INVALID_ADDRESS),
            (HSM, 3, &[0x8000_0000, RAM_END, 0], INVALID_ADDRESS),
            (HSM, 3, &[0x8000_0000, 0, 0], INVALID_ADDRESS),
        ],
    );
}

/// Chapter 10: reserved and unimplemented types and reasons are invalid parameters.
#[test]
fn system_reset() {
    check(
        &mut guest(1),
        &[
            (SRST, 0, &[0x0000_0003, 0], INVALID_PARAM),
            (SRST, 0, &[0xefff_ffff, 0], INVALID_PARAM),
            (SRST, 0, &[0xf000_0000, 0], INVALID_PARAM),
            (SRST, 0, &[0xffff_ffff, 1], INVALID_PARAM),
            (SRST, 0, &[0, 0x0000_0002], INVALID_PARAM),
            (SRST, 0, &[1, 0xdfff_ffff], INVALID_PARAM),
            (SRST, 0, &[2, 0xe000_0000], INVALID_PARAM),
            (SRST, 0, &[0, 0xefff_ffff], INVALID_PARAM),
            (SRST, 0, &[0, 0xf000_0000], INVALID_PARAM),
            (SRST, 0, &[0, 0xffff_ffff], INVALID_PARAM),
            (SRST, 0, &[0xf000_0000, 0xf000_0000], INVALID_PARAM),
        ],
    );
}

/// Chapter 12: reading or writing outside of RAM is an invalid parameter.
#[test]
fn debug_console() {
    for function in [0, 1] {
        let mut guest = guest(1);
        for (args, error) in [
            ([0, 0, 0], SUCCESS),
            ([1, RAM_END - 1, 0], SUCCESS),
            ([0x1_0000, BASE, 0], SUCCESS),
            ([0x1_0001, BASE, 0], INVALID_PARAM),
            ([1, RAM_END, 0], INVALID_PARAM),
            ([5, BASE - 1, 0], INVALID_PARAM),
            ([1, 0, 0], INVALID_PARAM),
            ([ONES, BASE, 0], INVALID_PARAM),
            ([2, ONES, 0], INVALID_PARAM),
            ([5, BASE, 1], INVALID_PARAM),
            ([0, BASE, ONES], INVALID_PARAM),
        ] {
            assert_eq!(guest.call(DBCN, function, &args).0, error, "function {function} {args:x?}");
        }
    }
    // Only the low byte of the register is used.
    check(&mut guest(1), &[(DBCN, 2, &[ONES], SUCCESS)]);
}

const SET_TIMER_EVENT: u64 = 0xf_0005;
const IPI_SENT_EVENT: u64 = 0xf_0006;

/// Chapter 11: information, configuration and reading.
#[test]
fn counters_are_found_configured_and_read() {
    check(
        &mut guest(1),
        &[
            (PMU, 0, &[], SUCCESS),
            (PMU, 1, &[7], SUCCESS),
            (PMU, 1, &[8], INVALID_PARAM),
            (PMU, 1, &[ONES], INVALID_PARAM),
            // A set that includes a nonexistent counter.
            (PMU, 2, &[0, 1 << 8, 0, SET_TIMER_EVENT], INVALID_PARAM),
            (PMU, 2, &[0, 0x1ff, 0, SET_TIMER_EVENT], INVALID_PARAM),
            (PMU, 2, &[8, 1, 0, SET_TIMER_EVENT], INVALID_PARAM),
            (PMU, 2, &[ONES, 0b10, 0, SET_TIMER_EVENT], INVALID_PARAM),
            // Matching is skipped, but the counter is not configured.
            (PMU, 2, &[0, 1, 1, SET_TIMER_EVENT], INVALID_PARAM),
            // Events that no counter supports: general, cache, raw, reserved and platform
            // events.
            (PMU, 2, &[0, 0xff, 0, 0x0_0001], NOT_SUPPORTED),
            (PMU, 2, &[0, 0xff, 0, 0x1_0000], NOT_SUPPORTED),
            (PMU, 2, &[0, 0xff, 0, 0x2_0000], NOT_SUPPORTED),
            (PMU, 2, &[0, 0xff, 0, 0xf_0000], NOT_SUPPORTED),
            (PMU, 2, &[0, 0xff, 0, 0xf_000e], NOT_SUPPORTED),
            (PMU, 2, &[0, 0xff, 0, 0xf_ffff], NOT_SUPPORTED),
            (PMU, 2, &[0, 0xff, 0, 0x1f_0005], NOT_SUPPORTED),
            (PMU, 2, &[0, 0, 0, SET_TIMER_EVENT], NOT_SUPPORTED),
            (PMU, 5, &[1], INVALID_PARAM),
            (PMU, 6, &[1], INVALID_PARAM),
            (PMU, 2, &[0, 0b10, 0, SET_TIMER_EVENT], SUCCESS),
            // The only counter of the set is in use.
            (PMU, 2, &[0, 0b10, 0, IPI_SENT_EVENT], NOT_SUPPORTED),
            (PMU, 5, &[1], SUCCESS),
            (PMU, 6, &[1], SUCCESS),
            (PMU, 5, &[8], INVALID_PARAM),
            (PMU, 6, &[ONES], INVALID_PARAM),
        ],
    );
}

/// Chapter 11: start and stop.
#[test]
fn counters_are_started_and_stopped() {
    let mut guest = guest(1);
    check(
        &mut guest,
        &[
            (PMU, 2, &[0, 0b01, 0, SET_TIMER_EVENT], SUCCESS),
            (PMU, 2, &[0, 0b10, 0, IPI_SENT_EVENT], SUCCESS),
            (PMU, 3, &[0, 1 << 60, 0, 0], INVALID_PARAM),
            (PMU, 3, &[ONES, 0b10, 0, 0], INVALID_PARAM),
            (PMU, 4, &[0, 1 << 8, 0], INVALID_PARAM),
            // No shared memory; nothing is started or stopped.
            (PMU, 3, &[0, 0b01, 2, 0], NO_SHMEM),
            (PMU, 3, &[0, 1 << 8, 2, 0], INVALID_PARAM),
            // Counter 2 is not configured; counter 0 is not started either.
            (PMU, 3, &[0, 0b101, 0, 0], INVALID_PARAM),
            (PMU, 4, &[0, 0b01, 0], ALREADY_STOPPED),
            (PMU, 3, &[0, 0b01, 0, 0], SUCCESS),
            (PMU, 4, &[0, 0b01, 2], NO_SHMEM),
            (PMU, 3, &[0, 0b01, 0, 0], ALREADY_STARTED),
            // The others of the set are started nevertheless.
            (PMU, 3, &[0, 0b11, 0, 0], ALREADY_STARTED),
            (PMU, 4, &[0, 0b10, 0], SUCCESS),
            (PMU, 4, &[0, 0b11, 0], ALREADY_STOPPED),
            (PMU, 4, &[0, 0b01, 0], ALREADY_STOPPED),
            // Already stopped, but released.
            (PMU, 4, &[0, 0b01, 1], ALREADY_STOPPED),
            (PMU, 5, &[0], INVALID_PARAM),
        ],
    );
}

/// Chapter 5: a single call-specific result, in `a0`.
#[test]
fn legacy_calls() {
    for (extension, args, value) in [
        (0, [77, 0], 0),
        (1, [u64::from(b'x'), 0], 0),
        // No input; no pending interrupt.
        (2, [0, 0], -1),
        (3, [0, 0], 0),
        // A mask at a virtual address; 0 selects all harts.
        (4, [BASE, 0], 0),
        (4, [0, 0], 0),
        // Fences do not read the mask.
        (5, [0xdead_beef, 0], 0),
        (6, [0xdead_beef, 0], 0),
        (7, [0xdead_beef, 0], 0),
    ] {
        let mut guest = guest(2);
        assert_eq!(guest.call(extension, 0x1234, &args).0, value, "extension {extension}");
    }
}
