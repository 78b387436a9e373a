//! Layout of `riscope top`.
//!
//! ```text
//!  80 columns                      140 columns and more
//!  ┌────────────────────────┐      ┌───────────────────────────────────┐
//!  │ machine, condition     │      │ machine, condition                │
//!  │ figures      sparkline │      │ figures                 sparkline │
//!  │ tiers                  │      │ tiers            │ harts          │
//!  │ code cache             │      │ code cache       │ activities     │
//!  │ hot blocks             │      │ hot blocks       │ block sizes    │
//!  │ events                 │      │                  │ rates          │
//!  │ console                │      │ console          │ events         │
//!  │ keys                   │      │ keys                              │
//!  └────────────────────────┘      └───────────────────────────────────┘
//! ```

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Stylize;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};

use super::app::App;
use super::format::{bytes, clean, clock, duration};
use super::panels;
use crate::live::MachineView;

/// Columns from which there are two of panels.
const WIDE: u16 = 140;
/// Smallest size that shows something useful.
const MIN: (u16, u16) = (75, 16);

const HELP: &[&str] = &[
    "q, Ctrl-C   quit",
    "p, space    pause, or go on",
    "Tab         next machine",
    "?           this help",
    "",
    "MIPS: millions of guest instructions a second.",
    "Hot blocks are those that were promoted to a higher tier,",
    "the highest tier first; execs are arrivals until then.",
    "Rates are those of the last second.",
];

/// Draws everything.
pub(super) fn draw(frame: &mut Frame<'_>, app: &App) {
    let area = frame.area();
    if area.width < MIN.0 || area.height < MIN.1 {
        let text = format!("riscope top needs {} columns and {} rows", MIN.0, MIN.1);
        frame.render_widget(Paragraph::new(text), area);
        return;
    }
    let [title, state, body, keys] =
        Layout::vertical([Constraint::Length(1), Constraint::Length(1), Constraint::Min(0), Constraint::Length(1)])
            .areas(area);
    frame.render_widget(title_line(app), title);
    frame.render_widget(state_line(app), state);
    match app.machine() {
        Some(machine) if area.width >= WIDE => wide(frame, body, app, machine),
        Some(machine) => narrow(frame, body, app, machine),
        None => frame.render_widget(Paragraph::new("There is no machine yet.").dim(), body),
    }
    frame.render_widget(keys_line(app), keys);
    if app.shows_help {
        help(frame, area);
    }
}

fn narrow(frame: &mut Frame<'_>, area: Rect, app: &App, machine: &MachineView) {
    let rest = area.height.saturating_sub(3 + 4 + 2);
    let blocks = (rest * 2 / 5).max(3).min(rest);
    let events = ((rest - blocks) / 2).max(3).min(rest - blocks);
    let areas: [Rect; 6] = Layout::vertical([
        Constraint::Length(3),
        Constraint::Length(4),
        Constraint::Length(2),
        Constraint::Length(blocks),
        Constraint::Length(events),
        Constraint::Min(0),
    ])
    .areas(area);
    panels::figures(frame, areas[0], app, machine);
    panels::tiers(frame, areas[1], machine);
    panels::cache(frame, areas[2], machine);
    panels::blocks(frame, areas[3], machine);
    panels::events(frame, areas[4], machine);
    panels::console(frame, areas[5], machine);
}

fn wide(frame: &mut Frame<'_>, area: Rect, app: &App, machine: &MachineView) {
    let [top, rest] = Layout::vertical([Constraint::Length(5), Constraint::Min(0)]).areas(area);
    panels::figures(frame, top, app, machine);
    let columns = Layout::horizontal([Constraint::Percentage(58), Constraint::Percentage(42)]).spacing(2);
    let [left, right] = columns.areas(rest);
    let [tiers, cache, blocks, console] =
        Layout::vertical([Constraint::Length(5), Constraint::Length(3), Constraint::Fill(3), Constraint::Fill(2)])
            .areas(left);
    panels::tiers(frame, tiers, machine);
    panels::cache(frame, cache, machine);
    panels::blocks(frame, blocks, machine);
    panels::console(frame, console, machine);
    let harts = u16::try_from(machine.harts.len()).unwrap_or(u16::MAX).min(8);
    let sizes = u16::try_from(app.snapshot.block_sizes.bounds.len()).unwrap_or(u16::MAX).min(16);
    let [hart_area, details, size_area, events] = Layout::vertical([
        Constraint::Length(harts + 2),
        Constraint::Length(11),
        Constraint::Length(sizes + 3),
        Constraint::Min(0),
    ])
    .areas(right);
    panels::harts(frame, hart_area, machine);
    let [activities, rates] = Layout::horizontal([Constraint::Fill(1); 2]).spacing(2).areas(details);
    panels::named(frame, activities, "CPU BY ACTIVITY", &machine.activities, "CPU");
    panels::named(frame, rates, "EACH SECOND", &machine.rates, "");
    panels::sizes(frame, size_area, &app.snapshot.block_sizes);
    panels::events(frame, events, machine);
}

fn title_line(app: &App) -> Line<'static> {
    let mut spans = vec![Span::from(" riscope ").reversed().bold(), Span::from(" ")];
    if let Some(machine) = app.machine() {
        spans.push(Span::from(clean(&machine.name)).bold());
        spans.push(Span::from("  ● ").style(panels::level_style(&machine.condition.level)));
        spans.push(Span::from(machine.state.clone()));
        let harts = machine.harts.len();
        let mut facts = vec![
            machine.engine.clone(),
            format!("{harts} hart{}", if harts == 1 { "" } else { "s" }),
            bytes(machine.memory_bytes),
        ];
        if let Some(booted) = machine.booted_ms {
            facts.push(format!("up {}", duration(app.snapshot.time_ms.saturating_sub(booted))));
        }
        if machine.resets > 0 {
            facts.push(format!("{} resets", machine.resets));
        }
        spans.push(Span::from(format!("  {}", facts.join(" · "))).dim());
        let (position, count) = app.position();
        if count > 1 {
            spans.push(Span::from(format!("  {position}/{count}")).dim());
        }
    }
    Line::from(spans)
}

/// What is wrong, or where this comes from.
fn state_line(app: &App) -> Line<'static> {
    if let Some(trouble) = &app.trouble {
        return Line::from(format!(" no connection: {}; trying again", clean(trouble))).red().bold();
    }
    let condition = app.machine().map(|machine| &machine.condition).filter(|condition| !condition.reasons.is_empty());
    match condition {
        Some(condition) => Line::from(format!(" {}", clean(&condition.reasons.join("; "))))
            .style(panels::level_style(&condition.level)),
        None => Line::from(format!(" {}  {} UTC", clean(&app.url), clock(app.snapshot.time_ms))).dim(),
    }
}

fn keys_line(app: &App) -> Line<'static> {
    let mut spans = Vec::new();
    for (key, meaning) in [("q", "quit"), ("p", if app.is_paused { "go on" } else { "pause" }), ("?", "help")] {
        spans.push(Span::from(format!(" {key} ")).reversed());
        spans.push(Span::from(format!(" {meaning}  ")));
    }
    if app.is_paused {
        spans.push(Span::from(" PAUSED ").yellow().bold());
    }
    Line::from(spans)
}

fn help(frame: &mut Frame<'_>, area: Rect) {
    let lines: Vec<Line<'_>> = HELP.iter().map(|line| Line::from(*line)).collect();
    let width = HELP.iter().map(|line| line.chars().count()).max().unwrap_or(0) + 4;
    let place = area.centered(
        Constraint::Length(u16::try_from(width).unwrap_or(area.width)),
        Constraint::Length(u16::try_from(HELP.len() + 2).unwrap_or(area.height)),
    );
    frame.render_widget(Clear, place);
    frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(" riscope top ")), place);
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::live::{Snapshot, TierView};

    fn screen(app: &App, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
        terminal.draw(|frame| draw(frame, app)).expect("it is drawn");
        let cells = terminal.backend().buffer();
        (0..height).map(|y| (0..width).map(|x| cells[(x, y)].symbol()).collect::<String>() + "\n").collect()
    }

    fn app() -> App {
        let tier = |tier: &str, mips| TierView { tier: tier.to_owned(), mips, ..TierView::default() };
        let machine = MachineView {
            id: "1".to_owned(),
            name: "demo-1\u{1b}[2J".to_owned(),
            state: "running".to_owned(),
            engine: "tiered".to_owned(),
            memory_bytes: 64 << 20,
            mips: 862.0,
            tiers: vec![tier("interpreter", 2.0), tier("baseline", 800.0), tier("optimised", 60.0)],
            harts: vec![Default::default()],
            ..MachineView::default()
        };
        let mut app = App::new("http://127.0.0.1:8440".to_owned());
        app.take(Ok(Snapshot { machines: vec![machine], ..Snapshot::default() }));
        app
    }

    #[test]
    fn a_machine_is_shown_at_every_size() {
        let app = app();
        for (width, height) in [(80, 24), MIN, (100, 30), (200, 60), (140, 16), (300, 100)] {
            let text = screen(&app, width, height);
            for wanted in ["demo-1[2J", "running", "862", "baseline", "800"] {
                assert!(text.contains(wanted), "{width}x{height} has no {wanted}:\n{text}");
            }
        }
        for (width, height) in [(1, 1), (MIN.0 - 1, 40), (80, MIN.1 - 1)] {
            screen(&app, width, height);
        }
    }

    #[test]
    fn there_may_be_no_machine_or_trouble_or_help() {
        let mut empty = App::new(String::new());
        assert!(screen(&empty, 80, 24).contains("no machine"));
        empty.take(Err("connection refused".to_owned()));
        assert!(screen(&empty, 80, 24).contains("connection refused"));
        let mut app = app();
        app.shows_help = true;
        app.is_paused = true;
        let text = screen(&app, 80, 24);
        assert!(text.contains("Ctrl-C   quit") && text.contains("PAUSED"), "{text}");
    }
}
