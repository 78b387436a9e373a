//! Tests of `riscope top`: in a terminal of tmux at two sizes, its keys, and `--json`.

mod support;

use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use support::PATIENCE;
use support::http::address_in;
use support::process::{Process, riscope, run};

/// A demo on a port of its own.
fn demo() -> (Process, SocketAddr) {
    let process = Process::start(riscope(["demo", "--seconds", "2", "--name", "shown", "--listen", "127.0.0.1:0"]));
    let address = process.stderr.wait_for(PATIENCE, address_in).expect("an address");
    (process, address)
}

fn end(demo: Process) {
    demo.signal(Signal::INT);
    demo.finish().assert_code(130);
}

/// `riscope top` in a terminal of its own.
struct Screen {
    /// Name of the tmux server's socket.
    socket: String,
}

impl Screen {
    fn start(columns: u16, rows: u16, address: SocketAddr) -> Self {
        let screen = Self { socket: format!("riscope-{}-{columns}-{}", std::process::id(), address.port()) };
        let command = format!("{} top http://{address}/; echo ended with $?; cat", env!("CARGO_BIN_EXE_riscope"));
        let (columns, rows) = (columns.to_string(), rows.to_string());
        screen.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", &columns, "-y", &rows, &command]);
        screen
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("tmux");
        // The terminal is of this kind whatever the one of the tests is.
        command.args(["-L", &self.socket]).args(arguments).env("TERM", "screen-256color").env_remove("TMUX");
        let output = command.output().unwrap_or_else(|error| panic!("tmux: {error}; run deploy/test-tools/install"));
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn text(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    fn press(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    /// Waits until the screen is as wanted; returns it.
    fn wait_for(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = self.text();
            if is_so(&text) {
                return text;
            }
            assert!(Instant::now() < deadline, "no {what}:\n{text}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Its own server, which ends with all that runs in it.
        let _ = Command::new("tmux").args(["-L", &self.socket, "kill-server"]).output();
    }
}

/// Whether the screen has all of these.
fn has_all(text: &str, wanted: &[&str]) -> bool {
    wanted.iter().all(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_shows_live_data_at_80_by_24_and_at_200_by_60() {
        let (demo, address) = demo();
        let common =
            ["riscope", "shown", "running", "MIPS", "TIER", "interpreter", "baseline", "optimised", "CODE CACHE"];
        let panels = ["HOT BLOCK", "0x", "EVENTS", "hotspot_detected", "CONSOLE", "round", "quit"];
        for (columns, rows, more) in [
            (80, 24, &[][..]),
            (200, 60, &["HART", "CPU BY ACTIVITY", "EACH SECOND", "interrupts", "BLOCKS BY GUEST BYTES"][..]),
        ] {
            let screen = Screen::start(columns, rows, address);
            let text = screen.wait_for("figures", |text| {
                has_all(text, &common) && has_all(text, &panels) && has_all(text, more) && !text.contains(" 0 MIPS")
            });
            assert!(text.lines().count() <= usize::from(rows), "{text}");
            assert!(text.lines().all(|line| line.chars().count() <= usize::from(columns)), "{text}");
        }
        end(demo);
    }

    #[test]
    fn its_keys_pause_explain_and_quit() {
        let (demo, address) = demo();
        let screen = Screen::start(80, 24, address);
        screen.wait_for("figures", |text| text.contains("MIPS"));
        screen.press("?");
        screen.wait_for("help", |text| text.contains("pause, or go on"));
        screen.press("Escape");
        screen.wait_for("end of help", |text| !text.contains("pause, or go on"));
        screen.press("p");
        let paused = screen.wait_for("pause", |text| text.contains("PAUSED"));
        std::thread::sleep(Duration::from_millis(2500));
        assert_eq!(screen.text(), paused);
        screen.press("p");
        screen.wait_for("new figures", |text| !text.contains("PAUSED") && text != paused);
        screen.press("q");
        screen.wait_for("the end", |text| text.contains("ended with 0") && !text.contains("MIPS"));
        end(demo);
    }

    #[test]
    fn it_says_that_the_machine_has_gone_and_goes_on() {
        let (demo, address) = demo();
        let screen = Screen::start(80, 24, address);
        screen.wait_for("figures", |text| text.contains("MIPS"));
        end(demo);
        screen.wait_for("trouble", |text| text.contains("no connection") && text.contains("MIPS"));
        screen.press("q");
        screen.wait_for("the end", |text| text.contains("ended with 0"));
    }

    #[test]
    fn json_is_a_snapshot_a_line() {
        let (demo, address) = demo();
        let outcome = run(["top", "--json", "--count", "2", &format!("http://{address}")]);
        let outcome = outcome.assert_code(0);
        let snapshots: Vec<Value> =
            outcome.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let names: Vec<_> = snapshots.iter().map(|snapshot| snapshot["machines"][0]["name"].as_str()).collect();
        assert_eq!(names, [Some("shown"); 2], "{}", outcome.log());
        end(demo);
    }

    #[test]
    fn what_is_no_live_view_is_one_line() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let unused = listener.local_addr().expect("an address");
        drop(listener);
        for (arguments, code, wanted) in [
            (&["top", "--json", &format!("http://{unused}")][..], 70, "no live view at"),
            (&["top", "--json", "https://127.0.0.1"][..], 2, "https is not http"),
            (&["top", "--json", "nonsense"][..], 2, "is no URL of a riscope"),
            (&["top"][..], 2, "needs a terminal"),
        ] {
            let outcome = run(arguments);
            outcome.assert_code(code);
            let lines: Vec<&str> = outcome.stderr.lines().collect();
            assert!(lines.len() == 1 && lines[0].contains(wanted), "{arguments:?}: {}", outcome.log());
        }
    }
}
