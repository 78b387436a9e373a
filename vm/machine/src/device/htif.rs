//! HTIF: host interface of bare-metal test programs, over two words in RAM.
//!
//! ```text
//!  tohost   bits 63..56 device   55..48 command   47..0 payload
//!    device 0, command 0, payload odd    end with exit code payload >> 1
//!                         payload even   address of a system call: number, arguments
//!                         answered by 1 in fromhost
//!    device 1, command 1                 print the character in the payload; no answer
//!    device 1, command 0                 read a character, answered in fromhost
//! ```
//!
//! An answer is delivered once the program has cleared the previous one.
//!
//! The words are plain memory, so each hart's thread polls them whenever its engine
//! returns, and runs the engine in short slices. Slices grow while no request is seen: much
//! firmware defines the words without using them. Programs may store `tohost` in two
//! halves; a value that may be incomplete is served only when the same hart reads it a
//! second time.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use riscope_core::mem::GuestRam;
use vm_memory::{Bytes, GuestAddress};

use crate::console::Console;
use crate::exit::{ExitLatch, MachineExit};
use crate::sync::lock;

/// Instructions between two polls of `tohost` while it is in use.
const SHORTEST_INTERVAL: u64 = 20_000;
/// Instructions between two polls while it is not in use; a few milliseconds.
const LONGEST_INTERVAL: u64 = SHORTEST_INTERVAL << 6;
/// Limit of queued answers; a program that never clears `fromhost` does not read them.
const MAX_ANSWERS: usize = 16;

const PAYLOAD_BITS: u32 = 48;
const PAYLOAD_MASK: u64 = (1 << PAYLOAD_BITS) - 1;

const SYSTEM_CALL: u64 = 0x0000;
const CONSOLE_READ: u64 = 0x0100;
const CONSOLE_WRITE: u64 = 0x0101;

const SYS_WRITE: u64 = 64;
const SYS_EXIT: u64 = 93;
/// -ENOSYS
const NOT_IMPLEMENTED: u64 = 38u64.wrapping_neg();
/// Longest output of a `write` system call in bytes.
const MAX_WRITE: u64 = 64 << 10;

/// Physical addresses of the HTIF words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HtifSymbols {
    /// Symbol `tohost`.
    pub tohost: u64,
    /// Symbol `fromhost`.
    pub fromhost: Option<u64>,
}

/// Host side of HTIF.
#[derive(Debug)]
pub struct Htif {
    tohost: GuestAddress,
    fromhost: Option<GuestAddress>,
    ram: Arc<GuestRam>,
    console: Arc<Console>,
    exit: Arc<ExitLatch>,
    /// Held while a request is taken, which makes that atomic.
    state: Mutex<State>,
}

/// Answers due to the program.
#[derive(Debug, Default)]
struct State {
    /// A request to read a character is pending.
    wants_input: bool,
    /// Queued values for `fromhost`.
    answers: VecDeque<u64>,
}

impl State {
    fn answer(&mut self, value: u64) {
        if self.answers.len() < MAX_ANSWERS {
            self.answers.push_back(value);
        }
    }
}

impl Htif {
    /// HTIF on the words of a loaded program; its loader has checked the addresses.
    pub fn new(symbols: HtifSymbols, ram: Arc<GuestRam>, console: Arc<Console>, exit: Arc<ExitLatch>) -> Self {
        let fromhost = symbols.fromhost.map(GuestAddress);
        Self { tohost: GuestAddress(symbols.tohost), fromhost, ram, console, exit, state: Mutex::default() }
    }

    fn load(&self, word: GuestAddress) -> u64 {
        // Cannot fail: the loader has checked the address.
        self.ram.memory().load::<u64>(word, Ordering::Acquire).map_or(0, u64::from_le)
    }

    fn store(&self, word: GuestAddress, value: u64) {
        // Cannot fail, as for `load`.
        let _ = self.ram.memory().store(value.to_le(), word, Ordering::Release);
    }

    /// Serves the request in `tohost` unless it may be incomplete and differs from `seen`.
    /// Returns the value left there and whether the program waits for an answer.
    fn serve(&self, seen: u64) -> (u64, bool) {
        let state = &mut *lock(&self.state);
        let left = self.take_request(seen, state);
        if state.wants_input
            && let Some(&byte) = self.console.take_input(1).first()
        {
            state.wants_input = false;
            state.answer(CONSOLE_READ << PAYLOAD_BITS | 0x100 | u64::from(byte));
        }
        self.deliver(state);
        (left, state.wants_input || !state.answers.is_empty())
    }

    fn take_request(&self, seen: u64, state: &mut State) -> u64 {
        let value = self.load(self.tohost);
        if value == 0 || (is_doubtful(value) && value != seen) {
            return value;
        }
        self.store(self.tohost, 0);
        match value >> PAYLOAD_BITS {
            SYSTEM_CALL if value & 1 != 0 => self.exit.request(exit_of(value >> 1)),
            SYSTEM_CALL => {
                self.system_call(value);
                state.answer(1);
            }
            CONSOLE_WRITE => self.console.output(&value.to_le_bytes()[..1]),
            CONSOLE_READ => state.wants_input = true,
            // No such device: no answer.
            _ => {}
        }
        0
    }

    /// Delivers the next answer if the program has taken the previous one.
    fn deliver(&self, state: &mut State) {
        let Some(fromhost) = self.fromhost else {
            state.answers.clear();
            return;
        };
        if !state.answers.is_empty()
            && self.load(fromhost) == 0
            && let Some(answer) = state.answers.pop_front()
        {
            self.store(fromhost, answer);
        }
    }

    /// Serves the system call described by eight words at `address`; the result replaces
    /// the first word.
    fn system_call(&self, address: u64) {
        let memory = self.ram.memory();
        let Ok([number, descriptor, buffer, len]) = memory.read_obj::<[u64; 4]>(GuestAddress(address)) else {
            return;
        };
        let result = match (number, descriptor) {
            (SYS_WRITE, 1 | 2) => self.print(buffer, len.min(MAX_WRITE)),
            (SYS_EXIT, code) => {
                self.exit.request(exit_of(code));
                0
            }
            _ => NOT_IMPLEMENTED,
        };
        // Cannot fail: the word has just been read.
        let _ = memory.write_obj(result, GuestAddress(address));
    }

    fn print(&self, buffer: u64, len: u64) -> u64 {
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
        if self.ram.memory().read_slice(&mut bytes, GuestAddress(buffer)).is_err() {
            // -EFAULT
            return 14u64.wrapping_neg();
        }
        self.console.output(&bytes);
        len
    }
}

/// Whether `value` may be half of a value that is stored in two steps.
fn is_doubtful(value: u64) -> bool {
    value >> 32 == 0 || value & 0xffff_ffff == 0
}

fn exit_of(code: u64) -> MachineExit {
    match code & (PAYLOAD_MASK >> 1) {
        0 => MachineExit::PowerOff,
        code => MachineExit::Failure(u32::try_from(code).unwrap_or(u32::MAX)),
    }
}

/// Poller of HTIF on one hart.
#[derive(Debug)]
pub struct HtifPoller {
    htif: Arc<Htif>,
    seen: u64,
    interval: u64,
}

impl HtifPoller {
    /// A poller for one hart.
    pub fn new(htif: Arc<Htif>) -> Self {
        Self { htif, seen: 0, interval: SHORTEST_INTERVAL }
    }

    /// Instructions that the hart may execute until the next [`HtifPoller::poll`].
    pub fn interval(&self) -> u64 {
        self.interval
    }

    /// Polls `tohost` and serves a request. Call it after each slice of execution. Returns
    /// whether to poll again soon even if the hart is idle: a request may be incomplete, or
    /// the guest waits for an answer.
    pub fn poll(&mut self) -> bool {
        let is_used = self.htif.load(self.htif.tohost) != 0 || self.seen != 0;
        let (left, waits) = self.htif.serve(self.seen);
        self.seen = left;
        let soon = left != 0 || waits;
        self.interval = if is_used || soon { SHORTEST_INTERVAL } else { LONGEST_INTERVAL.min(self.interval * 2) };
        soon
    }
}

#[cfg(test)]
mod tests {
    use riscope_core::addr::GuestPhys;

    use super::*;
    use crate::console::CaptureBackend;

    const BASE: u64 = 0x8000_0000;
    const TOHOST: u64 = BASE + 0x100;
    const FROMHOST: u64 = BASE + 0x140;

    struct Board {
        ram: Arc<GuestRam>,
        capture: Arc<CaptureBackend>,
        console: Arc<Console>,
        exit: Arc<ExitLatch>,
        poller: HtifPoller,
    }

    fn board() -> Board {
        let ram = Arc::new(GuestRam::new(GuestPhys(BASE), 0x1000).unwrap());
        let capture = Arc::new(CaptureBackend::default());
        let console = Console::new(Arc::clone(&capture) as _);
        let exit = Arc::new(ExitLatch::new(Vec::new()));
        let symbols = HtifSymbols { tohost: TOHOST, fromhost: Some(FROMHOST) };
        let htif = Htif::new(symbols, Arc::clone(&ram), Arc::clone(&console), Arc::clone(&exit));
        Board { ram, capture, console, exit, poller: HtifPoller::new(Arc::new(htif)) }
    }

    impl Board {
        fn write(&self, address: u64, words: &[u64]) {
            for (at, word) in (address..).step_by(8).zip(words) {
                self.ram.memory().write_obj(*word, GuestAddress(at)).unwrap();
            }
        }

        fn read(&self, address: u64) -> u64 {
            self.ram.memory().read_obj(GuestAddress(address)).unwrap()
        }

        /// Stores one half of `tohost`.
        fn write_half(&self, half: u64, value: u32) {
            self.ram.memory().write_obj(value, GuestAddress(TOHOST + 4 * half)).unwrap();
        }
    }

    #[test]
    fn one_ends_with_success_and_other_odd_values_with_their_code() {
        for (value, exit) in [
            (1, MachineExit::PowerOff),
            (3, MachineExit::Failure(1)),
            (2 * 1337 + 1, MachineExit::Failure(1337)),
            (PAYLOAD_MASK, MachineExit::Failure(u32::MAX)),
        ] {
            let mut board = board();
            board.write(TOHOST, &[value]);
            board.poller.poll();
            board.poller.poll();
            assert_eq!(board.exit.get(), Some(exit), "{value:#x}");
        }
    }

    #[test]
    fn characters_are_printed_at_once_and_the_word_is_cleared() {
        let mut board = board();
        for character in [0x4f, 0x4b] {
            board.write(TOHOST, &[0x0101_0000_0000_0000 | character]);
            assert!(!board.poller.poll());
            assert_eq!(board.read(TOHOST), 0);
            assert_eq!(board.read(FROMHOST), 0, "nobody waits for an answer");
        }
        assert_eq!(board.capture.text(), "OK");
    }

    #[test]
    fn a_word_stored_in_two_halves_is_not_misread() {
        for first_half in [0, 1] {
            let mut board = board();
            let halves = [u32::from(b'a'), 0x0101_0000];
            for half in [first_half, 1 - first_half] {
                board.write_half(half, halves[usize::try_from(half).unwrap()]);
                let _ = board.poller.poll();
            }
            assert_eq!(board.exit.get(), None);
            assert_eq!(board.capture.text(), "a", "half {first_half} first");
        }
        let mut board = board();
        board.write_half(0, 7);
        assert!(board.poller.poll(), "not believed yet");
        board.write_half(1, 0);
        assert!(!board.poller.poll());
        assert_eq!(board.exit.get(), Some(MachineExit::Failure(3)));
    }

    #[test]
    fn input_answers_a_read_when_it_arrives() {
        let mut board = board();
        board.write(TOHOST, &[0x0100_0000_0000_0000]);
        board.poller.poll();
        assert!(board.poller.poll(), "waits for input");
        assert_eq!(board.read(FROMHOST), 0);
        board.console.push_input(b"x");
        assert!(!board.poller.poll());
        assert_eq!(board.read(FROMHOST), 0x0100_0000_0000_0178);
    }

    #[test]
    fn system_calls_print_and_exit() {
        let mut board = board();
        board.ram.memory().write_slice(b"hello", GuestAddress(BASE)).unwrap();
        let mut call = |words: &[u64]| {
            board.write(BASE + 0x200, words);
            board.write(TOHOST, &[BASE + 0x200]);
            board.poller.poll();
            board.poller.poll();
            assert_eq!(board.read(FROMHOST), 1);
            board.write(FROMHOST, &[0]);
            board.read(BASE + 0x200)
        };
        assert_eq!(call(&[SYS_WRITE, 1, BASE, 5]), 5);
        assert_eq!(call(&[SYS_WRITE, 1, 0, u64::MAX]), 14u64.wrapping_neg());
        assert_eq!(call(&[SYS_WRITE, 7, BASE, 5]), NOT_IMPLEMENTED);
        assert_eq!(call(&[12345, 0, 0, 0]), NOT_IMPLEMENTED);
        assert_eq!(call(&[SYS_EXIT, 9, 0, 0]), 0);
        assert_eq!(board.capture.text(), "hello");
        assert_eq!(board.exit.get(), Some(MachineExit::Failure(9)));
    }

    #[test]
    fn an_answer_waits_until_the_one_before_was_taken() {
        let mut board = board();
        board.console.push_input(b"y");
        board.write(BASE + 0x200, &[12345]);
        board.write(TOHOST, &[BASE + 0x200]);
        board.poller.poll();
        board.poller.poll();
        board.write(TOHOST, &[0x0100_0000_0000_0000]);
        board.poller.poll();
        assert!(board.poller.poll(), "an answer is waiting");
        assert_eq!(board.read(FROMHOST), 1);
        board.write(FROMHOST, &[0]);
        assert!(!board.poller.poll());
        assert_eq!(board.read(FROMHOST), 0x0100_0000_0000_0179);
    }

    #[test]
    fn a_program_that_takes_no_answers_can_still_end() {
        let mut board = board();
        board.write(BASE + 0x200, &[12345]);
        for _ in 0..2 * MAX_ANSWERS {
            board.write(TOHOST, &[BASE + 0x200]);
            board.poller.poll();
            board.poller.poll();
        }
        assert_eq!(lock(&board.poller.htif.state).answers.len(), MAX_ANSWERS);
        board.write(TOHOST, &[1]);
        board.poller.poll();
        board.poller.poll();
        assert_eq!(board.exit.get(), Some(MachineExit::PowerOff));
    }

    #[test]
    fn words_that_are_not_used_are_looked_at_less_often() {
        let mut board = board();
        for _ in 0..10 {
            board.poller.poll();
        }
        assert_eq!(board.poller.interval(), LONGEST_INTERVAL);
        board.write(TOHOST, &[0x0101_0000_0000_0041]);
        board.poller.poll();
        assert_eq!(board.poller.interval(), SHORTEST_INTERVAL);
        board.poller.poll();
        assert!((SHORTEST_INTERVAL + 1..LONGEST_INTERVAL).contains(&board.poller.interval()));
    }

    #[test]
    fn requests_that_mean_nothing_are_survived() {
        let mut board = board();
        for value in [2, 0xff01_0000_0000_0001, u64::MAX - 1, 0xffff_ffff_fffe, 0x0102_0000_0000_0005] {
            board.write(TOHOST, &[value]);
            board.poller.poll();
            board.poller.poll();
            assert_eq!(board.read(TOHOST), 0, "{value:#x}");
        }
        assert_eq!(board.exit.get(), None);
    }
}
