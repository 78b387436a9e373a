//! Criterion benchmark of every task, contender, state and length, with the spread of each.
//! `make bench-simd` also runs `report`, which interleaves the contenders.

use std::time::Duration;

use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main, measurement};

mod common;

use common::arena::{Arena, Places, STATES};
use common::contender::{Contender, Task, Visitor};

/// Exponents of two, from 1 B to 256 MiB.
const LENGTHS: [u32; 11] = [0, 3, 6, 8, 10, 12, 15, 18, 22, 26, 28];

/// Passes each contender to criterion.
struct Bench<'group, 'criterion> {
    group: &'group mut BenchmarkGroup<'criterion, measurement::WallTime>,
    places: Places,
    len: usize,
}

impl Visitor for Bench<'_, '_> {
    fn visit(&mut self, name: &str, mut contender: impl Contender) {
        let (mut places, len) = (self.places, self.len);
        self.group.throughput(Throughput::Bytes(len as u64));
        self.group.bench_function(BenchmarkId::new(name, len), |bencher| {
            bencher.iter(|| {
                let (src, dst) = std::hint::black_box(places.next());
                // SAFETY: both sides of the arena are valid for the length, and apart.
                unsafe { contender.call(src, dst, std::hint::black_box(len)) };
            });
        });
    }
}

fn all(criterion: &mut Criterion) {
    let arena = Arena::new(1 << LENGTHS[LENGTHS.len() - 1]);
    for task in Task::ALL {
        for (alignment, temperature) in STATES {
            let name = format!("{}, {alignment:?}, {temperature:?}", task.name());
            let mut group = criterion.benchmark_group(name);
            for len in LENGTHS.map(|exponent| 1 << exponent).into_iter().filter(|len| *len >= task.shortest()) {
                let places = arena.places(len, alignment, temperature, 0);
                task.visit(&mut Bench { group: &mut group, places, len });
            }
            group.finish();
        }
    }
}

fn quick() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(20))
        .measurement_time(Duration::from_millis(100))
}

criterion_group!(name = benches; config = quick(); targets = all);
criterion_main!(benches);
