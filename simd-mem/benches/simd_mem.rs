//! Every implementation against what the standard library does: two equal slices,
//! which have to be read to the end, and a slice of zeros.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use simd_mem::Implementation;

const PAGE_BYTES: usize = 4096;
const LENGTHS: [usize; 4] = [16, 64, 256, PAGE_BYTES];

/// Memory aligned as pages are.
#[repr(align(4096))]
struct Page([u8; PAGE_BYTES]);

fn equal(c: &mut Criterion) {
    let (a, b) = (Page([0x13; PAGE_BYTES]), Page([0x13; PAGE_BYTES]));
    let mut group = c.benchmark_group("equal");
    for len in LENGTHS {
        let pair = || (black_box(&a.0[..len]), black_box(&b.0[..len]));
        group.throughput(Throughput::Bytes(len as u64));
        group.bench_function(BenchmarkId::new("==", len), |bencher| {
            bencher.iter(|| {
                let (a, b) = pair();
                a == b
            });
        });
        group.bench_function(BenchmarkId::new("selected", len), |bencher| {
            bencher.iter(|| {
                let (a, b) = pair();
                simd_mem::equal(a, b)
            });
        });
        for implementation in Implementation::available() {
            group.bench_function(BenchmarkId::new(implementation.name(), len), |bencher| {
                bencher.iter(|| {
                    let (a, b) = pair();
                    implementation.equal(a, b)
                });
            });
        }
    }
    group.finish();
}

fn is_zero(c: &mut Criterion) {
    let page = Page([0; PAGE_BYTES]);
    let mut group = c.benchmark_group("is_zero");
    for len in LENGTHS {
        group.throughput(Throughput::Bytes(len as u64));
        group.bench_function(BenchmarkId::new("iterator", len), |bencher| {
            bencher.iter(|| black_box(&page.0[..len]).iter().all(|byte| *byte == 0));
        });
        for implementation in Implementation::available() {
            group.bench_function(BenchmarkId::new(implementation.name(), len), |bencher| {
                bencher.iter(|| implementation.is_zero(black_box(&page.0[..len])));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, equal, is_zero);
criterion_main!(benches);
