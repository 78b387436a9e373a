//! Data of accesses that miss the TLB.

use super::*;

#[test]
fn a_miss_site_survives_its_bytes() {
    for (n, distance) in (-4094..=4094).step_by(2).enumerate() {
        let uncounted = (n % 64).to_le_bytes()[0];
        for (bytes, store) in [(1, false), (2, true), (4, false), (8, true), (8, false), (1, true)] {
            let dirty = u16::try_from(n * 7 % (1 << HOSTS.len())).expect("as many bits as host registers");
            let site = MissSite { distance, uncounted, bytes, store, dirty };
            let behind_call = n * 15;
            assert_eq!(MissSite::from_bytes(site.bytes(behind_call)), (site, behind_call));
        }
    }
}

#[test]
fn each_register_has_its_bit_in_a_miss_site() {
    for dirty in (0..HOSTS.len()).map(|index| 1 << index) {
        let site = MissSite { distance: 0, uncounted: 0, bytes: 8, store: false, dirty };
        assert_eq!(MissSite::from_bytes(site.bytes(0)).0.dirty, dirty);
    }
}

#[test]
fn a_store_asks_for_memory_that_can_be_written() {
    let site = |store| MissSite { distance: 0, uncounted: 0, bytes: 4, store, dirty: 0 };
    assert_eq!([false, true].map(|store| site(store).access()), [Access::Load, Access::Store]);
}

/// The jump back is in front of the data that the thunk reads.
#[test]
fn the_data_of_a_miss_site_is_behind_one_jump() {
    let mut asm = super::super::assembler::Assembler::default();
    let label = asm.label();
    asm.bind(label);
    asm.jump(label);
    assert_eq!(asm.len(), JUMP_BYTES);
}
