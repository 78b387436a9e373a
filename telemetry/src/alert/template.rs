//! Templates of labels and annotations: the subset of Go's that rules in process may use.
//!
//! ```text
//! {{ $labels.vm_id }} {{ $externalLabels.site }} {{ $value }} {{ . }}
//! {{ $value | humanize }}          humanize1024, humanizeDuration, humanizePercentage
//! {{ $value | printf "%.1f" }}     %.Nf, %v, %s
//! {{ with PIPELINE }}..{{ . }}..{{ else }}..{{ end }}       also `if`
//! ```
//!
//! A label that does not exist is an empty text. Spaces beside `{{-` and `-}}` are removed.

use super::format;
use super::labels::Labels;

/// Deepest nesting.
const MAX_DEPTH: usize = 16;

/// A template.
#[derive(Clone, Debug)]
pub(super) struct Template(Vec<Node>);

#[derive(Clone, Debug)]
enum Node {
    Text(String),
    Print(Pipeline),
    /// The nodes that apply if the pipeline is not empty, with its value as `.` (only `with`),
    /// and those that apply otherwise.
    Branch {
        pipeline: Pipeline,
        rebinds: bool,
        then: Vec<Node>,
        otherwise: Vec<Node>,
    },
}

#[derive(Clone, Debug)]
struct Pipeline {
    source: Source,
    functions: Vec<Function>,
}

#[derive(Clone, Debug)]
enum Source {
    Label(String),
    ExternalLabel(String),
    Value,
    Dot,
    Literal(String),
}

#[derive(Clone, Debug)]
enum Function {
    Humanize,
    Humanize1024,
    HumanizeDuration,
    HumanizePercentage,
    /// Text before, number of decimals if it is `%.Nf`, text behind.
    Printf(String, Option<usize>, String),
}

/// What a template is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'a> {
    pub(super) labels: &'a Labels,
    pub(super) external_labels: &'a Labels,
    pub(super) value: f64,
}

/// A value in a pipeline.
#[derive(Clone, Debug)]
enum Item {
    Text(String),
    Number(f64),
}

impl Item {
    fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Number(value) => *value == 0.0,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(value) => format::shortest(*value),
        }
    }

    fn number(&self) -> f64 {
        match self {
            Self::Text(text) => text.parse().unwrap_or(f64::NAN),
            Self::Number(value) => *value,
        }
    }
}

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    /// A message that names what is wrong or not supported.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser { tokens: tokens(text)?, next: 0 };
        let nodes = parser.nodes(0)?;
        match parser.tokens.get(parser.next) {
            None => Ok(Self(nodes)),
            Some(token) => Err(format!("{token:?} without a beginning")),
        }
    }

    /// The text for `subject`.
    pub(super) fn render(&self, subject: Subject<'_>) -> String {
        let mut text = String::new();
        render(&self.0, subject, &Item::Text(String::new()), &mut text);
        text
    }
}

fn render(nodes: &[Node], subject: Subject<'_>, dot: &Item, text: &mut String) {
    for node in nodes {
        match node {
            Node::Text(piece) => text.push_str(piece),
            Node::Print(pipeline) => text.push_str(&pipeline.evaluate(subject, dot).text()),
            Node::Branch { pipeline, rebinds, then, otherwise } => {
                let value = pipeline.evaluate(subject, dot);
                match (value.is_empty(), rebinds) {
                    (true, _) => render(otherwise, subject, dot, text),
                    (false, true) => render(then, subject, &value, text),
                    (false, false) => render(then, subject, dot, text),
                }
            }
        }
    }
}

impl Pipeline {
    fn parse(text: &str) -> Result<Self, String> {
        let mut stages = text.split('|').map(str::trim);
        let source = Source::parse(stages.next().unwrap_or_default())?;
        Ok(Self { source, functions: stages.map(Function::parse).collect::<Result<_, _>>()? })
    }

    fn evaluate(&self, subject: Subject<'_>, dot: &Item) -> Item {
        let source = match &self.source {
            Source::Label(name) => Item::Text(subject.labels.get(name).to_owned()),
            Source::ExternalLabel(name) => Item::Text(subject.external_labels.get(name).to_owned()),
            Source::Value => Item::Number(subject.value),
            Source::Dot => dot.clone(),
            Source::Literal(text) => Item::Text(text.clone()),
        };
        self.functions.iter().fold(source, |item, function| Item::Text(function.apply(&item)))
    }
}

impl Source {
    fn parse(text: &str) -> Result<Self, String> {
        let is_name = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.is_empty();
        if let Some(name) = text.strip_prefix("$labels.").filter(|name| is_name(name)) {
            return Ok(Self::Label(name.to_owned()));
        }
        if let Some(name) = text.strip_prefix("$externalLabels.").filter(|name| is_name(name)) {
            return Ok(Self::ExternalLabel(name.to_owned()));
        }
        match text {
            "$value" => Ok(Self::Value),
            "." => Ok(Self::Dot),
            _ => quoted(text).map(Self::Literal).ok_or_else(|| format!("{text:?} is not supported in process")),
        }
    }
}

/// A text in quotes without escapes.
fn quoted(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains(['"', '\\'])).then(|| inner.to_owned())
}

impl Function {
    fn parse(text: &str) -> Result<Self, String> {
        let unsupported = || format!("{text:?} is not supported in process");
        match text {
            "humanize" => return Ok(Self::Humanize),
            "humanize1024" => return Ok(Self::Humanize1024),
            "humanizeDuration" => return Ok(Self::HumanizeDuration),
            "humanizePercentage" => return Ok(Self::HumanizePercentage),
            _ => {}
        }
        let pattern = text.strip_prefix("printf ").and_then(|rest| quoted(rest.trim())).ok_or_else(unsupported)?;
        let (before, verb) = pattern.split_once('%').ok_or_else(unsupported)?;
        if let Some(behind) = verb.strip_prefix(['v', 's']).filter(|behind| !behind.contains('%')) {
            return Ok(Self::Printf(before.to_owned(), None, behind.to_owned()));
        }
        let (digits, behind) = verb.strip_prefix('.').and_then(|it| it.split_once('f')).ok_or_else(unsupported)?;
        let decimals = digits.parse().ok().filter(|decimals| *decimals <= 20).ok_or_else(unsupported)?;
        let behind = behind.replace("%%", "%");
        Ok(Self::Printf(before.to_owned(), Some(decimals), behind))
    }

    fn apply(&self, item: &Item) -> String {
        match self {
            Self::Humanize => format::humanize(item.number()),
            Self::Humanize1024 => format::humanize_1024(item.number()),
            Self::HumanizeDuration => format::humanize_duration(item.number()),
            Self::HumanizePercentage => format::humanize_percentage(item.number()),
            Self::Printf(before, None, behind) => format!("{before}{}{behind}", item.text()),
            Self::Printf(before, Some(decimals), behind) => {
                format!("{before}{:.decimals$}{behind}", item.number(), decimals = *decimals)
            }
        }
    }
}

#[derive(Debug)]
enum Token {
    Text(String),
    Action(String),
}

/// Splits a template at its actions.
fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut trims = false;
    while let Some((before, opened)) = rest.split_once("{{") {
        let (action, behind) = opened.split_once("}}").ok_or("{{ without }}")?;
        let before = if trims { before.trim_start() } else { before };
        let (before, action) = match action.strip_prefix("- ") {
            Some(action) => (before.trim_end(), action),
            None => (before, action),
        };
        let (action, trims_next) = action.strip_suffix(" -").map_or((action, false), |action| (action, true));
        tokens.push(Token::Text(before.to_owned()));
        tokens.push(Token::Action(action.trim().to_owned()));
        (rest, trims) = (behind, trims_next);
    }
    tokens.push(Token::Text(if trims { rest.trim_start() } else { rest }.to_owned()));
    Ok(tokens)
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
}

impl Parser {
    /// The nodes up to `else`, `end` or the end.
    fn nodes(&mut self, depth: usize) -> Result<Vec<Node>, String> {
        if depth > MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH}"));
        }
        let mut nodes = Vec::new();
        while let Some(token) = self.tokens.get(self.next) {
            let action = match token {
                Token::Text(text) => {
                    nodes.push(Node::Text(text.clone()));
                    self.next += 1;
                    continue;
                }
                Token::Action(action) => action.clone(),
            };
            let branch = action.strip_prefix("with ").map(|rest| (rest, true));
            match branch.or_else(|| action.strip_prefix("if ").map(|rest| (rest, false))) {
                _ if action == "else" || action == "end" => break,
                None => {
                    nodes.push(Node::Print(Pipeline::parse(&action)?));
                    self.next += 1;
                }
                Some((pipeline, rebinds)) => {
                    self.next += 1;
                    nodes.push(self.branch(Pipeline::parse(pipeline)?, rebinds, depth)?);
                }
            }
        }
        Ok(nodes)
    }

    fn branch(&mut self, pipeline: Pipeline, rebinds: bool, depth: usize) -> Result<Node, String> {
        let then = self.nodes(depth + 1)?;
        let otherwise = if self.takes("else") { self.nodes(depth + 1)? } else { Vec::new() };
        if !self.takes("end") {
            return Err("`with` or `if` without `end`".to_owned());
        }
        Ok(Node::Branch { pipeline, rebinds, then, otherwise })
    }

    fn takes(&mut self, wanted: &str) -> bool {
        let takes = matches!(self.tokens.get(self.next), Some(Token::Action(action)) if action == wanted);
        self.next += usize::from(takes);
        takes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(text: &str) -> String {
        let (labels, external) = (Labels::new([("name", "web"), ("vm_id", "2")]), Labels::new([("site", "B")]));
        let subject = Subject { labels: &labels, external_labels: &external, value: 0.5 };
        Template::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).render(subject)
    }

    #[test]
    fn labels_and_values_are_filled_in() {
        assert_eq!(rendered("{{ $labels.name }} ({{$labels.vm_id}}{{ $labels.gone }})"), "web (2)");
        assert_eq!(
            rendered("{{ $value }} {{ $value | humanizePercentage }} of {{ $externalLabels.site }}"),
            "0.5 50% of B"
        );
        assert_eq!(rendered("{{ $value | printf \"<%.2f>\" }}"), "<0.50>");
        assert_eq!(rendered("a {{- $value -}} b"), "a0.5b");
    }

    #[test]
    fn branches_depend_on_whether_there_is_something() {
        let text = "{{ with $externalLabels.gone }}{{ . }}{{ else }}http://{{ $labels.name }}{{ end }}/x";
        assert_eq!(rendered(text), "http://web/x");
        assert_eq!(rendered("{{ with $labels.name }}at {{ . }}{{ if $labels.gone }}!{{ end }}{{ end }}"), "at web");
    }

    #[test]
    fn what_is_not_supported_is_an_error() {
        for text in [
            "{{ query \"up\" }}",
            "{{ with query \"up\" }}{{ end }}",
            "{{ $value",
            "{{ with $value }}",
            "{{ end }}",
            "{{ else }}",
            "{{ $value | printf \"%d\" }}",
            "{{ $value | printf \"%.99f\" }}",
            "{{ $labels }}",
            "{{ range $labels }}{{ end }}",
        ] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
        let nested = format!("{}{}", "{{ if $value }}".repeat(40), "{{ end }}".repeat(40));
        assert!(Template::parse(&nested).is_err());
    }
}
