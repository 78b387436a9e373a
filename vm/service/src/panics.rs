//! Panic handling: a panic is a bug in riscope, reported in one line; it ends the process
//! with status 70 unless its thread contains it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook};
use std::sync::atomic::{AtomicBool, Ordering};

use riscope_jit::COMPILER_THREAD;
use riscope_telemetry::PUMP_THREAD;
use riscope_telemetry::alert::ALERT_THREAD;

use crate::http::ANSWER_THREAD;
use crate::live::LIVE_THREAD;
use crate::message::say;

/// Names of threads that survive a panic: the compiler, which loses one translation; the
/// telemetry pump, which loses one event; the alert thread, which loses one evaluation; the metrics
/// thread, which loses one response; and that of the live view, which loses those who look.
const CONTAINED: [&str; 5] = [COMPILER_THREAD, PUMP_THREAD, ALERT_THREAD, ANSWER_THREAD, LIVE_THREAD];

/// Reports the first panic of the process in one line, with a backtrace if `RUST_BACKTRACE`
/// requests one; later ones are silent. Calls `end`, on the panicking thread, for each
/// panic that the process must not survive.
pub(crate) fn report(end: impl Fn() + Send + Sync + 'static) {
    report_by(|line| say(&line), end);
}

fn report_by(tell: impl Fn(&str) + Send + Sync + 'static, end: impl Fn() + Send + Sync + 'static) {
    let is_told = AtomicBool::new(false);
    set_hook(Box::new(move |info| {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("without a name");
        let is_contained = CONTAINED.contains(&name);
        if !is_told.swap(true, Ordering::Relaxed) {
            tell(&line(info, name));
            let trace = std::backtrace::Backtrace::capture();
            if trace.status() == std::backtrace::BacktraceStatus::Captured {
                tell(&trace.to_string());
            }
        }
        if !is_contained {
            end();
        }
    }));
}

/// Result of `work`; `None` if it panics, which has then been reported.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}

fn line(info: &PanicHookInfo<'_>, thread: &str) -> String {
    let place = info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let message = one_line(message(info.payload()));
    format!("internal error at {place} in thread {thread}: {message}; this is a bug, please report this line")
}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn a_panic_is_told_once_and_ends_the_process_unless_it_is_contained() {
        let (told, ends) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<AtomicUsize>::default());
        let (lines, count) = (Arc::clone(&told), Arc::clone(&ends));
        report_by(
            move |line| lines.lock().unwrap().push(line.to_owned()),
            move || {
                count.fetch_add(1, Ordering::Relaxed);
            },
        );
        let panic_in = |name: &str| {
            let thread = std::thread::Builder::new().name(name.to_owned());
            thread.spawn(|| panic!("two\nlines")).unwrap().join().unwrap_err();
            ends.load(Ordering::Relaxed)
        };
        let counts = [COMPILER_THREAD, ANSWER_THREAD, PUMP_THREAD, "hart0", "stdin"].map(panic_in);
        drop(std::panic::take_hook());
        assert_eq!(counts, [0, 0, 0, 1, 2]);
        let told = told.lock().unwrap();
        assert!(told[0].starts_with("internal error at vm/service/src/panics.rs:"), "{told:?}");
        assert!(told[0].contains("in thread jit: two lines; this is a bug"), "{told:?}");
        assert!(told.len() == 1 || std::env::var_os("RUST_BACKTRACE").is_some(), "{told:?}");
    }

    #[test]
    fn the_message_of_a_panic_is_one_line() {
        assert_eq!(one_line("assertion failed\n  left: 1\n right: 2"), "assertion failed left: 1 right: 2");
        assert_eq!(message(&"text"), "text");
        assert_eq!(message(&"text".to_owned()), "text");
        assert_eq!(message(&7), "no message");
    }
}
