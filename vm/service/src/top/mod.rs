//! `riscope top`: the live view of a machine in a terminal, from `/api/v1/live`.
//!
//! | file | holds |
//! |---|---|
//! | `client.rs` | thread that fetches a snapshot each second |
//! | `app.rs` | what is shown, and the meaning of keys |
//! | `view.rs`, `panels.rs` | drawing |
//! | `format.rs` | figures with units, text of bounded width |

mod app;
mod client;
mod format;
mod panels;
mod view;

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyEventKind};

use crate::cli::TopArguments;
use app::App;
use client::{Client, Fetched};

/// Endpoint of a machine that says no other.
const DEFAULT_URL: &str = "http://127.0.0.1:8440";
/// Environment variable with the URL, if the command line has none.
const URL_VARIABLE: &str = "RISCOPE_URL";
/// Time between two looks at the keyboard and at what was fetched.
const LOOK: Duration = Duration::from_millis(50);

/// The command has ended without the user's wish.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TopError {
    #[error("{url:?} is no URL of a riscope: {reason}; give one such as {DEFAULT_URL}")]
    Url { url: String, reason: String },
    #[error("no live view at {url}: {reason}; start a machine with --listen, or give its URL")]
    Unreachable { url: String, reason: String },
    #[error("riscope top needs a terminal; use --json for snapshots as text")]
    NoTerminal,
    #[error("the terminal cannot be used: {0}")]
    Terminal(#[source] io::Error),
    #[error("cannot write to stdout: {0}")]
    Stdout(#[source] io::Error),
    #[error("the host gives no thread: {0}")]
    Thread(#[source] io::Error),
}

impl TopError {
    /// Whether the arguments are wrong, rather than the host or the other end.
    pub(crate) fn is_usage(&self) -> bool {
        matches!(self, Self::Url { .. } | Self::NoTerminal)
    }
}

/// Shows a machine until the user has seen enough.
///
/// # Errors
/// If there is no live view at the URL, or no terminal.
pub(crate) fn top(arguments: &TopArguments) -> Result<(), TopError> {
    if !arguments.json && !io::stdout().is_terminal() {
        return Err(TopError::NoTerminal);
    }
    let given = arguments.url.clone().or_else(|| std::env::var(URL_VARIABLE).ok());
    let client = Client::start(given.as_deref().unwrap_or(DEFAULT_URL))?;
    // Before the terminal is changed, so that the error is a line like any other.
    let first = client.first()?;
    if arguments.json {
        return print(&client, first, arguments.count);
    }
    let mut terminal = ratatui::try_init().map_err(TopError::Terminal)?;
    let shown = show(&mut terminal, &client, first);
    ratatui::restore();
    shown
}

/// Prints snapshots, one a line, until nobody reads them or there were `count`.
fn print(client: &Client, first: Fetched, count: Option<u64>) -> Result<(), TopError> {
    let mut stdout = io::stdout().lock();
    let mut fetched = first;
    let mut left = count.unwrap_or(u64::MAX);
    loop {
        let mut line = fetched.json.trim_ascii_end().to_vec();
        line.push(b'\n');
        match stdout.write_all(&line).and_then(|()| stdout.flush()) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(TopError::Stdout(error)),
        }
        left -= 1;
        if left == 0 {
            return Ok(());
        }
        fetched = client.next()?;
    }
}

/// Draws what comes until a key ends it.
fn show(terminal: &mut ratatui::DefaultTerminal, client: &Client, first: Fetched) -> Result<(), TopError> {
    let mut app = App::new(client.url().to_owned());
    app.take(Ok(first.snapshot));
    loop {
        terminal.draw(|frame| view::draw(frame, &app)).map_err(TopError::Terminal)?;
        loop {
            let mut is_changed = false;
            while let Some(fetched) = client.try_next() {
                app.take(fetched.map(|fetched| fetched.snapshot));
                is_changed = true;
            }
            if event::poll(LOOK).map_err(TopError::Terminal)? {
                is_changed = true;
                if let Event::Key(key) = event::read().map_err(TopError::Terminal)?
                    && key.kind != KeyEventKind::Release
                    && app.press(key)
                {
                    return Ok(());
                }
            }
            if is_changed {
                break;
            }
        }
    }
}
