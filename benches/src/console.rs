//! Times in the console output of a kernel.

use std::time::Duration;

/// Time stamp of the line that contains `text`, as in `[    1.234567] text`.
pub fn stamp(console: &str, text: &str) -> Option<Duration> {
    let line = console.lines().find(|line| line.contains(text))?;
    let seconds = line.trim().strip_prefix('[')?.split_once(']')?.0.trim();
    seconds.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_that_of_the_line() {
        let console = "[    0.000000] Linux\r\n[    1.250000] Run /init as init process\r\nriscope: init started\r\n";
        assert_eq!(stamp(console, "Run /init"), Some(Duration::from_millis(1250)));
        assert_eq!(stamp(console, "riscope"), None, "a line without a stamp");
        assert_eq!(stamp(console, "Windows"), None);
        assert_eq!(stamp("[ -1.0] Run /init", "Run /init"), None);
    }
}
