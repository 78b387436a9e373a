//! Plots of throughput by length, with a panel per state and a line per contender.

use std::error::Error;
use std::ops::Range;
use std::path::Path;

use plotters::prelude::*;

use super::common::arena::STATES;
use super::common::contender::{AGAIN, Task};
use super::measure::Point;
use super::table::{length, state_name};

const SIZE: (u32, u32) = (1200, 900);

/// The same color for a contender in every plot.
fn color(name: &str) -> RGBColor {
    match name {
        "libc" | "memchr" => RGBColor(200, 60, 50),
        "plain read" => RGBColor(20, 20, 20),
        "byte loop" => RGBColor(190, 190, 190),
        "word loop" => RGBColor(140, 140, 140),
        "simd-mem" => RGBColor(20, 100, 200),
        "avx512" => RGBColor(120, 60, 180),
        "avx2" | "neon" => RGBColor(30, 150, 90),
        "sse2" => RGBColor(220, 150, 30),
        _ => RGBColor(160, 110, 80),
    }
}

/// Draws one task.
pub(crate) fn draw(path: &Path, task: Task, points: &[Point]) -> Result<(), Box<dyn Error>> {
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    for (panel, state) in root.split_evenly((2, 2)).iter().zip(STATES) {
        let shown: Vec<&Point> = points.iter().filter(|point| point.task == task && point.state == state).collect();
        let title = format!("{}, {}", task.name(), state_name(state));
        draw_panel(panel, &title, &shown)?;
    }
    root.present()?;
    Ok(())
}

/// From a little below the slowest to a little above the fastest.
fn range(points: &[&Point]) -> Range<f64> {
    let all = points.iter().flat_map(|point| point.times.iter().filter_map(|(name, _)| point.throughput(name)));
    let (low, high) = all.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    low * 0.8..high * 1.5
}

fn draw_panel(
    panel: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    title: &str,
    points: &[&Point],
) -> Result<(), Box<dyn Error>> {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Ok(()) };
    #[expect(clippy::cast_precision_loss, reason = "lengths are below 2^53")]
    let position = |point: &Point| (point.len as f64).log2();
    let mut chart = ChartBuilder::on(panel)
        .caption(title, ("sans-serif", 18))
        .margin(10)
        .x_label_area_size(32)
        .y_label_area_size(52)
        .build_cartesian_2d(position(first)..position(last), range(points).log_scale())?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "labels are at small whole exponents")]
    chart
        .configure_mesh()
        .x_desc("length")
        .y_desc("GB/s")
        .x_labels(10)
        .x_label_formatter(&|exponent| length(1 << exponent.round() as u32))
        .light_line_style(WHITE)
        .draw()?;
    for (name, _) in first.times.iter().filter(|(name, _)| name != AGAIN) {
        let line = points.iter().filter_map(|point| Some((position(point), point.throughput(name)?)));
        let style = color(name).stroke_width(if name == "simd-mem" { 3 } else { 1 });
        chart
            .draw_series(LineSeries::new(line, style))?
            .label(name.as_str())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], style));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.8))
        .draw()?;
    Ok(())
}
