//! Perf map, as `tools/perf/Documentation/jit-interface.txt` of Linux describes it: lines
//! `START SIZE NAME`, the numbers in hexadecimal without prefix.

use std::fs::File;
use std::io::{self, Write};

/// An open perf map.
#[derive(Debug)]
pub(super) struct PerfMap(File);

impl PerfMap {
    pub(super) fn new(file: File) -> Self {
        Self(file)
    }

    /// Adds `size` bytes of code at `start`.
    pub(super) fn add(&mut self, start: *const u8, size: usize, name: &str) -> io::Result<()> {
        self.0.write_all(line(start.addr(), size, name).as_bytes())
    }
}

/// A name is what remains of its line, so it must not contain a line break.
fn line(start: usize, size: usize, name: &str) -> String {
    let name: String = name.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    format!("{start:x} {size:x} {name}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_what_perf_reads_whatever_the_guest_calls_its_symbols() {
        assert_eq!(line(0x7f00_0010, 0x40, "a b"), "7f000010 40 a b\n");
        assert_eq!(line(1, 2, "x\n0 ff y"), "1 2 x?0 ff y\n");
    }
}
