//! Hotspots with an unfinished compilation.

use std::collections::HashMap;

use riscope_core::event::Tier;

/// Time after which the compilation of a hotspot is given up: the request was rejected, or
/// the event lost.
const LIMIT_NS: u64 = 10_000_000_000;
/// Time between two searches for such hotspots.
const SEARCH_NS: u64 = 1_000_000_000;
/// Maximum number of hotspots; far more than the compile queue holds.
const CAPACITY: usize = 8192;

/// Data of a detected hotspot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Detection {
    pub(super) pc: u64,
    /// Distinguishes blocks at equal virtual addresses of different processes; equal
    /// physical addresses can hold different code over time.
    pub(super) phys: u64,
    pub(super) to: Tier,
    pub(super) from: Tier,
    pub(super) vcpu: u32,
    pub(super) execution_count: u64,
    pub(super) detected_ns: u64,
}

/// Waiting hotspots.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    detections: HashMap<(u64, u64, Tier), Detection>,
    searched_ns: u64,
}

impl Waiting {
    /// Adds a hotspot; returns those that have waited too long.
    pub(super) fn add(&mut self, detection: Detection) -> Vec<Detection> {
        let now_ns = detection.detected_ns;
        let mut given_up = Vec::new();
        if now_ns.saturating_sub(self.searched_ns) >= SEARCH_NS {
            self.searched_ns = now_ns;
            let old = |_: &_, it: &mut Detection| now_ns.saturating_sub(it.detected_ns) > LIMIT_NS;
            given_up.extend(self.detections.extract_if(old).map(|(_, detection)| detection));
        }
        if self.detections.len() < CAPACITY {
            given_up.extend(self.detections.insert((detection.pc, detection.phys, detection.to), detection));
        } else {
            given_up.push(detection);
        }
        given_up
    }

    /// Takes the hotspot that a compilation of this block was for.
    pub(super) fn take(&mut self, pc: u64, phys: u64, tier: Tier) -> Option<Detection> {
        self.detections.remove(&(pc, phys, tier))
    }

    /// Takes all hotspots.
    pub(super) fn take_all(&mut self) -> Vec<Detection> {
        self.detections.drain().map(|(_, detection)| detection).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(phys: u64, detected_ns: u64) -> Detection {
        Detection {
            pc: 0x1000,
            phys,
            to: Tier::Baseline,
            from: Tier::Interpreter,
            vcpu: 0,
            execution_count: 32,
            detected_ns,
        }
    }

    #[test]
    fn one_that_is_detected_again_waits_anew() {
        let mut waiting = Waiting::default();
        assert_eq!(waiting.add(at(1, 5)), []);
        assert_eq!(waiting.add(at(1, 6)), [at(1, 5)]);
        assert_eq!(waiting.take(0x1000, 1, Tier::Interpreter), None);
        assert_eq!(
            (waiting.take(0x1000, 1, Tier::Baseline), waiting.take(0x1000, 1, Tier::Baseline)),
            (Some(at(1, 6)), None)
        );
    }

    #[test]
    fn none_waits_for_ever() {
        let mut waiting = Waiting::default();
        waiting.add(at(1, SEARCH_NS));
        assert_eq!(waiting.add(at(2, SEARCH_NS + LIMIT_NS)), []);
        assert_eq!(waiting.add(at(3, 3 * SEARCH_NS + LIMIT_NS)), [at(1, SEARCH_NS)]);
        assert_eq!(waiting.take_all().len(), 2);
    }

    #[test]
    fn no_more_wait_than_there_is_room_for() {
        let mut waiting = Waiting::default();
        let room = CAPACITY as u64;
        assert!((0..room).all(|phys| waiting.add(at(phys, 0)).is_empty()));
        assert_eq!(waiting.add(at(room, 0)), [at(room, 0)]);
    }
}
