//! CPU time of a thread, readable by the other threads of its process.

use std::mem::MaybeUninit;

/// CPU-time clock of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadCpuClock(libc::clockid_t);

impl ThreadCpuClock {
    /// The clock of the calling thread; `None` if the host has none.
    pub fn of_this_thread() -> Option<Self> {
        let mut clock = 0;
        // SAFETY: the calling thread exists, and the result goes to a local variable.
        let result = unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &raw mut clock) };
        (result == 0 && clock != 0).then_some(Self(clock))
    }

    /// CPU time of the thread in nanoseconds; `None` if the thread has ended.
    pub fn read(self) -> Option<u64> {
        let mut time = MaybeUninit::<libc::timespec>::uninit();
        // SAFETY: the kernel checks the clock, and writes the time if it knows it.
        let result = unsafe { libc::clock_gettime(self.0, time.as_mut_ptr()) };
        // SAFETY: the call has written it.
        let time = (result == 0).then(|| unsafe { time.assume_init() })?;
        let seconds = u64::try_from(time.tv_sec).ok()?;
        Some(seconds.wrapping_mul(1_000_000_000).wrapping_add(u64::try_from(time.tv_nsec).ok()?))
    }

    /// Nanoseconds for which the thread wanted a CPU and had none (`schedstat`); `None` if it has
    /// ended, or the host does not count them.
    pub fn run_delay(self) -> Option<u64> {
        let text = std::fs::read_to_string(format!("/proc/self/task/{}/schedstat", self.thread())).ok()?;
        text.split_ascii_whitespace().nth(1)?.parse().ok()
    }

    /// The kernel's number of the thread (`gettid(2)`).
    pub fn thread(self) -> i32 {
        // Linux numbers the clock by the complement of the thread's number, above three bits.
        !(self.0 >> 3)
    }

    /// Number of the clock, not 0.
    pub(crate) fn number(self) -> i32 {
        self.0
    }

    /// The clock with this number, unless it is 0.
    pub(crate) fn from_number(number: i32) -> Option<Self> {
        (number != 0).then_some(Self(number))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn another_thread_sees_the_time_that_a_thread_has_used_until_it_ends() {
        let (clocks, received) = mpsc::channel();
        let (finish, finished) = mpsc::channel::<()>();
        let thread = std::thread::Builder::new().name("worker".into()).spawn(move || {
            clocks.send(ThreadCpuClock::of_this_thread()).expect("the test listens");
            while finished.try_recv() == Err(mpsc::TryRecvError::Empty) {}
        });
        let clock = received.recv().expect("it is sent").expect("Linux has such clocks");
        assert_eq!(ThreadCpuClock::from_number(clock.number()), Some(clock));
        let first = clock.read().expect("the thread runs");
        assert!(clock.run_delay().is_some(), "the host of the tests counts delays");
        while clock.read().expect("the thread runs") < first + 1_000_000 {}
        drop(finish);
        thread.expect("a thread").join().expect("it ends");
        // The host ends the thread a little later than it says so.
        while clock.read().is_some() {
            std::thread::yield_now();
        }
    }
}
