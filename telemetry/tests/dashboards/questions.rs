//! Each question of `METRICS.md` has a panel that answers it.
//!
//! A panel's query is seldom the one of the document: it selects by variables, joins names, and may
//! draw all machines or only the first ten. It answers the question if it computes the same: the
//! same functions of the same series, with at least the labels that the answer has.

use std::collections::{BTreeMap, BTreeSet};

use promql_parser::parser::{self, Expr, LabelModifier, VectorSelector};
use riscope_telemetry::metric::question::QUESTIONS;

use crate::catalogue::Catalogue;
use crate::query::{Matcher, Selector};
use crate::{Complaints, grafana, query};

/// Functions that change no value that matters: they only keep a divisor from being 0.
const GUARDS: [&str; 1] = ["clamp_min"];

/// A series within an expression.
#[derive(Clone, Debug)]
struct Operand {
    /// Its name.
    series: String,
    /// Its matchers.
    matchers: BTreeSet<Matcher>,
    /// Functions that are applied to it, the outermost first.
    functions: Vec<String>,
    /// Labels that are left of it.
    labels: BTreeSet<String>,
}

impl Operand {
    /// Whether the other one is this one, with matchers and labels that this one need not have.
    fn is_in(&self, other: &Self) -> bool {
        self.series == other.series
            && self.functions == other.functions
            && self.matchers.is_subset(&other.matchers)
            && self.labels.is_subset(&other.labels)
    }
}

/// What an expression computes.
#[derive(Clone, Debug, Default)]
struct Shape {
    operands: Vec<Operand>,
    /// Arithmetic operators, and functions without arguments.
    operators: BTreeSet<String>,
}

impl Shape {
    fn of(catalogue: &Catalogue, text: &str) -> Self {
        let mut shape = Self::default();
        let expression = parser::parse(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        shape.walk(catalogue, &expression, &[], &[]);
        shape
    }

    /// Adds an expression that is an argument of these functions and within these groupings, the
    /// outermost first.
    fn walk(&mut self, catalogue: &Catalogue, of: &Expr, functions: &[String], groups: &[LabelModifier]) {
        match of {
            Expr::Aggregate(it) => {
                let mut groups = groups.to_vec();
                // `topk` keeps all labels; other aggregations without a modifier keep none.
                let modifier = it.modifier.clone();
                let selects = ["topk", "bottomk"].contains(&it.op.to_string().as_str());
                groups.extend(modifier.or_else(|| (!selects).then(|| LabelModifier::include(Vec::new()))));
                self.walk(catalogue, &it.expr, functions, &groups);
            }
            Expr::Unary(it) => self.walk(catalogue, &it.expr, functions, groups),
            Expr::Paren(it) => self.walk(catalogue, &it.expr, functions, groups),
            Expr::Subquery(it) => self.walk(catalogue, &it.expr, functions, groups),
            Expr::Binary(it) => {
                if !it.op.is_comparison_operator() && !it.op.is_set_operator() {
                    self.operators.insert(it.op.to_string());
                }
                self.walk(catalogue, &it.lhs, functions, groups);
                self.walk(catalogue, &it.rhs, functions, groups);
            }
            Expr::Call(it) => {
                if it.args.args.is_empty() {
                    self.operators.insert(it.func.name.to_owned());
                }
                let mut functions = functions.to_vec();
                if !GUARDS.contains(&it.func.name) {
                    // `histogram_quantile` of 0.5 is another function than that of 0.99.
                    let numbers = it.args.args.iter().filter_map(|argument| match argument.as_ref() {
                        Expr::NumberLiteral(number) => Some(number.val.to_string()),
                        _ => None,
                    });
                    functions.push(std::iter::once(it.func.name.to_owned()).chain(numbers).collect());
                }
                for argument in &it.args.args {
                    self.walk(catalogue, argument, &functions, groups);
                }
            }
            Expr::VectorSelector(it) => self.operands.push(operand(catalogue, it, functions, groups)),
            Expr::MatrixSelector(it) => self.operands.push(operand(catalogue, &it.vs, functions, groups)),
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
        }
    }

    /// Whether the other expression computes this one, and perhaps more.
    fn is_in(&self, other: &Self) -> bool {
        self.operators.is_subset(&other.operators)
            && self.operands.iter().all(|operand| other.operands.iter().any(|found| operand.is_in(found)))
    }
}

fn operand(catalogue: &Catalogue, of: &VectorSelector, functions: &[String], groups: &[LabelModifier]) -> Operand {
    let Selector { name, matchers } = query::selector(of).expect("checked by another test");
    let mut labels = catalogue.labels_of_series(&name);
    for group in groups {
        match group {
            LabelModifier::Include(kept) => labels.retain(|label| kept.labels.contains(label)),
            LabelModifier::Exclude(lost) => labels.retain(|label| !lost.labels.contains(label)),
        }
    }
    Operand { series: name, matchers: matchers.into_iter().collect(), functions: functions.to_vec(), labels }
}

/// What a panel with these queries computes: each of them, and without arithmetic all together.
fn panel(queries: &[Shape]) -> Vec<Shape> {
    let operands = queries.iter().flat_map(|shape| shape.operands.clone()).collect();
    queries.iter().cloned().chain([Shape { operands, operators: BTreeSet::new() }]).collect()
}

#[test]
fn every_question_has_a_panel() {
    let catalogue = Catalogue::new();
    let mut panels: BTreeMap<String, Vec<Shape>> = BTreeMap::new();
    for target in grafana::targets() {
        panels.entry(target.place.clone()).or_default().push(Shape::of(&catalogue, &target.expression()));
    }
    let computed: Vec<_> = panels.values().flat_map(|queries| panel(queries)).collect();
    let mut complaints = Complaints::default();
    for question in QUESTIONS {
        let asked = Shape::of(&catalogue, question.query);
        let has_panel = computed.iter().any(|shape| asked.is_in(shape));
        complaints.expect(question.asked, has_panel, "no panel of any dashboard answers this");
    }
    complaints.assert_none();
}

#[test]
fn an_answer_computes_the_same_with_at_least_the_same_labels() {
    let catalogue = Catalogue::new();
    let answers = |queries: &[&str], question: &str| {
        let queries: Vec<_> = queries.iter().map(|text| Shape::of(&catalogue, text)).collect();
        let asked = Shape::of(&catalogue, question);
        panel(&queries).iter().any(|shape| asked.is_in(shape))
    };
    let speed = "sum by (instance, vm_id) (rate(riscope_guest_instructions_total[5m]))";
    let named = r#"topk(10, sum by (job, instance, vm_id) (rate(riscope_guest_instructions_total{job=~".+"}[1m])) / 1e6
        * on (job, instance, vm_id) group_left (name) riscope_vm_info)"#;
    assert!(answers(&[named], speed));
    assert!(answers(&["rate(riscope_guest_instructions_total[1m])"], speed));
    assert!(!answers(&["sum (rate(riscope_guest_instructions_total[1m]))"], speed), "it tells no machine");
    assert!(!answers(&["sum by (instance, vm_id) (increase(riscope_guest_instructions_total[1m]))"], speed));
    assert!(!answers(&["sum by (instance, vm_id) (rate(riscope_guest_wfi_total[1m]))"], speed));
    let ratio = "riscope_vcpu_stalled / riscope_vm_vcpus";
    assert!(!answers(&["riscope_vcpu_stalled", "riscope_vm_vcpus"], ratio), "it is left to the reader");
    assert!(answers(&["riscope_vcpu_stalled / (riscope_vm_vcpus > 0)"], ratio));
}
