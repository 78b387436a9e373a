//! Tests that the demo guest is built from its sources and expects correct results.
//!
//! `guest/demo.elf` is checked in so that building riscope needs no RISC-V tools. The first
//! test rebuilds it and compares every byte. The others recompute the numbers of
//! `guest/src/expected.inc` from the definition of each program, independently of the
//! guest.

use std::{fs, path::PathBuf, process::Command};

/// A file of the folder that holds the guest.
fn guest(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/guest")).join(path)
}

/// The value that `expected.inc` gives to `name`.
fn expected(name: &str) -> u64 {
    let text = fs::read_to_string(guest("src/expected.inc")).expect("expected.inc is readable");
    let value = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix(".equ ")?.split_once(','))
        .find_map(|(left, right)| (left.trim() == name).then(|| right.trim()))
        .unwrap_or_else(|| panic!("expected.inc defines {name}"));
    match value.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => value.parse(),
    }
    .unwrap_or_else(|error| panic!("{name} is {value}: {error}"))
}

/// The order-dependent checksum of the guest's `fold` macro.
fn fold(words: impl IntoIterator<Item = u64>) -> u64 {
    words.into_iter().fold(0, |checksum: u64, word| checksum.rotate_left(1) ^ word)
}

/// For each number below 65536 whether it is a prime: 1 or 0.
fn prime_flags() -> Vec<u8> {
    (0..65536_u32).map(|n| u8::from(n > 1 && (2..).take_while(|d| d * d <= n).all(|d| n % d != 0))).collect()
}

/// Moves bodies (position, velocity, mass) for `dt` under their attraction, in the order of operations of float.S.
fn move_bodies(bodies: &mut [[f64; 7]], dt: f64) {
    for i in 0..bodies.len() {
        for j in i + 1..bodies.len() {
            let d: [f64; 3] = std::array::from_fn(|axis| bodies[i][axis] - bodies[j][axis]);
            let square = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
            let pull = dt / (square * square.sqrt());
            let (by_j, by_i) = (bodies[j][6] * pull, bodies[i][6] * pull);
            for axis in 0..3 {
                bodies[i][3 + axis] -= d[axis] * by_j;
                bodies[j][3 + axis] += d[axis] * by_i;
            }
        }
    }
    for body in bodies {
        for axis in 0..3 {
            body[axis] += body[3 + axis] * dt;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sources_build_to_the_binary() {
        let built = std::env::temp_dir().join(format!("riscope-demo-guest-{}.elf", std::process::id()));
        let output = Command::new(guest("build")).arg(&built).output().expect("guest/build starts");
        let messages = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "guest/build needs Debian's binutils-riscv64-linux-gnu and said: {messages}");
        let bytes = fs::read(&built).expect("guest/build writes its output");
        fs::remove_file(&built).expect("the copy can be removed");
        let kept = fs::read(guest("demo.elf")).expect("demo.elf is checked in");
        assert!(bytes == kept, "guest/demo.elf is not what guest/src builds to: run vm/service/guest/build");
    }

    #[test]
    fn sieve_expects_the_primes_below_65536() {
        assert_eq!(expected("EXPECT_PRIMES"), prime_flags().iter().map(|&flag| u64::from(flag)).sum::<u64>());
    }

    #[test]
    fn crc_expects_the_ieee_polynomial_over_the_sieve() {
        let mut crc = u32::MAX;
        for byte in prime_flags() {
            crc ^= u32::from(byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
            }
        }
        assert_eq!(expected("EXPECT_CRC"), u64::from(!crc));
    }

    #[test]
    fn euclid_expects_the_pairs_without_a_common_divisor() {
        let coprime = |a: u32, b: u32| !(2..=a.min(b)).any(|d| a.is_multiple_of(d) && b.is_multiple_of(d));
        let pairs = (1..128).flat_map(|a| (1..128).map(move |b| (a, b)));
        assert_eq!(expected("EXPECT_COPRIME"), pairs.map(|(a, b)| u64::from(coprime(a, b))).sum::<u64>());
    }

    #[test]
    fn bodies_expect_the_paths_of_ieee_754() {
        let mut bodies = [
            [0.0, 0.0, 0.0, 0.0, -0.015625, 0.0, 39.5],
            [5.1875, 0.0, 0.125, 0.0, 2.75, 0.0625, 0.0390625],
            [0.0, 9.5625, -0.25, -2.03125, 0.0, 0.03125, 0.01171875],
            [-19.1875, 0.0, 0.5, 0.0, -1.4375, 0.0, 0.00146484375],
            [0.0, -30.0625, -0.75, 1.140625, 0.0, -0.015625, 0.001953125],
        ];
        for _ in 0..500 {
            move_bodies(&mut bodies, 1.0 / 128.0);
        }
        assert_eq!(expected("EXPECT_NBODY"), fold(bodies.iter().flatten().map(|value| value.to_bits())));
    }

    #[test]
    fn matrix_expects_the_square_of_the_hilbert_matrix() {
        let hilbert = |row: u32, column: u32| 1.0 / f64::from(row + column + 1);
        let places = (0..24).flat_map(|row| (0..24).map(move |column| (row, column)));
        let product = places.map(|(row, column)| {
            (0..24).fold(0.0_f64, |sum, i| hilbert(row, i).mul_add(hilbert(i, column), sum)).to_bits()
        });
        assert_eq!(expected("EXPECT_MATRIX"), fold(product));
    }

    #[test]
    fn mandelbrot_expects_the_iterations_of_single_precision() {
        let mut iterations = 0;
        for row in 0..48_u16 {
            for column in 0..64_u16 {
                let (re, im) = (f32::from(column) * 0.046875 - 2.0, f32::from(row) * 0.0625 - 1.5);
                let (mut x, mut y) = (0.0_f32, 0.0_f32);
                let mut left = 128;
                while left > 0 && x * x + y * y <= 4.0 {
                    (x, y) = (x * x - y * y + re, x * y + x * y + im);
                    left -= 1;
                    iterations += 1;
                }
            }
        }
        assert_eq!(expected("EXPECT_MANDELBROT"), iterations);
    }
}
