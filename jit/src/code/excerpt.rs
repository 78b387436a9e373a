//! Copies of the parts of a page that translations were made from.

use std::ops::Range;

use riscope_core::addr::{PAGE_BYTES, PageOffset};
use riscope_core::interp::Executed;
use riscope_core::mem::access;

/// Bytes of one page.
pub(crate) type PageBytes = [u8; PAGE_BYTES];

/// Bytes of a piece.
const PIECE_BYTES: usize = 64;
/// Pieces of a page.
const PIECES: usize = PAGE_BYTES / PIECE_BYTES;
/// Halfwords of a piece.
const HALFWORDS: usize = PIECE_BYTES / 2;

/// The pieces of a page that have instructions which executed, and those behind them, where such
/// an instruction may end.
pub(super) fn pieces_of(executed: &Executed) -> u64 {
    let pieces = executed.pieces();
    pieces | pieces << 1
}

/// The pieces of these bits, the lowest first.
fn members(mut pieces: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let first = pieces.trailing_zeros() as usize;
        (pieces != 0).then(|| {
            pieces &= pieces - 1;
            first
        })
    })
}

/// Reads these pieces of the page at `host`. The others are zero where debug assertions are on,
/// and anything elsewhere.
///
/// # Safety
/// `host` must be the address of a whole, page-aligned page of guest RAM.
pub(super) unsafe fn read_pieces(host: *const u8, pieces: u64, page: &mut PageBytes) {
    if cfg!(debug_assertions) {
        page.fill(0);
    }
    let page: &mut [[u8; PIECE_BYTES]] = page.as_chunks_mut().0;
    for n in members(pieces) {
        // SAFETY: the piece is on the page that the caller promises, and aligned.
        unsafe { access::copy_out(host.wrapping_add(n * PIECE_BYTES), &mut page[n]) };
    }
}

/// Halfwords of a page that translations were made from. The others may change without
/// invalidating any: many programs keep data beside code.
#[derive(Clone, Debug, Default)]
pub(crate) struct Covered {
    halfwords: [u64; PAGE_BYTES / 2 / 64],
    /// The pieces that any of them is in.
    pieces: u64,
}

impl Covered {
    /// Halfwords of these byte ranges of the page.
    pub(crate) fn of(code: impl Iterator<Item = Range<PageOffset>>) -> Self {
        let mut covered = Self::default();
        for Range { start, end } in code {
            let (mut halfword, end) = (start.index() / 2, end.index() / 2);
            while halfword < end {
                let (word, bit) = (halfword / 64, halfword % 64);
                let count = (end - halfword).min(64 - bit);
                covered.halfwords[word] |= u64::MAX >> (64 - count) << bit;
                covered.pieces |= u64::from(bit < HALFWORDS) << (2 * word);
                covered.pieces |= u64::from(bit + count > HALFWORDS) << (2 * word + 1);
                halfword += count;
            }
        }
        covered
    }

    /// Whether two copies of the page have the same code.
    pub(super) fn is_same_in(&self, a: &PageBytes, b: &PageBytes) -> bool {
        let (a, b) = (a.as_chunks().0, b.as_chunks().0);
        self.pieces().all(|(n, bits)| are_same(bits, &a[n], &b[n]))
    }

    /// Bits of the halfwords of a piece.
    #[expect(clippy::cast_possible_truncation, reason = "half of a word is meant")]
    fn in_piece(&self, n: usize) -> u32 {
        (self.halfwords[n / 2] >> (n % 2 * HALFWORDS)) as u32
    }

    /// The pieces with covered halfwords, and the bits of these.
    fn pieces(&self) -> impl Iterator<Item = (usize, u32)> {
        members(self.pieces).map(|n| (n, self.in_piece(n)))
    }

    fn add(&mut self, other: &Self) {
        for (mine, other) in self.halfwords.iter_mut().zip(other.halfwords) {
            *mine |= other;
        }
        self.pieces |= other.pieces;
    }
}

/// Whether the halfwords with these bits are the same in both.
fn are_same(bits: u32, a: &[u8; PIECE_BYTES], b: &[u8; PIECE_BYTES]) -> bool {
    if a == b {
        return true;
    }
    let halfwords = a.as_chunks::<2>().0.iter().zip(b.as_chunks::<2>().0);
    halfwords.enumerate().all(|(n, (a, b))| a == b || bits >> n & 1 == 0)
}

/// What translations of a page were made from: copies of the pieces of it with covered halfwords.
#[derive(Debug)]
pub(super) struct Excerpt {
    covered: Covered,
    /// Index of the copy of each piece.
    index: [u8; PIECES],
    copies: Vec<[u8; PIECE_BYTES]>,
}

/// Index of a piece without a copy.
const NONE: u8 = u8::MAX;

impl Default for Excerpt {
    fn default() -> Self {
        Self { covered: Covered::default(), index: [NONE; PIECES], copies: Vec::new() }
    }
}

impl Excerpt {
    /// Bytes of the copies.
    pub(super) fn bytes(&self) -> usize {
        self.copies.len() * PIECE_BYTES
    }

    /// Whether a page is as it was copied, in the pieces with something that is covered there.
    pub(super) fn agrees(&self, covered: &Covered, page: &PageBytes) -> bool {
        let page = page.as_chunks().0;
        covered.pieces().all(|(n, _)| {
            let copy = self.copies.get(usize::from(self.index[n]));
            copy.is_none_or(|copy| are_same(self.covered.in_piece(n), copy, &page[n]))
        })
    }

    /// Adds what is covered of a page, with which it agrees.
    #[expect(clippy::cast_possible_truncation, reason = "a page has fewer pieces than the type has values")]
    pub(super) fn add(&mut self, covered: &Covered, page: &PageBytes) {
        let page = page.as_chunks().0;
        for (n, bits) in covered.pieces() {
            match self.copies.get_mut(usize::from(self.index[n])) {
                // What was covered before is the same there.
                Some(copy) if bits & !self.covered.in_piece(n) != 0 => *copy = page[n],
                Some(_) => {}
                None => {
                    self.index[n] = self.copies.len() as u8;
                    self.copies.reserve_exact(1);
                    self.copies.push(page[n]);
                }
            }
        }
        self.covered.add(covered);
    }

    /// Compares what is covered with the page at `host`: whether it is the same. If it is, the
    /// copies are current.
    ///
    /// # Safety
    /// `host` must be the address of a whole, page-aligned page of guest RAM.
    pub(super) unsafe fn renew(&mut self, host: *const u8) -> bool {
        let Self { covered, index, copies } = self;
        covered.pieces().all(|(n, bits)| {
            let Some(copy) = copies.get_mut(usize::from(index[n])) else { return false };
            let host = host.wrapping_add(n * PIECE_BYTES);
            // SAFETY: the piece is on the page that the caller promises.
            if unsafe { access::holds(host, copy) } {
                return true;
            }
            let mut now = [0; PIECE_BYTES];
            // SAFETY: as before, and aligned.
            unsafe { access::copy_out(host, &mut now) };
            let same = are_same(bits, &now, copy);
            if same {
                *copy = now;
            }
            same
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page of guest RAM.
    #[repr(align(4096))]
    struct Page(PageBytes);

    #[test]
    fn ranges_within_words_and_across_them_are_covered_and_nothing_else() {
        for (start, end) in [(0u64, 2i64), (126, 130), (0, 128), (4, 4094), (128, 4096), (8, 8)] {
            let covered = Covered::of([PageOffset::of(start)..PageOffset::of(0).moved(end).unwrap()].into_iter());
            for halfword in 0..PAGE_BYTES / 2 {
                let inside = (start..end.cast_unsigned()).contains(&(2 * halfword as u64));
                assert_eq!(
                    covered.halfwords[halfword / 64] >> (halfword % 64) & 1 != 0,
                    inside,
                    "{start}..{end}: {halfword}"
                );
            }
        }
    }

    #[test]
    fn all_that_executed_instructions_may_occupy_is_read() {
        let page = Page(std::array::from_fn(|n| n.to_le_bytes()[0] | 1));
        for (executed, read) in [(Executed::ALL, u64::MAX), (Executed::default(), 0)] {
            let mut copy = [0xaa; PAGE_BYTES];
            let pieces = pieces_of(&executed);
            assert_eq!(pieces, read);
            // SAFETY: it is a whole page.
            unsafe { read_pieces(page.0.as_ptr(), pieces, &mut copy) };
            assert_eq!(copy == page.0, read != 0);
        }
        for pieces in [1, 0b110, 1 << 63, 1 << 63 | 1 << 31] {
            let mut copy = [0; PAGE_BYTES];
            // SAFETY: it is a whole page.
            unsafe { read_pieces(page.0.as_ptr(), pieces, &mut copy) };
            for (at, (copy, byte)) in copy.iter().zip(&page.0).enumerate() {
                assert_eq!(copy == byte, pieces >> (at / PIECE_BYTES) & 1 != 0, "byte {at}, pieces {pieces:b}");
            }
        }
    }
}
