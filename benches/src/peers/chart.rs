//! The results as an SVG: a row for each case, a mark for each subject at its speed relative
//! to QEMU, on a logarithmic axis, with a line from the least ratio to the greatest.

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

use super::class::Class;
use super::error::PeersError;
use super::summary::Summary;
use crate::spread::Spread;

type Area<'path> = DrawingArea<SVGBackend<'path>, Shift>;
type DrawError = DrawingAreaErrorKind<std::io::Error>;

const WIDTH: i32 = 1100;
const ROW: i32 = 18;
/// Space for names on the left, on the right, and above the first row.
const LEFT: i32 = 250;
const RIGHT: i32 = 30;
const TOP: i32 = 70;

/// A line of the chart.
#[derive(Clone, Debug, PartialEq)]
enum Line {
    /// Title of a class.
    Class(Class),
    /// A case with its marks: subject and ratio.
    Case(String, Vec<(usize, Spread)>),
}

/// The chart's lines, from the top.
fn lines(summary: &Summary) -> Vec<Line> {
    let mut lines = Vec::new();
    for class in Class::ALL {
        let mut rows = summary.rows_of(class).peekable();
        if rows.peek().is_some() {
            lines.push(Line::Class(class));
        }
        lines.extend(rows.map(|row| {
            let mark = |(subject, cell): (usize, &Option<super::summary::Cell>)| {
                Some((subject, cell.as_ref()?.ratio.filter(|_| subject != summary.reference)?))
            };
            Line::Case(row.name.clone(), row.cells.iter().enumerate().filter_map(mark).collect())
        }));
    }
    lines
}

/// Powers of two below the least and above the greatest ratio; at least a quarter to four.
fn bounds(lines: &[Line]) -> (i32, i32) {
    let (mut low, mut high) = (0.25_f64, 4.0_f64);
    for line in lines {
        if let Line::Case(_, marks) = line {
            for (_, ratio) in marks {
                (low, high) = (low.min(ratio.min), high.max(ratio.max));
            }
        }
    }
    // Ratios beyond a thousand would say that something else is wrong.
    (round(low.max(1e-3).log2().floor()), round(high.min(1e3).log2().ceil()))
}

#[expect(clippy::cast_possible_truncation, reason = "pixels and exponents are small")]
fn round(value: f64) -> i32 {
    value.round() as i32
}

/// Horizontal position of a ratio.
fn position(ratio: f64, (low, high): (i32, i32)) -> i32 {
    let part = (ratio.log2() - f64::from(low)) / f64::from(high - low);
    LEFT + round(part.clamp(0.0, 1.0) * f64::from(WIDTH - LEFT - RIGHT))
}

/// The same color for a subject in every chart.
fn color(subject: usize) -> RGBColor {
    [RGBColor(20, 100, 200), RGBColor(210, 120, 20), RGBColor(30, 150, 90), RGBColor(120, 60, 180)][subject % 4]
}

/// Draws the chart.
pub(super) fn draw(path: &Path, summary: &Summary, settings: &str) -> Result<(), PeersError> {
    let lines = lines(summary);
    let rows = i32::try_from(lines.len()).unwrap_or(i32::MAX / (2 * ROW));
    let size = (WIDTH.unsigned_abs(), (TOP + rows * ROW + 40).unsigned_abs());
    let area = SVGBackend::new(path, size).into_drawing_area();
    draw_on(&area, summary, &lines, settings)
        .map_err(|error| PeersError::Chart { path: path.to_owned(), message: error.to_string() })
}

fn draw_on(area: &Area<'_>, summary: &Summary, lines: &[Line], settings: &str) -> Result<(), DrawError> {
    let bounds = bounds(lines);
    let bottom = TOP + i32::try_from(lines.len()).unwrap_or(0) * ROW;
    area.fill(&WHITE)?;
    let text = ("sans-serif", 13).into_font();
    let reference = &summary.subjects[summary.reference];
    area.draw(&Text::new(format!("speed relative to {reference} ({settings})"), (10, 10), text.resize(16.0)))?;
    for exponent in bounds.0..=bounds.1 {
        let (ratio, style) = (2_f64.powi(exponent), if exponent == 0 { &BLACK } else { &RGBColor(215, 215, 215) });
        let x = position(ratio, bounds);
        area.draw(&PathElement::new([(x, TOP - 6), (x, bottom)], *style))?;
        area.draw(&Text::new(format!("{ratio}"), (x - 6, bottom + 8), text.clone()))?;
    }
    let mut legend = LEFT;
    for (subject, name) in summary.subjects.iter().enumerate().filter(|(subject, _)| *subject != summary.reference) {
        area.draw(&Circle::new((legend, 45), 4, color(subject).filled()))?;
        area.draw(&Text::new(name.clone(), (legend + 10, 38), text.clone()))?;
        legend += 40 + 8 * i32::try_from(name.len()).unwrap_or(0);
    }
    for (line, top) in lines.iter().zip((TOP..).step_by(ROW.unsigned_abs() as usize)) {
        draw_line(area, line, top, bounds)?;
    }
    area.present()
}

fn draw_line(area: &Area<'_>, line: &Line, top: i32, bounds: (i32, i32)) -> Result<(), DrawError> {
    let text = ("sans-serif", 13).into_font();
    match line {
        Line::Class(class) => area.draw(&Text::new(class.title(), (10, top + 2), text.style(FontStyle::Bold))),
        Line::Case(name, marks) => {
            area.draw(&Text::new(name.clone(), (26, top + 2), text))?;
            // One below the other, so that none hides another.
            let first = top + ROW / 2 - 2 * i32::try_from(marks.len()).unwrap_or(1) + 2;
            for ((subject, ratio), middle) in marks.iter().zip((first..).step_by(4)) {
                let color = color(*subject);
                let ends = [(position(ratio.min, bounds), middle), (position(ratio.max, bounds), middle)];
                area.draw(&PathElement::new(ends, color.stroke_width(2)))?;
                area.draw(&Circle::new((position(ratio.median, bounds), middle), 3, color.filled()))?;
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::protocol::Measured;
    use crate::peers::results::Results;

    fn summary() -> Summary {
        let mut results = Results::new(["riscope", "qemu", "native"].map(str::to_owned).into(), 1);
        for (class, name, times) in [
            (Class::Real, "gcc", [Some(1.0), Some(2.0), None]),
            (Class::Calls, "fib", [Some(1.0), Some(3.0), Some(0.1)]),
        ] {
            for (subject, seconds) in times.into_iter().enumerate() {
                let Some(seconds) = seconds else { continue };
                let measured = Measured { name: name.to_owned(), seconds, status: 0, result: "same".to_owned() };
                results.record(class, subject, 0, &measured);
            }
        }
        Summary::of(&results, 1, |_, _| false)
    }

    #[test]
    fn every_ratio_is_a_mark_and_the_reference_has_none() {
        let lines = lines(&summary());
        let subjects: Vec<(String, Vec<usize>)> = lines
            .iter()
            .filter_map(|line| match line {
                Line::Class(_) => None,
                Line::Case(name, marks) => Some((name.clone(), marks.iter().map(|(subject, _)| *subject).collect())),
            })
            .collect();
        assert_eq!(subjects, [("gcc".to_owned(), vec![0]), ("fib".to_owned(), vec![0, 2])]);
        assert_eq!(lines[0], Line::Class(Class::Real));
        assert_eq!(bounds(&lines), (-2, 5), "30 is between 16 and 32");
    }

    #[test]
    fn the_axis_is_logarithmic() {
        let bounds = (-2, 2);
        assert_eq!(position(0.25, bounds), LEFT);
        assert_eq!(position(4.0, bounds), WIDTH - RIGHT);
        assert_eq!(position(1.0, bounds), (LEFT + WIDTH - RIGHT) / 2);
        assert_eq!(position(100.0, bounds), WIDTH - RIGHT, "beyond the end");
    }

    #[test]
    fn the_chart_is_an_svg_with_the_names() {
        let path = std::env::temp_dir().join(format!("bench-peers-{}.svg", std::process::id()));
        draw(&path, &summary(), "sv48").expect("it can be drawn");
        let text = std::fs::read_to_string(&path).expect("the file is there");
        std::fs::remove_file(path).expect("it can be removed");
        for part in ["<svg", "real work", "gcc", "fib", "native", "relative to qemu (sv48)"] {
            assert!(text.contains(part), "{part}");
        }
    }
}
