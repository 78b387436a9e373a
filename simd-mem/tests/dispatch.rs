//! Tests of the run-time selection, which is per process: each test needs a process of its
//! own, as under nextest. In a shared process they pass, but only one of them makes first
//! calls.

#[cfg(test)]
mod dispatch {
    use simd_mem::Implementation;

    #[test]
    fn the_first_call_selects_the_best_and_a_name_selects_any() {
        assert!(simd_mem::equal(b"first call", b"first call"));
        let best = Implementation::available().next().expect("at least scalar");
        assert_eq!(Implementation::selected().name(), best.name());

        for implementation in Implementation::available() {
            let named = Implementation::by_name(implementation.name()).expect("it is available");
            named.select();
            assert!(std::ptr::eq(Implementation::selected(), implementation));
            assert_eq!(simd_mem::first_difference(&[0; 200], &[1; 200]), Some(0));
        }
        assert!(Implementation::by_name("none").is_none());
        assert_eq!(Implementation::available().last().map(Implementation::name), Some("scalar"));
    }

    #[test]
    fn first_calls_at_the_same_time_all_work() {
        let begin = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let (src, mut dst) = ([7; 300], [0; 300]);
                    begin.wait();
                    simd_mem::copy(&src, &mut dst);
                    assert!(simd_mem::equal(&src, &dst));
                    assert!(Implementation::by_name(Implementation::selected().name()).is_some());
                });
            }
        });
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn what_the_cpu_has_is_available() {
        let names: Vec<_> = Implementation::available().map(Implementation::name).collect();
        let avx2 = std::arch::is_x86_feature_detected!("avx2");
        let avx512 = std::arch::is_x86_feature_detected!("avx512bw") && std::arch::is_x86_feature_detected!("avx512vl");
        let expected = [(avx512, "avx512"), (avx2, "avx2"), (true, "sse2"), (true, "scalar")];
        assert_eq!(names, expected.iter().filter(|row| row.0).map(|row| row.1).collect::<Vec<_>>());
    }

    #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
    #[test]
    fn what_the_cpu_has_is_available() {
        let names: Vec<_> = Implementation::available().map(Implementation::name).collect();
        let neon = std::arch::is_aarch64_feature_detected!("neon");
        assert_eq!(names, if neon { vec!["neon", "scalar"] } else { vec!["scalar"] });
    }
}
