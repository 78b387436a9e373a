//! Flame graph: an SVG picture without scripts, whose boxes have their numbers as titles.
//!
//! Boxes are functions, as wide as their share of the samples, on the functions that called them. In a
//! difference, functions that have more of the samples than before are red, those with fewer blue.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::super::diff::share;
use super::super::model::Profile;

/// Sizes in pixels.
const WIDTH: f64 = 1200.0;
const ROW: f64 = 17.0;
const MARGIN: f64 = 30.0;
const NARROWEST: f64 = 0.3;
const CHARACTER: f64 = 7.0;
/// Rows that are drawn.
const MAX_ROWS: usize = 128;

/// Function with what it calls.
#[derive(Debug, Default)]
struct Node<'a> {
    /// Samples in this and in the other profile.
    count: u64,
    before: u64,
    children: BTreeMap<&'a str, Node<'a>>,
}

impl<'a> Node<'a> {
    fn add(&mut self, profile: &'a Profile, count: impl Fn(&mut Node<'a>, u64)) {
        for (stack, samples) in &profile.stacks {
            count(self, *samples);
            let mut node = &mut *self;
            for name in profile.names(stack).take(MAX_ROWS) {
                node = node.children.entry(name).or_default();
                count(node, *samples);
            }
        }
    }

    fn depth(&self) -> usize {
        1 + self.children.values().filter(|child| child.count > 0).map(Node::depth).max().unwrap_or(0)
    }
}

/// The picture of a profile, with colours for how it differs from `before`.
pub(super) fn encode(profile: &Profile, before: Option<&Profile>) -> String {
    let mut root = Node::default();
    root.add(profile, |node, samples| node.count += samples);
    if let Some(before) = before {
        root.add(before, |node, samples| node.before += samples);
    }
    #[expect(clippy::cast_precision_loss, reason = "a number of rows is small")]
    let height = root.depth() as f64 * ROW + 2.0 * MARGIN;
    let title = if before.is_some() { "Guest CPU time, compared" } else { "Guest CPU time" };
    let mut svg = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"monospace\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fdfdf8\"/>\n\
         <text x=\"{}\" y=\"20\" text-anchor=\"middle\" font-size=\"15\">{title}: {} samples</text>",
        WIDTH / 2.0,
        root.count
    );
    let all = (root.count, root.before);
    let mut picture = Picture { svg: &mut svg, all, is_difference: before.is_some() };
    picture.draw("all", &root, 0.0, height - MARGIN - ROW);
    svg.push_str("</svg>\n");
    svg
}

struct Picture<'a> {
    svg: &'a mut String,
    all: (u64, u64),
    is_difference: bool,
}

impl Picture<'_> {
    fn draw(&mut self, name: &str, node: &Node<'_>, x: f64, y: f64) {
        let part = share(node.count, self.all.0);
        let width = part * WIDTH;
        if width < NARROWEST {
            return;
        }
        let by = 100.0 * (part - share(node.before, self.all.1));
        let change = if self.is_difference { format!(", {by:+.2} points") } else { String::new() };
        let fill = if self.is_difference { difference_colour(by) } else { colour(name) };
        let _ = write!(
            self.svg,
            "<g><title>{} ({} samples, {:.2}%{change})</title><rect x=\"{x:.2}\" y=\"{y:.1}\" width=\"{width:.2}\" \
             height=\"{}\" fill=\"{fill}\" stroke=\"#fdfdf8\" stroke-width=\"0.5\"/>",
            escaped(name),
            node.count,
            100.0 * part,
            ROW - 1.0
        );
        let label = fitting(name, width);
        if !label.is_empty() {
            let _ = write!(self.svg, "<text x=\"{:.2}\" y=\"{:.1}\">{}</text>", x + 3.0, y + 12.0, escaped(&label));
        }
        self.svg.push_str("</g>\n");
        let mut x = x;
        for (name, child) in &node.children {
            self.draw(name, child, x, y - ROW);
            x += share(child.count, self.all.0) * WIDTH;
        }
    }
}

/// As much of `name` as there is room for.
fn fitting(name: &str, width: f64) -> String {
    let mut room = width - 6.0;
    let has_room = |_: &char| {
        room -= CHARACTER;
        room >= 0.0
    };
    let start: String = name.chars().take_while(has_room).collect();
    if start.len() == name.len() {
        start
    } else if start.chars().count() >= 4 {
        let kept: String = start.chars().take(start.chars().count() - 2).collect();
        format!("{kept}..")
    } else {
        String::new()
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML has no other control characters.
            character if character.is_control() => out.push('?'),
            character => out.push(character),
        }
    }
    out
}

/// Warm colour, the same for each name.
fn colour(name: &str) -> String {
    let hash = name.bytes().fold(5381u32, |hash, byte| hash.wrapping_mul(33) ^ u32::from(byte));
    format!("rgb({},{},{})", 205 + hash % 50, 80 + (hash >> 8) % 130, 40 + (hash >> 16) % 40)
}

/// Red for more, blue for less, by percentage points.
fn difference_colour(points: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 200")]
    let faded = (230.0 - 20.0 * points.abs().min(9.0)) as u32;
    match points {
        points if points > 0.05 => format!("rgb(255,{faded},{faded})"),
        points if points < -0.05 => format!("rgb({faded},{faded},255)"),
        _ => "rgb(235,235,235)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::model::testing::profile;
    use super::*;

    #[test]
    fn boxes_are_as_wide_as_their_share_and_escaped() {
        let svg = encode(&profile(&[("main;f<T>", 3), ("main;g", 1)]), None);
        assert!(svg.contains("<title>f&lt;T&gt; (3 samples, 75.00%)</title><rect x=\"0.00\""), "{svg}");
        assert!(svg.contains("<title>g (1 samples, 25.00%)</title><rect x=\"900.00\""), "{svg}");
        assert!(svg.contains("width=\"900.00\"") && !svg.contains("f<T>"), "{svg}");
    }

    #[test]
    fn a_difference_is_coloured_by_its_sign() {
        let svg = encode(&profile(&[("f", 3), ("g", 1)]), Some(&profile(&[("f", 1), ("g", 3), ("h", 4)])));
        assert!(svg.contains("f (3 samples, 75.00%, +62.50 points)"), "{svg}");
        assert!(svg.contains("g (1 samples, 25.00%, -12.50 points)"), "{svg}");
        assert!(svg.contains("rgb(255,50,50)") && svg.contains("rgb(50,50,255)"), "{svg}");
    }

    #[test]
    fn names_are_cut_to_their_boxes() {
        assert_eq!(fitting("function", 62.0), "function");
        assert_eq!(fitting("function", 61.0), "funct..");
        assert_eq!(fitting("function", 20.0), "");
        assert!(encode(&Profile::default(), None).ends_with("</svg>\n"));
    }
}
