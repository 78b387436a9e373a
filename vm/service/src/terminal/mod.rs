//! Terminal on stdin, in raw mode while the machine runs and restored afterwards; output to
//! stdout; waiting for shared descriptors.

pub(crate) mod descriptor;
pub(crate) mod output;

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use riscope_machine::console::{Console, TerminalSize};
use rustix::process::getpgrp;
use rustix::stdio::stdin;
use rustix::termios::{InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use rustix::termios::{tcgetattr, tcgetpgrp, tcgetwinsize, tcsetattr};

/// The terminal, if stdin is one. It is restored once; later calls have no effect, and raw
/// mode is not entered again.
#[derive(Debug, Default)]
pub(crate) struct Terminal {
    state: Mutex<State>,
    /// Console that it shows.
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

    /// Enters raw mode, so that every key reaches the guest. Output processing stays
    /// enabled, which keeps messages of riscope readable. False if stdin is not a terminal.
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

    /// Sets the size of `console` to that of the terminal, now and on every
    /// [`Terminal::resized`].
    pub(crate) fn show(&self, console: &Arc<Console>) {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(console));
        self.resized();
    }

    /// Updates the console's size after a possible resize.
    pub(crate) fn resized(&self) {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        // Without a terminal the size stays unknown.
        if let (Some(console), Ok(size)) = (&*shown, tcgetwinsize(stdin())) {
            console.set_size(TerminalSize { columns: size.ws_col, rows: size.ws_row });
        }
    }

    /// Restores the terminal until [`Terminal::resume`].
    pub(crate) fn suspend(&self) {
        if let State::Taken(settings) = &*self.lock() {
            set(&settings.before);
        }
    }

    /// Enters raw mode again, if it was entered before.
    pub(crate) fn resume(&self) {
        if let State::Taken(settings) = &*self.lock() {
            set(&settings.raw);
        }
    }

    /// Restores the terminal for good.
    pub(crate) fn restore(&self) {
        let mut state = self.lock();
        if let State::Taken(settings) = std::mem::replace(&mut *state, State::GivenBack) {
            set(&settings.before);
        }
    }
}

/// Sets the terminal mode, unless this process is in the background, where that would stop
/// it.
fn set(settings: &Termios) {
    let in_background = tcgetpgrp(stdin()).is_ok_and(|group| group != getpgrp());
    if !in_background {
        // On failure the terminal is used as it is.
        let _ = tcsetattr(stdin(), OptionalActions::Now, settings);
    }
}
