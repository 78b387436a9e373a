//! Host that the figures were measured on.

use std::fmt::Write;
use std::fs;
use std::process::Command;

/// A field of the first processor, as the kernel names it.
fn field(name: &str) -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = cpu.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == name));
    line.and_then(|line| line.split_once(':')).map_or("unknown", |(_, value)| value.trim()).to_owned()
}

/// A name for directories: vendor, family and model.
pub(crate) fn name() -> String {
    format!("{}-family-{}-model-{}", field("vendor_id").to_lowercase(), field("cpu family"), field("model"))
}

/// A few lines of Markdown: CPU, caches, C library.
pub(crate) fn describe() -> String {
    let mut text = String::new();
    for (what, key) in [("CPU", "model name"), ("family", "cpu family"), ("model", "model")] {
        _ = writeln!(text, "- {what}: {}", field(key));
    }
    let features = field("flags");
    let notable = ["sse2", "avx2", "avx512f", "avx512bw", "avx512vl", "erms", "fsrm"];
    let has = |name: &&str| features.split(' ').any(|feature| feature == *name);
    _ = writeln!(text, "- features: {}", notable.into_iter().filter(has).collect::<Vec<_>>().join(", "));
    _ = writeln!(text, "- processors: {}", std::thread::available_parallelism().map_or(1, usize::from));
    for index in 0..8 {
        let part = |name: &str| {
            let path = format!("/sys/devices/system/cpu/cpu0/cache/index{index}/{name}");
            fs::read_to_string(path).map(|value| value.trim().to_owned())
        };
        if let (Ok(level), Ok(kind), Ok(size)) = (part("level"), part("type"), part("size")) {
            _ = writeln!(text, "- cache: L{level}, {}, {size}", kind.to_lowercase());
        }
    }
    if let Ok(output) = Command::new("ldd").arg("--version").output() {
        let version = String::from_utf8_lossy(&output.stdout);
        _ = writeln!(text, "- C library: {}", version.lines().next().unwrap_or("unknown"));
    }
    text
}
