//! Test with real Prometheus that answers the questions of someone on call, as METRICS.md lists
//! them, about two machines: one that works on its disks, of which one fails, until it is told to
//! end, and one that panics and resets itself again and again.

mod support;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use riscope_telemetry::metric::question::{self, QUESTIONS, Question};
use serde_json::Value;
use support::PATIENCE;
use support::guest::{exec, linux};
use support::process::{Process, riscope};
use support::prometheus::{LOOK, Prometheus, observed, restless};
use support::scratch::Scratch;

/// Bytes of each disk of the worker.
const DISK: u64 = 64 << 20;

/// Reads and writes one disk, reads beyond the end that the other one has lost, computes, prints;
/// ends with status 7 when a line is typed.
const WORK: &str = r#"
while true; do
  echo 3 >/proc/sys/vm/drop_caches
  dd if=/dev/zero of=/dev/vda bs=65536 count=16 conv=fsync 2>/dev/null
  dd if=/dev/vda of=/dev/null bs=65536 count=16 2>/dev/null
  dd if=/dev/vdb of=/dev/null bs=4096 skip=8192 count=1 2>/dev/null
  i=0; while [ $i -lt 2000 ]; do i=$((i + 1)); done
  echo worked
done &
read line
exit 7"#;

/// The machine that works, with its disks `data` and `flaky`.
fn worker(scratch: &Scratch) -> (Process, SocketAddr) {
    let disk = |name: &str| {
        let path = scratch.join(name);
        File::create(&path).and_then(|file| file.set_len(DISK)).expect("a disk");
        format!("{},name={name}", path.display())
    };
    let mut arguments = linux(&exec(WORK));
    let options = ["--disk", &disk("data"), "--disk", &disk("flaky"), "--memory", "256M", "--name", "worker"];
    arguments.extend(options.map(str::to_owned));
    arguments.extend(["--listen", "127.0.0.1:0", "--linger", "3600"].map(str::to_owned));
    let mut command = riscope(arguments);
    command.stdin(Stdio::piped());
    observed(command)
}

/// Series of an answer.
struct Answer(Vec<Value>);

impl Answer {
    /// Values of the series of `instance` with these labels.
    fn of(&self, instance: SocketAddr, labels: &[(&str, &str)]) -> Vec<f64> {
        let instance = instance.to_string();
        let has = |series: &&Value, label: &str, value: &str| series["metric"][label] == *value;
        let found = self.0.iter().filter(|series| has(series, "instance", &instance));
        let found = found.filter(|series| labels.iter().all(|(label, value)| has(series, label, value)));
        found.filter_map(|series| series["value"][1].as_str()?.parse().ok()).collect()
    }

    /// Whether `instance` has one series with these labels, and its value is as expected.
    fn has(&self, instance: SocketAddr, labels: &[(&str, &str)], is_good: impl Fn(f64) -> bool) -> bool {
        matches!(self.of(instance, labels)[..], [value] if is_good(value))
    }

    /// Values of a label of the series of `instance`.
    fn values(&self, instance: SocketAddr, label: &str) -> BTreeSet<String> {
        let instance = instance.to_string();
        let found = self.0.iter().filter(|series| series["metric"]["instance"] == *instance);
        found.filter_map(|series| series["metric"][label].as_str().map(str::to_owned)).collect()
    }
}

/// The machines and who asks.
struct Ward {
    prometheus: Prometheus,
    worker: SocketAddr,
    restless: SocketAddr,
    answered: BTreeSet<&'static str>,
}

impl Ward {
    /// Asks until the answer is good.
    fn ask(&mut self, question: Question, is_good: impl Fn(&Self, &Answer) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = Answer(self.prometheus.query(question.query));
            if is_good(self, &answer) {
                self.answered.insert(question.asked);
                return;
            }
            assert!(Instant::now() < deadline, "{}\n{}\n{:#?}", question.asked, question.query, answer.0);
            std::thread::sleep(LOOK);
        }
    }
}

/// Seconds since the Unix epoch.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later").as_secs_f64()
}

const fn is_some(value: f64) -> bool {
    value > 0.0
}

fn lifecycle(ward: &mut Ward) {
    ward.ask(question::CONDITION, |ward, answer| {
        answer.has(ward.worker, &[], |value| value == 1.0)
            && answer.values(ward.worker, "condition") == BTreeSet::from(["up".to_owned()])
            && answer.values(ward.restless, "condition") == BTreeSet::from(["looping".to_owned()])
    });
    ward.ask(question::UPTIME, |ward, answer| answer.has(ward.worker, &[], |age| age > 0.0 && age < 3600.0));
    ward.ask(question::RESETS, |ward, answer| {
        answer.has(ward.worker, &[], |number| number == 0.0) && answer.has(ward.restless, &[], |number| number > 1.0)
    });
    ward.ask(question::LAST_END, |ward, answer| {
        answer.of(ward.worker, &[]).is_empty() && answer.has(ward.restless, &[("reason", "guest_panic")], is_some)
    });
    ward.ask(question::LAST_END_TIME, |ward, answer| {
        answer.of(ward.worker, &[]).is_empty() && answer.has(ward.restless, &[], |time| (now() - time).abs() < 600.0)
    });
    ward.ask(question::CONFIGURATION, |ward, answer| {
        let is_set = |setting, value| answer.has(ward.worker, &[("setting", setting), ("value", value)], is_some);
        is_set("memory", "268435456") && is_set("harts", "1") && is_set("disks", "data,flaky")
    });
    ward.ask(question::CONSOLE, |ward, answer| {
        answer.has(ward.worker, &[("console", "serial"), ("peer", "pipe")], is_some)
            && answer.has(ward.restless, &[("console", "serial"), ("peer", "nobody")], is_some)
    });
    ward.ask(question::CONSOLE_OUTPUT, |ward, answer| {
        answer.has(ward.worker, &[], is_some) && answer.has(ward.restless, &[], |lines| lines == 0.0)
    });
}

fn devices(ward: &mut Ward) {
    let (read, write) = (("operation", "read"), ("operation", "write"));
    let (data, flaky) = (("disk", "data"), ("disk", "flaky"));
    ward.ask(question::DISK_OPERATIONS, |ward, answer| {
        answer.has(ward.worker, &[data, read], is_some)
            && answer.has(ward.worker, &[data, write], is_some)
            && answer.has(ward.worker, &[data, ("operation", "flush")], is_some)
            && answer.has(ward.worker, &[flaky, write], |rate| rate == 0.0)
    });
    ward.ask(question::DISK_BYTES, |ward, answer| {
        answer.has(ward.worker, &[data, write], |rate| rate > 512.0)
            && answer.has(ward.worker, &[data, read], |rate| rate > 512.0)
            && answer.has(ward.worker, &[data, ("operation", "flush")], |rate| rate == 0.0)
    });
    let is_latency = |seconds: f64| seconds > 0.0 && seconds < 60.0;
    ward.ask(question::DISK_LATENCY, |ward, answer| answer.has(ward.worker, &[data], is_latency));
    ward.ask(question::DISK_LATENCY_TAIL, |ward, answer| answer.has(ward.worker, &[read], is_latency));
    ward.ask(question::DISK_HANGS, |ward, answer| {
        answer.has(ward.worker, &[data], |age| age < 60.0) && answer.has(ward.restless, &[], |age| age == 0.0)
    });
    ward.ask(question::DISK_ERRORS, |ward, answer| {
        answer.has(ward.worker, &[flaky, read], is_some)
            && answer.values(ward.worker, "disk") == BTreeSet::from(["flaky".to_owned()])
            && answer.of(ward.restless, &[]).is_empty()
    });
    ward.ask(question::DISK_FAULTS, |ward, answer| {
        answer.has(ward.worker, &[("device_name", "flaky"), ("error_type", "file_shrunk")], is_some)
            && answer.of(ward.worker, &[]).len() == 1
    });
    ward.ask(question::QUEUES, |ward, answer| {
        answer.has(ward.worker, &[("device", "virtio-blk"), ("device_name", "data")], is_some)
            && answer.has(ward.restless, &[("device", "virtio-blk")], |rate| rate == 0.0)
    });
}

fn load(ward: &mut Ward) {
    ward.ask(question::HOST_CPU, |ward, answer| {
        answer.has(ward.worker, &[("thread_group", "hart")], |cpus| cpus > 0.0 && cpus < 2.0)
            && answer.has(ward.worker, &[("thread_group", "telemetry")], is_some)
            && answer.of(ward.worker, &[]).len() == 5
    });
    ward.ask(question::HART_CPU, |ward, answer| {
        answer.of(ward.worker, &[]).iter().sum::<f64>() > 0.0 && answer.of(ward.worker, &[]).iter().sum::<f64>() < 2.0
    });
    ward.ask(question::DELAY, |ward, answer| answer.has(ward.worker, &[("vcpu", "0")], |delay| delay >= 0.0));
    ward.ask(question::INSTRUCTIONS, |ward, answer| answer.has(ward.worker, &[], |rate| rate > 1e5));
    ward.ask(question::PRIVILEGE, |ward, answer| {
        answer.has(ward.worker, &[("mode", "user")], |rate| rate > 1e4)
            && answer.has(ward.worker, &[("mode", "supervisor")], |rate| rate > 1e4)
            && answer.has(ward.worker, &[("mode", "machine")], |rate| rate == 0.0)
            && answer.has(ward.restless, &[("mode", "machine")], |rate| rate > 1e4)
            && answer.has(ward.restless, &[("mode", "user")], |rate| rate == 0.0)
    });
    ward.ask(question::COMPILE_LOAD, |ward, answer| {
        answer.of(ward.worker, &[]).iter().sum::<f64>() > 0.0 && answer.of(ward.worker, &[]).iter().sum::<f64>() < 2.0
    });
    ward.ask(question::QUEUE_WAIT, |ward, answer| {
        let waits = answer.of(ward.worker, &[]);
        !waits.is_empty() && waits.iter().all(|wait| *wait >= 0.0)
    });
    ward.ask(question::CACHE_PRESSURE, |ward, answer| {
        answer.has(ward.worker, &[], |share| share > 0.0 && share <= 1.0)
    });
    ward.ask(question::CACHE_EVICTIONS, |ward, answer| answer.has(ward.worker, &[], |rate| rate >= 0.0));
    ward.ask(question::HOT_CODE, |ward, answer| {
        let sum = answer.of(ward.worker, &[]).iter().sum::<f64>();
        answer.has(ward.worker, &[("rank", "1")], is_some) && sum <= 1.0 + 1e-9
    });
    ward.ask(question::HOT_PAGES, |ward, answer| {
        // A program is at the bottom of its address space (Sv39 or Sv48), the kernel at the top.
        let is_code = |address: f64| address % 4096.0 == 0.0 && !(1e15..1.8e19).contains(&address);
        answer.has(ward.worker, &[("rank", "1")], is_code)
    });
    ward.ask(question::HOTSPOTS, |ward, answer| answer.of(ward.worker, &[]).iter().sum::<f64>() > 0.0);
}

fn cost(ward: &mut Ward) {
    // Between a tenth of a nanosecond and ten microseconds.
    let is_cost = |seconds: f64| seconds > 1e-10 && seconds < 1e-5;
    ward.ask(question::COST, |ward, answer| answer.has(ward.worker, &[], is_cost));
    ward.ask(question::CODE_COST, |ward, answer| answer.has(ward.worker, &[], is_cost));
    let mut counted = [false; 2];
    let sources = ["pmu", "rapl"];
    ward.ask(question::HOST_COUNTERS, |ward, answer| {
        sources.iter().all(|it| answer.has(ward.worker, &[("source", it)], |value| value == 0.0 || value == 1.0))
    });
    let answer = Answer(ward.prometheus.query(question::HOST_COUNTERS.query));
    for (counted, source) in counted.iter_mut().zip(sources) {
        *counted = answer.has(ward.worker, &[("source", source)], is_some);
    }
    let [pmu, rapl] = counted;
    // Where the host does not count there is no answer, rather than a 0.
    let is_answered = |answers: Vec<f64>, counts: bool, limit: f64| {
        if counts { answers.iter().any(|it| *it > 0.0 && *it < limit) } else { answers.is_empty() }
    };
    ward.ask(question::HOST_INSTRUCTIONS, |ward, answer| is_answered(answer.of(ward.worker, &[]), pmu, 1e4));
    ward.ask(question::HOST_IPC, |ward, answer| is_answered(answer.of(ward.worker, &[]), pmu, 16.0));
    ward.ask(question::HOST_BRANCH_MISSES, |ward, answer| is_answered(answer.of(ward.worker, &[]), pmu, 1.0));
    ward.ask(question::ENERGY, |ward, answer| is_answered(answer.of(ward.worker, &[]), rapl, 1e-3));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_of_someone_on_call_has_its_answer() {
        let scratch = Scratch::new();
        let (mut working, worker) = worker(&scratch);
        let (_restless, restless) = restless(&scratch, 512);
        let prometheus = Prometheus::start(&[worker, restless], "127.0.0.1:1".parse().expect("an address"));
        working.expect_stdout("worked");
        let flaky = File::options().write(true).open(scratch.join("flaky")).expect("it is there");
        flaky.set_len(1 << 20).expect("it can be truncated");
        let mut ward = Ward { prometheus, worker, restless, answered: BTreeSet::new() };
        lifecycle(&mut ward);
        devices(&mut ward);
        load(&mut ward);
        cost(&mut ward);

        let mut stdin = working.stdin().expect("it is a pipe");
        stdin.write_all(b"end\n").expect("riscope reads");
        ward.ask(question::SUCCESS, |ward, answer| {
            answer.has(ward.worker, &[], |status| status == 7.0) && answer.of(ward.restless, &[]).is_empty()
        });
        working.signal(rustix::process::Signal::TERM);
        working.finish().assert_code(7);
        let asked: BTreeSet<_> = QUESTIONS.iter().map(|question| question.asked).collect();
        assert_eq!(ward.answered, asked, "questions that this test does not ask");
    }
}
