//! Page tables of the two address spaces of a program.

use std::collections::BTreeMap;

use super::layout::{
    CODE, CODE_BYTES, COPIED, COPIES, DATA, DATA_BYTES, DEVICE, END, FIRST_TABLES, PAGE, RAM, SECOND_TABLES, SUPERPAGE,
    SUPERVISOR, USER,
};
use crate::common::random::Random;

const VALID: u64 = 1;
const READ: u64 = 2;
const WRITE: u64 = 4;
const EXECUTE: u64 = 8;
const USER_PAGE: u64 = 16;
const GLOBAL: u64 = 32;
const ACCESSED_DIRTY: u64 = 64 | 128;

/// One of the two spaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Space {
    First,
    Second,
}

/// What the two spaces of a program have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    /// Levels of the page tables: 3 for Sv39, 4 for Sv48, 5 for Sv57.
    pub(crate) levels: u32,
    /// ASID of each, below 2048.
    pub(crate) asids: [u64; 2],
    /// Whether what they map alike is global.
    pub(crate) global: bool,
}

/// Page tables under construction.
#[derive(Debug)]
pub(crate) struct Tables {
    /// See [`Format`].
    levels: u32,
    asid: u64,
    /// Entries by physical address.
    entries: BTreeMap<u64, u64>,
    root: u64,
    next_table: u64,
}

impl Tables {
    /// An address space in which data pages have random places and permissions.
    pub(crate) fn random(space: Space, format: Format, writable_code: bool, random: &mut Random) -> Self {
        let root = match space {
            Space::First => RAM + FIRST_TABLES,
            Space::Second => RAM + SECOND_TABLES,
        };
        let Format { levels, asids, global } = format;
        let asid = asids[space as usize];
        let mut tables = Self { levels, asid, entries: BTreeMap::new(), root, next_table: root + PAGE };
        let code_write = if writable_code { WRITE } else { 0 };
        for offset in (0..END).step_by(PAGE as usize) {
            let code = (CODE..CODE + CODE_BYTES).contains(&offset);
            let data = (DATA..DATA + DATA_BYTES).contains(&offset);
            let copy = COPIED.iter().position(|copied| CODE + copied == offset);
            let target = match copy {
                _ if data && random.chance(30) => RAM + DATA + u64::from(random.below(4)) * PAGE,
                Some(copy) if space == Space::Second && !writable_code => RAM + COPIES + copy as u64 * PAGE,
                _ => RAM + offset,
            };
            let permissions = |random: &mut Random| match (code, data) {
                (true, _) => READ | EXECUTE | code_write | ACCESSED_DIRTY,
                (_, true) => random_permissions(random),
                // The same in both spaces.
                _ => READ | WRITE | EXECUTE | ACCESSED_DIRTY | if global { GLOBAL } else { 0 },
            };
            tables.map(SUPERVISOR + offset, target, 0, permissions(random));
            if (CODE..DATA + DATA_BYTES + PAGE).contains(&offset) {
                tables.map(USER + offset, target, 0, USER_PAGE | permissions(random) & !GLOBAL);
            }
        }
        tables.map(SUPERVISOR + SUPERPAGE, RAM + SUPERPAGE, 1, READ | WRITE | ACCESSED_DIRTY);
        tables.map(USER + SUPERPAGE, RAM + SUPERPAGE, 1, USER_PAGE | READ | WRITE | ACCESSED_DIRTY);
        tables.map(DEVICE, DEVICE, 0, USER_PAGE | READ | WRITE | ACCESSED_DIRTY);
        tables
    }

    /// Value of `satp` for this space.
    pub(crate) fn satp(&self) -> u64 {
        (u64::from(self.levels + 5) << 60) | self.asid << 44 | (self.root / PAGE)
    }

    /// The ASID in it.
    pub(crate) fn asid(&self) -> u64 {
        self.asid
    }

    /// Entries by physical address.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (u64, u64)> {
        self.entries.iter().map(|(&at, &entry)| (at, entry))
    }

    /// Physical address of the entry that maps the page of `va`.
    pub(crate) fn leaf(&self, va: u64) -> u64 {
        let mut table = self.root;
        for level in (1..self.levels).rev() {
            table = self.entries.get(&slot(table, va, level)).map_or(0, |entry| entry >> 10 << 12);
        }
        slot(table, va, 0)
    }

    fn map(&mut self, va: u64, target: u64, level: u32, flags: u64) {
        let mut table = self.root;
        for above in (level + 1..self.levels).rev() {
            let at = slot(table, va, above);
            let next = self.next_table;
            let entry = *self.entries.entry(at).or_insert(next >> 12 << 10 | VALID);
            table = entry >> 10 << 12;
            if table == next {
                self.next_table += PAGE;
            }
        }
        self.entries.insert(slot(table, va, level), target >> 12 << 10 | flags | VALID);
    }
}

/// Physical address of the entry for `va` in `table`.
fn slot(table: u64, va: u64, level: u32) -> u64 {
    table + (va >> (12 + 9 * level) & 511) * 8
}

/// Usually all; sometimes one is missing, so that accesses fault.
fn random_permissions(random: &mut Random) -> u64 {
    random.weighted(&[
        (75, READ | WRITE | ACCESSED_DIRTY),
        (5, READ | ACCESSED_DIRTY),
        (5, EXECUTE | ACCESSED_DIRTY),
        (5, READ | WRITE),
        (5, READ | WRITE | 64),
        (3, ACCESSED_DIRTY),
        (2, 0),
    ])
}
