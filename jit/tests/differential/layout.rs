//! Memory layout of a test program.
//!
//! ```text
//!   RAM + 0x0_0000  firmware: set-up, trap handlers, dump routine   ┐
//!       + 0x0_2000  altered copies of two pages of the program        │ R-X for all modes
//!       + 0x0_4000  the program                       4 pages       ┘ where locked
//!       + 0x0_8000  data window                       4 pages
//!       + 0x0_c000  operands that change by iteration
//!       + 0x0_d000  save areas of the trap handlers
//!       + 0x0_e000  what the dump routine writes
//!       + 0x1_0000  page tables of two address spaces
//!       + 0x20_0000 more data, a superpage in address spaces
//! ```
//!
//! Address spaces map the same offsets at [`SUPERVISOR`] and, as user pages, at [`USER`],
//! so that the distance between code and data is the same everywhere and every instruction
//! works in every mode. In place of two pages of the program, the second space has copies of
//! them with other instructions of the same length, so that code of the wrong space has another
//! result.

/// Physical address of the RAM.
pub(crate) const RAM: u64 = 0x8000_0000;
/// Bytes of RAM.
pub(crate) const RAM_SIZE: u64 = 4 << 20;
/// Virtual address of the RAM for S-mode; canonical in every paging mode.
pub(crate) const SUPERVISOR: u64 = 0xffff_ffff_c000_0000;
/// Virtual address of the RAM for U-mode.
pub(crate) const USER: u64 = 0x4000_0000;
/// Address of the device, everywhere.
pub(crate) const DEVICE: u64 = 0x1000_0000;

/// Offsets in RAM.
pub(crate) const SETUP: u64 = 0;
pub(crate) const DUMP_ROUTINE: u64 = 0x800;
pub(crate) const MACHINE_HANDLER: u64 = 0x1000;
pub(crate) const SUPERVISOR_HANDLER: u64 = 0x1400;
pub(crate) const COPIES: u64 = 0x2000;
pub(crate) const CODE: u64 = 0x4000;
pub(crate) const DATA: u64 = 0x8000;
pub(crate) const OPERANDS: u64 = 0xc000;
/// Return addresses of recursion, 256 of them, which become operands.
pub(crate) const RETURN_ADDRESSES: u64 = OPERANDS + 0x800;
pub(crate) const MACHINE_SAVE: u64 = 0xd000;
pub(crate) const SUPERVISOR_SAVE: u64 = 0xd800;
pub(crate) const DUMP: u64 = 0xe000;
pub(crate) const FIRST_TABLES: u64 = 0x1_0000;
pub(crate) const SECOND_TABLES: u64 = 0x2_0000;
/// End of what address spaces map page by page.
pub(crate) const END: u64 = 0x3_0000;
/// Where the superpage is.
pub(crate) const SUPERPAGE: u64 = 0x20_0000;

pub(crate) const PAGE: u64 = 4096;
/// Bytes of code; a power of two, and `CODE` is a multiple of it.
pub(crate) const CODE_BYTES: u64 = 4 * PAGE;
pub(crate) const DATA_BYTES: u64 = 4 * PAGE;
/// Offsets in the code of the pages that have a copy, which are in this order.
pub(crate) const COPIED: [u64; 2] = [0, 2 * PAGE];
/// Entries of the operand table, eight bytes each.
pub(crate) const OPERAND_COUNT: u64 = 512;
