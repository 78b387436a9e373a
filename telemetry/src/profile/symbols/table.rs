//! Symbols of code by address.

use std::sync::Arc;

/// Bytes behind a symbol without a size and without a successor that it still names.
const LONGEST_UNSIZED: u64 = 64 << 10;

/// Function at the addresses from `start` to before `end`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Symbol {
    pub(super) start: u64,
    /// `start` if the size is not known.
    pub(super) end: u64,
    pub(super) name: Arc<str>,
}

/// Symbols, sorted by address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SymbolTable(Vec<Symbol>);

impl SymbolTable {
    /// A table of `symbols`. Of those at the same address, the longest stays; those without a size
    /// reach to the next one, if `symbols` are all that there are.
    pub(super) fn new(mut symbols: Vec<Symbol>, are_all: bool) -> Self {
        if !are_all {
            symbols.retain(|symbol| symbol.end > symbol.start);
        }
        symbols.sort_by(|a, b| (a.start, b.end, &a.name).cmp(&(b.start, a.end, &b.name)));
        symbols.dedup_by_key(|symbol| symbol.start);
        let next: Vec<u64> = symbols.iter().skip(1).map(|symbol| symbol.start).collect();
        for (index, symbol) in symbols.iter_mut().enumerate().filter(|(_, symbol)| symbol.end <= symbol.start) {
            let limit = symbol.start.saturating_add(LONGEST_UNSIZED);
            symbol.end = next.get(index).map_or(limit, |next| limit.min(*next));
        }
        Self(symbols)
    }

    /// Number of symbols.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Symbol that covers `address`.
    pub(super) fn at(&self, address: u64) -> Option<&Symbol> {
        let behind = self.0.partition_point(|symbol| symbol.start <= address);
        self.0.get(behind.checked_sub(1)?).filter(|symbol| address < symbol.end)
    }

    /// Address of the symbol with this name.
    pub(super) fn address_of(&self, name: &str) -> Option<u64> {
        self.0.iter().find(|symbol| &*symbol.name == name).map(|symbol| symbol.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbol(start: u64, size: u64, name: &str) -> Symbol {
        Symbol { start, end: start + size, name: name.into() }
    }

    fn name_of(table: &SymbolTable, address: u64) -> Option<&str> {
        table.at(address).map(|symbol| &*symbol.name)
    }

    #[test]
    fn code_has_the_name_of_the_symbol_that_covers_it() {
        let symbols = vec![symbol(0x20, 0x10, "b"), symbol(0x10, 0, "alias"), symbol(0x10, 0x8, "a")];
        let table = SymbolTable::new(symbols, true);
        let named = [0xf, 0x10, 0x17, 0x18, 0x2f, 0x30, u64::MAX].map(|address| name_of(&table, address));
        assert_eq!(named, [None, Some("a"), Some("a"), None, Some("b"), None, None]);
        assert_eq!((table.len(), table.address_of("b")), (2, Some(0x20)));
    }

    #[test]
    fn a_symbol_without_a_size_reaches_to_the_next_only_if_none_is_missing() {
        let symbols = vec![symbol(0x10, 0, "a"), symbol(0x20, 0, "b")];
        let all = SymbolTable::new(symbols.clone(), true);
        assert_eq!([name_of(&all, 0x1f), name_of(&all, 0x20 + LONGEST_UNSIZED)], [Some("a"), None]);
        assert_eq!(SymbolTable::new(symbols, false).len(), 0);
    }
}
