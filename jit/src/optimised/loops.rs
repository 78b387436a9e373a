//! Loops of a fragment whose registers are kept in SSA values: cycles of few blocks.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use riscope_core::addr::PageOffset;

use super::block::{Fragment, successors};

/// Bounds of a loop. Code size grows with its length times its registers.
const MAX_BLOCKS: usize = 6;
const MAX_INSTRUCTIONS: usize = 96;

/// Disjoint cycles of the fragment's blocks, by their first block: shortest first, so that of
/// nested loops the innermost is found.
pub(crate) fn find(fragment: &Fragment) -> BTreeMap<PageOffset, Vec<PageOffset>> {
    let mut cycles: Vec<_> = fragment.blocks.keys().filter_map(|&start| cycle(fragment, start)).collect();
    cycles.sort_by_key(|cycle| (cycle.len(), cycle[0]));
    let (mut found, mut taken) = (BTreeMap::new(), BTreeSet::new());
    for cycle in cycles {
        if cycle.iter().all(|start| !taken.contains(start)) {
            taken.extend(cycle.iter().copied());
            found.insert(cycle[0], cycle);
        }
    }
    found
}

/// A shortest cycle through the block at `start`, within the bounds.
fn cycle(fragment: &Fragment, start: PageOffset) -> Option<Vec<PageOffset>> {
    let mut before = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for next in successors(&fragment.blocks[&at]) {
            if next == start {
                return path(fragment, &before, start, at);
            }
            if fragment.blocks.contains_key(&next) && !before.contains_key(&next) {
                before.insert(next, at);
                queue.push_back(next);
            }
        }
    }
    None
}

fn path(
    fragment: &Fragment,
    before: &BTreeMap<PageOffset, PageOffset>,
    start: PageOffset,
    end: PageOffset,
) -> Option<Vec<PageOffset>> {
    let mut path = vec![end];
    let mut at = end;
    while at != start {
        at = before[&at];
        path.push(at);
    }
    path.reverse();
    let instructions: usize = path.iter().map(|start| fragment.blocks[start].instructions.len()).sum();
    (path.len() <= MAX_BLOCKS && instructions <= MAX_INSTRUCTIONS).then_some(path)
}
