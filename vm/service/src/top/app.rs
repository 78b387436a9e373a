//! State of `riscope top`: the newest snapshot, the history of some figures, and the keys.

use std::collections::VecDeque;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::live::{MachineView, Snapshot};

/// Snapshots of which the history is kept: more than terminals have columns.
const HISTORY: usize = 512;

/// See the head of the file.
#[derive(Debug, Default)]
pub(super) struct App {
    pub(super) url: String,
    pub(super) snapshot: Snapshot,
    /// Why the newest snapshot is not there.
    pub(super) trouble: Option<String>,
    pub(super) is_paused: bool,
    pub(super) shows_help: bool,
    /// Identity of the machine that is shown.
    selected: String,
    /// Millions of instructions per second of that machine, oldest first.
    pub(super) mips: VecDeque<f64>,
}

impl App {
    pub(super) fn new(url: String) -> Self {
        Self { url, ..Self::default() }
    }

    /// Takes what came of a request.
    pub(super) fn take(&mut self, outcome: Result<Snapshot, String>) {
        match outcome {
            Ok(_) if self.is_paused => self.trouble = None,
            Ok(snapshot) => {
                self.trouble = None;
                self.snapshot = snapshot;
                if let Some(mips) = self.machine().map(|machine| machine.mips) {
                    if self.mips.len() >= HISTORY {
                        self.mips.pop_front();
                    }
                    self.mips.push_back(mips);
                }
            }
            Err(reason) => self.trouble = Some(reason),
        }
    }

    /// The machine that is shown, if there is one.
    pub(super) fn machine(&self) -> Option<&MachineView> {
        let machines = &self.snapshot.machines;
        machines.iter().find(|machine| machine.id == self.selected).or_else(|| machines.first())
    }

    /// Position of that machine, from 1, and number of machines.
    pub(super) fn position(&self) -> (usize, usize) {
        let machines = &self.snapshot.machines;
        let found = machines.iter().position(|machine| machine.id == self.selected);
        (found.unwrap_or(0) + 1, machines.len())
    }

    /// Obeys a key; true if it ends the program.
    pub(super) fn press(&mut self, key: KeyEvent) -> bool {
        let is_interrupt = key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c');
        match key.code {
            _ if is_interrupt => return true,
            KeyCode::Char('q') => return true,
            KeyCode::Char('p' | ' ') => self.is_paused = !self.is_paused,
            KeyCode::Char('?' | 'h') => self.shows_help = !self.shows_help,
            KeyCode::Esc => self.shows_help = false,
            KeyCode::Tab => self.select_next(),
            _ => {}
        }
        false
    }

    fn select_next(&mut self) {
        let (position, count) = self.position();
        if let Some(next) = self.snapshot.machines.get(position % count.max(1))
            && count > 1
        {
            self.selected.clone_from(&next.id);
            self.mips.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(ids: &[&str]) -> Snapshot {
        let machine = |id: &&str| MachineView { id: (*id).to_owned(), mips: 5.0, ..MachineView::default() };
        Snapshot { machines: ids.iter().map(machine).collect(), ..Snapshot::default() }
    }

    fn press(app: &mut App, code: KeyCode) -> bool {
        app.press(KeyEvent::new(code, KeyModifiers::NONE))
    }

    #[test]
    fn a_pause_keeps_what_is_shown() {
        let mut app = App::new(String::new());
        app.take(Ok(snapshot(&["a"])));
        assert!(!press(&mut app, KeyCode::Char('p')));
        app.take(Ok(snapshot(&["b"])));
        assert_eq!(app.machine().map(|machine| machine.id.as_str()), Some("a"));
        press(&mut app, KeyCode::Char('p'));
        app.take(Ok(snapshot(&["b"])));
        assert_eq!((app.machine().map(|machine| machine.id.as_str()), app.mips.len()), (Some("b"), 2));
    }

    #[test]
    fn trouble_keeps_what_is_shown_until_it_is_over() {
        let mut app = App::new(String::new());
        assert!(app.machine().is_none());
        app.take(Ok(snapshot(&["a"])));
        app.take(Err("refused".to_owned()));
        assert_eq!((app.trouble.as_deref(), app.machine().is_some()), (Some("refused"), true));
        app.take(Ok(snapshot(&["a"])));
        assert_eq!(app.trouble, None);
    }

    #[test]
    fn keys_do_what_the_help_says() {
        let mut app = App::new(String::new());
        app.take(Ok(snapshot(&["a", "b"])));
        press(&mut app, KeyCode::Tab);
        assert_eq!((app.position(), app.mips.len()), ((2, 2), 0));
        press(&mut app, KeyCode::Tab);
        assert_eq!(app.position(), (1, 2));
        press(&mut app, KeyCode::Char('?'));
        assert!(app.shows_help);
        press(&mut app, KeyCode::Esc);
        assert!(!app.shows_help && press(&mut app, KeyCode::Char('q')));
        assert!(app.press(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)));
        assert!(!press(&mut app, KeyCode::Char('c')));
    }

    #[test]
    fn the_history_is_bounded() {
        let mut app = App::new(String::new());
        for _ in 0..2 * HISTORY {
            app.take(Ok(snapshot(&["a"])));
        }
        assert_eq!(app.mips.len(), HISTORY);
    }
}
