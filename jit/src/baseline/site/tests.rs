//! Words that describe accesses which miss the TLB.

use super::*;

#[test]
fn a_miss_site_survives_packing() {
    for (n, distance) in (-4094..=4094).step_by(2).enumerate() {
        let uncounted = (n % MAX_INSTRUCTIONS).to_le_bytes()[0];
        for (bytes, store) in [(1, false), (2, true), (4, false), (8, true), (8, false), (1, true)] {
            let dirty = u16::try_from(n * 7 % (1 << HOSTS.len())).expect("as many bits as host registers");
            let demands = match bytes {
                8 => &[Demand::Nothing, Demand::Alignment, Demand::Block][..],
                4 => &[Demand::Nothing, Demand::Alignment],
                _ => &[Demand::Nothing],
            };
            for &demand in demands {
                let site = MissSite { distance, uncounted, bytes, store, demand, dirty };
                assert_eq!(MissSite::unpack(site.pack()), site);
            }
        }
    }
}

#[test]
fn each_register_has_its_bit_in_a_miss_site() {
    for dirty in (0..HOSTS.len()).map(|index| 1 << index) {
        let site = MissSite { distance: 0, uncounted: 0, bytes: 8, store: false, demand: Demand::Nothing, dirty };
        assert_eq!(MissSite::unpack(site.pack()).dirty, dirty);
    }
}

#[test]
fn a_store_asks_for_memory_that_can_be_written() {
    let site = |store| MissSite { distance: 0, uncounted: 0, bytes: 4, store, demand: Demand::Nothing, dirty: 0 };
    assert_eq!([false, true].map(|store| site(store).access()), [Access::Load, Access::Store]);
}
