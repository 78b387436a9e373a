//! The terminal on stdin: raw while the machine runs, and given back as it was. Output to
//! stdout, and waiting for descriptors that others share.

pub(crate) mod descriptor;
pub(crate) mod output;

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use riscope_machine::console::{Console, TerminalSize};
use rustix::process::getpgrp;
use rustix::stdio::stdin;
use rustix::termios::{InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use rustix::termios::{tcgetattr, tcgetpgrp, tcgetwinsize, tcsetattr};

/// The terminal, if stdin is one. Whoever comes first gives it back; later ones find
/// nothing to do, and it is not taken again.
#[derive(Debug, Default)]
pub(crate) struct Terminal {
    state: Mutex<State>,
    /// The console that it shows.
    shown: Mutex<Option<Arc<Console>>>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    NotTaken,
    Taken(Settings),
    GivenBack,
}

#[derive(Debug)]
struct Settings {
    before: Termios,
    raw: Termios,
}

impl Terminal {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets every key reach the guest. Output processing stays on, so that lines of
    /// riscope itself stay readable. False if stdin is no terminal.
    pub(crate) fn enter(&self) -> bool {
        if !std::io::stdin().is_terminal() {
            return false;
        }
        if let Ok(before) = tcgetattr(stdin()) {
            let mut raw = before.clone();
            raw.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG | LocalModes::IEXTEN;
            raw.input_modes -= InputModes::ICRNL | InputModes::IXON | InputModes::BRKINT;
            raw.special_codes[SpecialCodeIndex::VMIN] = 1;
            raw.special_codes[SpecialCodeIndex::VTIME] = 0;
            let mut state = self.lock();
            if matches!(*state, State::NotTaken) {
                set(&raw);
                *state = State::Taken(Settings { before, raw });
            }
        }
        true
    }

    /// Gives `console` the terminal's size, now and whenever [`Terminal::resized`] says so.
    pub(crate) fn show(&self, console: &Arc<Console>) {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(console));
        self.resized();
    }

    /// The terminal has another size, perhaps.
    pub(crate) fn resized(&self) {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        // Without a terminal, the size stays unknown.
        if let (Some(console), Ok(size)) = (&*shown, tcgetwinsize(stdin())) {
            console.set_size(TerminalSize { columns: size.ws_col, rows: size.ws_row });
        }
    }

    /// Gives it back until [`Terminal::resume`].
    pub(crate) fn suspend(&self) {
        if let State::Taken(settings) = &*self.lock() {
            set(&settings.before);
        }
    }

    /// Takes it again, if it was taken before.
    pub(crate) fn resume(&self) {
        if let State::Taken(settings) = &*self.lock() {
            set(&settings.raw);
        }
    }

    /// Gives it back for good.
    pub(crate) fn restore(&self) {
        let mut state = self.lock();
        if let State::Taken(settings) = std::mem::replace(&mut *state, State::GivenBack) {
            set(&settings.before);
        }
    }
}

/// Sets the terminal, unless it is somebody else's now: that would stop this process.
fn set(settings: &Termios) {
    let in_background = tcgetpgrp(stdin()).is_ok_and(|group| group != getpgrp());
    if !in_background {
        // A terminal that cannot be set is used as it is.
        let _ = tcsetattr(stdin(), OptionalActions::Now, settings);
    }
}
