//! End-to-end tests on a terminal: commands, interruption, and restoration of the terminal.

mod support;

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, open};
use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Termios, Winsize, tcgetattr, tcsetwinsize};
use support::PATIENCE;
use support::assembly::assemble;
use support::guest::{assert_no_complaint, copy_of, disk, initrd_with_script, linux, linux_with};
use support::output::Output;
use support::process::{Process, riscope};
use support::scratch::Scratch;

/// Ctrl-A, riscope's escape key, and Ctrl-C, which the guest gets.
const CONTROL_A: &str = "\x01";
const CONTROL_C: &str = "\x03";

/// Pseudo-terminal: the user's end, the screen contents, and the end of programs.
struct Terminal {
    keyboard: File,
    screen: Output,
    device: OwnedFd,
    /// Number of size queries answered.
    answered: usize,
}

impl Terminal {
    /// A terminal whose screen is read.
    fn open() -> Self {
        let mut terminal = Self::open_unread();
        terminal.screen = Output::of(terminal.keyboard.try_clone().expect("another descriptor"));
        terminal
    }

    /// A terminal whose screen is not read, so that it accepts only what fits its buffer.
    fn open_unread() -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a new terminal");
        grantpt(&keyboard).and_then(|()| unlockpt(&keyboard)).expect("it may be used");
        let name = ptsname(&keyboard, Vec::new()).expect("it has a name");
        let device = open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("its other end");
        Self { keyboard: File::from(keyboard), screen: Output::of(std::io::empty()), device, answered: 0 }
    }

    fn settings(&self) -> Termios {
        tcgetattr(&self.device).expect("a terminal has settings")
    }

    /// Resizes the terminal, like a user who resizes its window.
    fn resize(&self, rows: u16, columns: u16) {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&self.keyboard, size).expect("a terminal has a size");
    }

    /// Starts `riscope` with stdin and stdout on the terminal.
    fn start(&self, arguments: &[String]) -> Process {
        let mut command = riscope(arguments);
        command.stdin(self.device.try_clone().expect("another descriptor"));
        Process::start_on(command, self.device.try_clone().expect("another descriptor"))
    }

    /// Waits until the terminal enters or leaves raw mode.
    fn expect_raw(&self, raw: bool) {
        let since = Instant::now();
        while self.settings().local_modes.contains(LocalModes::ICANON) == raw {
            assert!(
                since.elapsed() < PATIENCE,
                "the terminal does not become {}",
                if raw { "raw" } else { "as it was" }
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    /// Waits for another query of the size (CSI 18 t), and answers it.
    fn answer(&mut self, rows: u16, columns: u16) {
        let answered = self.answered;
        let asked = |screen: &str| (screen.matches("\x1b[18t").count() > answered).then_some(());
        let seen = self.screen.wait_for(PATIENCE, asked);
        assert!(seen.is_some(), "nobody asks for the size:\n{}", self.screen.text());
        self.press(&format!("\x1b[8;{rows};{columns}t"));
        self.answered += 1;
    }

    /// Waits until the screen contains `text`; keeps its contents.
    fn expect(&self, text: &str) {
        let seen = self.screen.wait_for(PATIENCE, |screen| screen.contains(text).then_some(()));
        assert!(seen.is_some(), "{text:?} does not appear on the screen:\n{}", self.screen.text());
    }
}

/// A program that does nothing for ever, and one that prints for ever.
const SILENT: &str = ".globl _start\n_start: j _start\n";
const TALKING: &str = ".globl _start\n_start: li t0, 0x10000000\nli t1, 'x'\nnext: sb t1, 0(t0)\nj next\n";
/// Time limit for the end of a process on an unread terminal. Two seconds are guaranteed.
const END: Duration = Duration::from_secs(30);

/// Arguments that run a program.
fn run(scratch: &Scratch, source: &str) -> [String; 3] {
    let program = assemble(scratch, "program", source);
    ["run", "--bios", program.to_str().expect("the path is UTF-8")].map(str::to_owned)
}

/// The settings that users can observe.
fn comparable(settings: &Termios) -> String {
    format!("{settings:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_types_commands_interrupts_one_and_powers_off() {
        let mut terminal = Terminal::open();
        let before = terminal.settings();
        assert!(before.local_modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG));
        let process = terminal.start(&linux(""));
        terminal.expect("riscope: init started");
        assert!(
            !terminal.settings().local_modes.intersects(LocalModes::ECHO | LocalModes::ISIG),
            "keys go to the guest"
        );

        // Input is echoed, so the test waits for text that only appears as a result.
        terminal.press("echo pro''mpt-$((6 * 7))\r");
        terminal.expect("prompt-42");
        // The interrupted job reports itself that it is in the foreground: between two
        // jobs, the shell would not pass Ctrl-C to the next.
        terminal.press("sh -c 'echo slee\"\"ping; exec sleep 100000'; echo wo''ke\r");
        terminal.expect("sleeping");
        terminal.press(CONTROL_C);
        terminal.press("echo status-$((1000 + $?))\r");
        terminal.expect("status-1130");
        // Escaped, the escape key reaches the shell, which moves to the start of the line.
        terminal.press(&format!("here{CONTROL_A}{CONTROL_A}echo \r"));
        terminal.expect("\nhere\r");
        terminal.press("poweroff\r");

        let outcome = process.finish();
        outcome.assert_code(0);
        assert_eq!(comparable(&terminal.settings()), comparable(&before), "the terminal is as it was");
        let screen = terminal.screen.text();
        assert!(!screen.contains("woke"), "Ctrl-C interrupts the list of commands:\n{screen}");
        assert_no_complaint(&screen);
        assert_eq!(outcome.stderr, "riscope: Ctrl-A x ends the machine\n");
    }

    #[test]
    fn a_login_shell_on_the_serial_line_follows_the_size_of_the_terminal_and_powers_off() {
        let (mut terminal, scratch) = (Terminal::open(), Scratch::new());
        let copy = copy_of(&disk(), scratch.join("disk.ext4"));
        let mut arguments = linux("root=/dev/vda");
        arguments.extend(["--disk", copy.to_str().expect("the path is UTF-8")].map(str::to_owned));
        let process = terminal.start(&arguments);
        // Each prompt queries the size. Input around the answer is not lost.
        terminal.answer(37, 101);
        terminal.press("echo at'' first $(stty size)\r");
        terminal.expect("at first 37 101");
        terminal.answer(50, 120);
        terminal.press("echo later'' $(stty size) $LINES\r");
        terminal.expect("later 50 120 50");
        terminal.press("poweroff\r");
        process.finish().assert_code(0);
        assert_no_complaint(&terminal.screen.text());
    }

    #[test]
    fn a_virtio_console_takes_keys_and_follows_the_size_of_the_terminal() {
        const SCRIPT: &str = "exec </dev/hvc0 >/dev/hvc0 2>&1
            echo \"at first $(stty size)\"
            read line && echo \"typed $line\"
            while [ \"$(stty size)\" = '37 101' ]; do sleep 0.1; done
            echo \"later $(stty size)\"\n";
        let (mut terminal, scratch) = (Terminal::open(), Scratch::new());
        let initrd = initrd_with_script(scratch.join("initrd"), SCRIPT);
        let mut arguments = linux_with(&initrd, "console=hvc0");
        arguments.extend(["--console", "virtio"].map(str::to_owned));
        terminal.resize(37, 101);
        let process = terminal.start(&arguments);
        terminal.expect("at first 37 101");
        terminal.press("keys\r");
        terminal.expect("typed keys");
        terminal.resize(50, 120);
        // The terminal is not the controlling terminal of the process, for which the kernel
        // would send the signal.
        process.signal(Signal::WINCH);
        terminal.expect("later 50 120");
        process.finish().assert_code(0);
        assert_no_complaint(&terminal.screen.text());
    }

    #[test]
    fn the_escape_key_ends_a_machine_whose_guest_does_not_listen() {
        let mut terminal = Terminal::open();
        let before = terminal.settings();
        let scratch = Scratch::new();
        let process = terminal.start(&run(&scratch, SILENT));
        let said = process.stderr.wait_for(PATIENCE, |text| text.contains("Ctrl-A x").then_some(()));
        assert!(said.is_some(), "riscope says how to end it");
        // The guest's input buffers are full by then.
        terminal.press(&"typed ".repeat(20_000));
        terminal.press(&format!("{CONTROL_A}x"));
        process.finish().assert_code(130);
        assert_eq!(comparable(&terminal.settings()), comparable(&before), "the terminal is as it was");
    }

    #[test]
    fn the_escape_key_ends_a_machine_whose_screen_nobody_reads() {
        let mut terminal = Terminal::open_unread();
        let before = terminal.settings();
        let scratch = Scratch::new();
        let mut process = terminal.start(&run(&scratch, TALKING));
        terminal.expect_raw(true);
        // Time for the terminal's buffer to fill. If it is too short, this tests less.
        std::thread::sleep(Duration::from_secs(1));
        terminal.press(&format!("{CONTROL_A}x"));
        let status = process.wait(END).expect("it ends");
        assert_eq!(status.code(), Some(130));
        assert_eq!(comparable(&terminal.settings()), comparable(&before), "the terminal is as it was");
    }

    #[test]
    fn every_signal_that_ends_gives_the_terminal_back() {
        let scratch = Scratch::new();
        for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT, Signal::USR2, Signal::ALARM] {
            let terminal = Terminal::open();
            let before = terminal.settings();
            let process = terminal.start(&run(&scratch, SILENT));
            terminal.expect_raw(true);
            process.signal(signal);
            process.finish().assert_code(130);
            assert_eq!(comparable(&terminal.settings()), comparable(&before), "{signal:?}");
        }
    }

    #[test]
    fn who_suspends_riscope_has_the_terminal_meanwhile() {
        let (terminal, scratch) = (Terminal::open(), Scratch::new());
        let before = terminal.settings();
        let process = terminal.start(&run(&scratch, SILENT));
        terminal.expect_raw(true);
        process.signal(Signal::TSTP);
        terminal.expect_raw(false);
        assert_eq!(comparable(&terminal.settings()), comparable(&before), "the terminal is as it was");
        process.wait_until_stopped();
        process.signal(Signal::CONT);
        terminal.expect_raw(true);
        process.signal(Signal::TERM);
        process.finish().assert_code(130);
        assert_eq!(comparable(&terminal.settings()), comparable(&before), "the terminal is as it was");
    }
}
