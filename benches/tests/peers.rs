//! `bench-peers` with shell scripts in place of riscope and QEMU, which print what guests do.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder with images, scripts and results, removed at the end.
struct Peers(PathBuf);

impl Peers {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("peers-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder for temporary files");
        for image in ["Image", "initrd.gz", "bench-disk.ext4"] {
            std::fs::write(path.join(image), "").expect("it can be written");
        }
        Self(path)
    }

    /// A peer that runs `script` when it shall run a machine.
    fn with(&self, name: &str, script: &str) -> &Self {
        let path = self.0.join(name);
        let text = format!("#!/bin/sh\n[ \"$1\" != --version ] || exec echo {name} 1.0\n{script}\n");
        std::fs::write(&path, text).expect("it can be written");
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&path, executable).expect("it can be made executable");
        self
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    fn compare(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bench-peers"));
        command.args(["--riscope", &self.path("riscope"), "--qemu", &self.path("qemu"), "--no-native"]);
        command.args(["--images", &self.path(""), "--output", &self.path("results")]);
        command.args(arguments).output().expect("it can be started")
    }

    fn json(&self) -> serde_json::Value {
        let text = std::fs::read_to_string(self.0.join("results/results.json")).expect("there are results");
        serde_json::from_str(&text).expect("they are JSON")
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a guest prints about a run of perl.
fn perl(microseconds: u32, result: &str) -> String {
    format!("echo peers-machine: sv48 1; echo peers-start: perl; echo peers: perl {microseconds} 0 {result}")
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_come_from_the_times_on_the_consoles() {
        let peers = Peers::new("ratio");
        peers.with("riscope", &perl(200, "same")).with("qemu", &perl(500, "same"));
        let output = peers.compare(&["--only", "real/perl", "--rounds", "2"]);
        assert!(output.status.success(), "{}", errors(&output));
        let document = peers.json();
        let riscope = &document["cases"][0]["subjects"]["riscope"];
        assert_eq!(riscope["seconds"], serde_json::json!([0.0002, 0.0002]));
        let ratio = riscope["ratio"]["median"].as_f64().expect("a number");
        assert!((ratio - 2.5).abs() < 1e-9, "{ratio}");
        assert_eq!(document["classes"][0]["reached"], true);
        assert!(String::from_utf8_lossy(&output.stdout).contains("real work (sv48, 2 rounds)"));
        assert!(Path::new(&peers.path("results/results.svg")).is_file());
    }

    #[test]
    fn two_builds_are_compared_with_qemu_and_with_each_other() {
        let peers = Peers::new("builds");
        peers.with("riscope", &perl(200, "same")).with("qemu", &perl(500, "same")).with("old", &perl(400, "same"));
        let old = format!("old={}", peers.path("old"));
        let output = peers.compare(&["--only", "real/perl", "--rounds", "1", "--riscope", &old]);
        assert!(output.status.success(), "{}", errors(&output));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("relative to qemu") && text.contains("relative to riscope"), "{text}");
        assert_eq!(peers.json()["classes"].as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn another_result_fails_the_comparison() {
        let peers = Peers::new("result");
        peers.with("riscope", &perl(200, "this")).with("qemu", &perl(500, "that"));
        let output = peers.compare(&["--only", "real/perl", "--rounds", "1"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(errors(&output).contains("real/perl on qemu, round 1: the result is that, but was this before"));
    }

    #[test]
    fn a_machine_that_hangs_is_ended_and_named_with_its_task() {
        let peers = Peers::new("hang");
        let hang = "echo peers-machine: sv48 1; echo peers-start: perl; exec sleep 1000000";
        peers.with("riscope", hang).with("qemu", &perl(500, "same"));
        let output = peers.compare(&["--only", "real/perl", "--rounds", "1", "--limit", "1"]);
        assert_eq!(output.status.code(), Some(1));
        let errors = errors(&output);
        assert!(
            errors.contains("real-languages on riscope: it did not end within 1 s (--limit) during perl"),
            "{errors}"
        );
    }

    #[test]
    fn a_machine_with_other_harts_or_page_tables_is_refused() {
        let peers = Peers::new("machine");
        peers.with("riscope", &perl(200, "same")).with("qemu", &perl(500, "same"));
        let output = peers.compare(&["--only", "real/perl", "--rounds", "1", "--mmu", "sv39"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(errors(&output).contains("the guest has Some((\"sv48\", 1)) instead of Some((\"sv39\", 1))"));
    }

    #[test]
    fn a_clock_that_runs_faster_than_the_hosts_is_noticed() {
        let peers = Peers::new("clock");
        peers.with("riscope", &perl(4_000_000_000, "same")).with("qemu", &perl(500, "same"));
        let output = peers.compare(&["--only", "real/perl", "--rounds", "1"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(errors(&output).contains("its clock counts 4000.0 s in "), "{}", errors(&output));
    }

    #[test]
    fn what_is_missing_is_named_with_the_remedy() {
        let peers = Peers::new("missing");
        peers.with("riscope", &perl(200, "same"));
        let errors_of = |arguments: &[&str]| errors(&peers.compare(arguments));
        assert!(errors_of(&["--only", "real/perl"]).contains("qemu: not found; `make tools` installs it"));
        assert!(errors_of(&["--only", "no such task"]).contains("no case matches --only"));
        peers.with("qemu", &perl(500, "same"));
        std::fs::remove_file(peers.0.join("bench-disk.ext4")).expect("it can be removed");
        assert!(
            errors_of(&["--only", "real/perl"]).contains("bench-disk.ext4: not found; `make bench-peers` builds it")
        );
    }
}
