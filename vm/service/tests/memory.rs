//! Memory freed by the guest is returned to the host.

mod support;

use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use support::PATIENCE;
use support::guest::{exec, linux};
use support::process::{Process, riscope};

/// MiB that the guest allocates and frees.
const MEBIBYTES: u64 = 160;
const USED: u64 = MEBIBYTES << 20;

/// Fills and frees a file in memory, and waits for a line of input after each step.
fn script() -> String {
    let fill = format!("dd if=/dev/zero of=/dev/shm/file bs=1M count={MEBIBYTES} 2>/dev/null");
    format!("{fill}\necho 'filled it'; read -r line\nrm /dev/shm/file\necho 'freed it'; read -r line")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_the_guest_frees_goes_back_to_the_host() {
        let mut command = riscope(linux(&exec(&script())).into_iter().chain(["--balloon".to_owned()]));
        command.stdin(Stdio::piped());
        let mut process = Process::start(command);
        let mut keyboard = process.stdin().expect("it is a pipe");
        process.expect_stdout("filled it\r\n");
        let filled = process.resident_bytes();
        assert!(filled > USED, "{filled} bytes do not hold the guest's file");
        keyboard.write_all(b"\n").expect("the guest listens");
        process.expect_stdout("freed it\r\n");
        // Linux reports free pages two seconds after they have become free, and keeps some.
        let deadline = Instant::now() + PATIENCE;
        while process.resident_bytes() > filled - USED / 4 * 3 {
            assert!(Instant::now() < deadline, "the process has {} of {filled} bytes", process.resident_bytes());
            std::thread::sleep(Duration::from_millis(50));
        }
        keyboard.write_all(b"\n").expect("the guest listens");
        // Linux warns if it reports pages while it shuts down, so what it prints is not looked at.
        process.finish().assert_code(0);
    }
}
