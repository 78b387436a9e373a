//! Tables of results on stdout.
#![expect(clippy::print_stdout, reason = "tables are what this benchmark is for")]

use std::time::Duration;

use riscope_benches::interval;
use riscope_benches::promise::{Bound, is_kept};
use riscope_benches::spread::Spread;

use crate::run::{Outcome, Subject};
use crate::telemetry::Pair;
use crate::workload::Workload;

/// The outcomes of one round, as [`Subject::ALL`] names them.
pub(crate) type Round = [Outcome; Subject::ALL.len()];

/// Seconds that Debian's kernel may take from its entry to init, with the JIT.
const BOOT_SECONDS: u32 = 4;

const TIERED: usize = 1;
const QEMU: usize = 2;
const _: () = assert!(matches!(Subject::ALL, [_, Subject::Tiered, Subject::Qemu]));

/// Prints times, speeds, and the speed relative to QEMU.
pub(crate) fn comparison(workload: Workload, rounds: &[Round]) {
    println!("\n{}, {} rounds", workload.name(), rounds.len());
    println!("{:<12} {:>9} {:>19} {:>7} {:>8} {:>13}", "", "median", "min .. max", "MIPS", "x QEMU", "min .. max");
    for (n, subject) in Subject::ALL.into_iter().enumerate() {
        let seconds = Spread::of(rounds.iter().map(|round| seconds(round[n].time)));
        let ratio = Spread::of(rounds.iter().map(|round| seconds_of(round, QEMU) / seconds_of(round, n)));
        let speed = rounds.iter().filter_map(|round| Some(round[n].instructions? as f64 / seconds_of(round, n) / 1e6));
        let speed = Spread::of(speed);
        print!("{:<12} {:>7.3} s {:>8.3} .. {:.3} s ", subject.name(), seconds.median, seconds.min, seconds.max);
        print!("{:>7}", if speed.median.is_nan() { "-".to_owned() } else { format!("{:.0}", speed.median) });
        println!(" {:>8.2} {:>6.2} .. {:.2}", ratio.median, ratio.min, ratio.max);
    }
}

/// Whether the kernel boots on the JIT within the guaranteed time.
pub(crate) fn boot_is_fast(rounds: &[Round]) -> bool {
    let seconds = Spread::of(rounds.iter().map(|round| seconds_of(round, TIERED)));
    is_kept("kernel entry to init, tiered", seconds.median, Bound::AtMost(BOOT_SECONDS.into()), "s")
}

/// Reports the cost of telemetry and whether it is within the guarantee, by the upper end
/// of the 95 % confidence interval of the median ratio, so that a noisy measurement does
/// not pass.
pub(crate) fn overhead_is_small(pairs: &[Pair]) -> bool {
    let ratios: Vec<f64> = pairs.iter().map(|pair| pair.without / pair.with).collect();
    let spread = Spread::of(ratios.iter().copied());
    let (low, high) = interval::of_median(&ratios).unwrap_or((f64::NAN, f64::INFINITY));
    println!("\ntelemetry, {} pairs of seconds with and without, of one machine", pairs.len());
    println!("speed without / with: median {:.4}, 95 % interval of the median {low:.4} .. {high:.4}", spread.median);
    println!("single pairs {:.4} .. {:.4}", spread.min, spread.max);
    is_kept("guest's speed without telemetry over with, upper end of the interval", high, Bound::AtMost(1.01), "times")
}

fn seconds_of(round: &Round, subject: usize) -> f64 {
    seconds(round[subject].time)
}

/// Not less than the resolution of the guests' time stamps.
fn seconds(time: Duration) -> f64 {
    time.as_secs_f64().max(0.001)
}
