//! Panels of `riscope top`. Each has a heading and what fits below it.

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Paragraph, RenderDirection, Row, Sparkline, Table};

use super::app::App;
use super::format::{bytes, clean, clock, count, digits, microseconds, percent, si};
use crate::live::{BlockSizesView, EventView, HartView, HotBlock, MachineView, Named, TierView};

/// Colours of tiers, coldest first; those of the page.
const TIERS: [Color; 3] = [Color::Yellow, Color::Blue, Color::Magenta];

fn tier_colour(tier: &str) -> Color {
    let index = ["interpreter", "baseline", "optimised"].iter().position(|name| *name == tier);
    index.map_or(Color::Reset, |index| TIERS[index])
}

/// Style of a condition or event.
pub(super) fn level_style(level: &str) -> Style {
    match level {
        "critical" => Style::new().red().add_modifier(Modifier::BOLD),
        "warning" => Style::new().yellow(),
        _ => Style::new().green(),
    }
}

fn heading(text: &str) -> Line<'_> {
    Line::from(text).bold().dim()
}

/// Draws a heading; returns the rest of the area.
fn under(frame: &mut Frame<'_>, area: Rect, text: &str) -> Rect {
    let [top, rest] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
    frame.render_widget(heading(text), top);
    rest
}

fn right(text: String) -> Cell<'static> {
    Cell::from(Line::from(text).alignment(Alignment::Right))
}

fn head(names: &[&'static str], lefts: usize) -> Row<'static> {
    let cell = |(index, name): (usize, &&'static str)| {
        Line::from(*name).alignment(if index < lefts { Alignment::Left } else { Alignment::Right })
    };
    Row::new(names.iter().enumerate().map(cell).collect::<Vec<_>>()).style(Style::new().bold().dim())
}

/// Main figures, and the history of the speed.
pub(super) fn figures(frame: &mut Frame<'_>, area: Rect, app: &App, machine: &MachineView) {
    let [left, rest] = Layout::horizontal([Constraint::Length(26), Constraint::Min(0)]).areas(area);
    let process = &app.snapshot.process;
    let jit = &machine.jit;
    let lines = vec![
        Line::from(vec![Span::from(format!(" {} ", digits(machine.mips))).bold(), Span::from("MIPS").dim()]),
        Line::from(format!(" CPU {} of {}", digits(process.cpus), process.available_cpus)),
        Line::from(format!(" compiled {} /s", si(jit.compiled_per_second))),
        Line::from(format!(" hotspots {} /s", si(jit.hotspots_per_second))),
        Line::from(format!(" invalidated {} /s", si(jit.invalidated_per_second))),
    ];
    frame.render_widget(Paragraph::new(lines), left);
    let width = usize::from(rest.width);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a bar needs no fractions")]
    let bars: Vec<u64> = app.mips.iter().rev().take(width).map(|mips| (mips * 1e3) as u64).collect();
    frame.render_widget(
        Sparkline::default().direction(RenderDirection::RightToLeft).data(bars).style(Style::new().fg(TIERS[1])),
        rest,
    );
}

/// Execution and compilation by tier.
pub(super) fn tiers(frame: &mut Frame<'_>, area: Rect, machine: &MachineView) {
    let names = ["TIER", "MIPS", "SHARE", "INSTRUCTIONS", "COMPILED", "/S", "BLOCKS", "CACHE"];
    let row = |tier: &TierView| {
        #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
        let instructions = tier.instructions as f64;
        let share = if machine.mips > 0.0 { tier.mips / machine.mips } else { 0.0 };
        Row::new([
            Cell::from(format!(" {}", clean(&tier.tier))).style(Style::new().fg(tier_colour(&tier.tier))),
            right(digits(tier.mips)),
            right(percent(share)),
            right(si(instructions)),
            right(count(tier.compiled)),
            right(si(tier.compiled_per_second)),
            right(count(tier.resident_blocks)),
            right(bytes(tier.cache_bytes)),
        ])
    };
    let widths = [13, 7, 8, 13, 9, 7, 8, 10].map(Constraint::Length);
    let mut names = names;
    names[0] = " TIER";
    frame.render_widget(
        Table::new(machine.tiers.iter().map(row), widths).column_spacing(0).header(head(&names, 1)),
        area,
    );
}

/// Fill of the code cache, and what the JIT does.
pub(super) fn cache(frame: &mut Frame<'_>, area: Rect, machine: &MachineView) {
    let (used, limit) = (machine.cache.used_bytes, machine.cache.limit_bytes);
    #[expect(clippy::cast_precision_loss, reason = "a bar has some tens of steps")]
    let part = |bytes: u64| if limit > 0 { bytes as f64 / limit as f64 } else { 0.0 };
    let width = usize::from(area.width.saturating_sub(44)).clamp(10, 60);
    let mut spans = vec![Span::from(" CODE CACHE ").bold().dim()];
    let mut drawn = 0;
    for tier in &machine.tiers {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "columns"
        )]
        let columns = ((part(tier.cache_bytes) * width as f64).round() as usize).min(width - drawn);
        drawn += columns;
        spans.push(Span::from("█".repeat(columns)).fg(tier_colour(&tier.tier)));
    }
    spans.push(Span::from("░".repeat(width - drawn)).dim());
    spans.push(Span::from(format!(" {} of {}, {}", bytes(used), bytes(limit), percent(part(used)))));
    let jit = &machine.jit;
    let compile = jit.compile_us.map_or_else(|| "–".to_owned(), microseconds);
    let facts = format!(
        " compile time {compile} · waiting {} · failed {} · evicted {} · compiler {} CPU",
        count(jit.queue_depth),
        count(jit.failures),
        count(jit.evicted),
        digits(jit.compiler_cpus),
    );
    frame.render_widget(Paragraph::new(vec![Line::from(spans), Line::from(facts)]), area);
}

/// Blocks that were promoted.
pub(super) fn blocks(frame: &mut Frame<'_>, area: Rect, machine: &MachineView) {
    let names = [" HOT BLOCK", "TIER", "EXECS", "INSNS", "GUEST", "HOST", "COMPILE"];
    let row = |block: &HotBlock| {
        let name = block.symbol.as_ref().map(|symbol| format!("  {symbol}")).unwrap_or_default();
        Row::new([
            Cell::from(clean(&format!(" {}{name}", block.pc))),
            Cell::from(clean(&block.tier)).style(Style::new().fg(tier_colour(&block.tier))),
            right(count(block.executions)),
            right(count(block.instructions.into())),
            right(bytes(block.guest_bytes.into())),
            right(bytes(block.host_bytes.into())),
            right(microseconds(block.compile_us)),
        ])
    };
    let widths = [
        Constraint::Min(20),
        Constraint::Length(11),
        Constraint::Length(6),
        Constraint::Length(5),
        Constraint::Length(7),
        Constraint::Length(8),
        Constraint::Length(7),
    ];
    let rows = machine.hot_blocks.iter().map(row);
    frame.render_widget(Table::new(rows, widths).column_spacing(1).header(head(&names, 2)), area);
}

/// Newest events, newest last.
pub(super) fn events(frame: &mut Frame<'_>, area: Rect, machine: &MachineView) {
    let rest = under(frame, area, " EVENTS");
    let first = machine.events.len().saturating_sub(usize::from(rest.height));
    let line = |event: &EventView| {
        Line::from(vec![
            Span::from(format!(" {} ", clock(event.time_ms))).dim(),
            Span::from(clean(&event.event)).style(if event.level == "info" {
                Style::new()
            } else {
                level_style(&event.level)
            }),
            Span::from(format!(" {}", clean(&event.text))).dim(),
        ])
    };
    frame.render_widget(Paragraph::new(machine.events[first..].iter().map(line).collect::<Vec<_>>()), rest);
}

/// Last lines of the console.
pub(super) fn console(frame: &mut Frame<'_>, area: Rect, machine: &MachineView) {
    let title = format!(" CONSOLE  {} written", bytes(machine.console.bytes));
    let rest = under(frame, area, &title);
    let lines: Vec<&str> = machine.console.text.lines().collect();
    let first = lines.len().saturating_sub(usize::from(rest.height));
    let lines: Vec<Line<'_>> = lines[first..].iter().map(|line| Line::from(format!(" {}", clean(line)))).collect();
    frame.render_widget(Paragraph::new(lines), rest);
}

/// Speed and CPU of each hart.
pub(super) fn harts(frame: &mut Frame<'_>, area: Rect, machine: &MachineView) {
    let row = |hart: &HartView| {
        Row::new([
            Cell::from(format!("{}", hart.index)),
            right(digits(hart.mips)),
            right(percent(hart.cpus)),
            right(percent(hart.idle)),
            right(if hart.is_stalled { "hangs".to_owned() } else { String::new() }).red(),
        ])
    };
    let widths = [8, 12, 12, 12, 10].map(Constraint::Length);
    let header = head(&["HART", "MIPS", "CPU", "IDLE", ""], 1);
    frame.render_widget(Table::new(machine.harts.iter().map(row), widths).column_spacing(0).header(header), area);
}

/// Figures with names.
pub(super) fn named(frame: &mut Frame<'_>, area: Rect, title: &str, figures: &[Named], unit: &str) {
    let rest = under(frame, area, title);
    let row =
        |figure: &Named| Row::new([Cell::from(clean(&figure.name)), right(format!("{} {unit}", si(figure.value)))]);
    let table = Table::new(figures.iter().map(row), [Constraint::Length(18), Constraint::Length(12)]).column_spacing(0);
    frame.render_widget(table, rest);
}

/// Histogram of the sizes of compiled blocks, by tier.
pub(super) fn sizes(frame: &mut Frame<'_>, area: Rect, sizes: &BlockSizesView) {
    let rest = under(frame, area, "BLOCKS BY GUEST BYTES");
    let total = |index: usize| {
        sizes.tiers.iter().filter_map(|tier| tier.counts.get(index)).fold(0, |sum: u64, n| sum.saturating_add(*n))
    };
    let buckets = sizes.bounds.len() + 1;
    let highest = (0..buckets).map(total).max().unwrap_or(0).max(1);
    let width = u64::from(rest.width.saturating_sub(20)).min(60);
    let line = |index: usize| {
        let bound = sizes.bounds.get(index).map_or_else(|| "more".to_owned(), |bound| format!("≤ {bound:.0}"));
        let mut spans = vec![Span::from(format!("{bound:>8} ")).dim()];
        for tier in &sizes.tiers {
            let number = tier.counts.get(index).copied().unwrap_or(0);
            let columns = usize::try_from(number.saturating_mul(width).div_ceil(highest)).unwrap_or(0).min(60);
            spans.push(Span::from("█".repeat(columns)).fg(tier_colour(&tier.tier)));
        }
        spans.push(Span::from(format!(" {}", count(total(index)))));
        Line::from(spans)
    };
    frame.render_widget(Paragraph::new((0..buckets).map(line).collect::<Vec<_>>()), rest);
}
