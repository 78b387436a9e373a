//! Test for circular dependencies between modules.
//!
//! Checked level by level: the children of a module, each with its descendants, must not
//! refer to each other in a circle. What a module shares with its own children belongs to
//! them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::source::{Crate, ModulePath};

/// Root files of the crates.
const ROOTS: &[&str] = &[
    "simd-mem/src/lib.rs",
    "vm/core/src/lib.rs",
    "vm/machine/src/lib.rs",
    "jit/src/lib.rs",
    "telemetry/src/lib.rs",
    "vm/service/src/main.rs",
];

/// For each module with children, the references between the children.
type Levels = BTreeMap<ModulePath, BTreeMap<String, BTreeSet<String>>>;

fn levels(modules: &Crate) -> Levels {
    let mut levels = Levels::new();
    for (from, to) in modules.references() {
        let common = from.iter().zip(&to).take_while(|(from, to)| from == to).count();
        if let (Some(child), Some(other)) = (from.get(common), to.get(common)) {
            let level = levels.entry(from[..common].to_vec()).or_default();
            level.entry(child.clone()).or_default().insert(other.clone());
        }
    }
    levels
}

/// Everything reachable from `name`.
fn reachable<'a>(level: &'a BTreeMap<String, BTreeSet<String>>, name: &str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&str> = level.get(name).into_iter().flatten().map(String::as_str).collect();
    while let Some(next) = open.pop() {
        if found.insert(next) {
            open.extend(level.get(next).into_iter().flatten().map(String::as_str));
        }
    }
    found
}

/// Circular dependencies, each as the sorted names of its modules with their level.
fn circles(modules: &Crate) -> BTreeSet<String> {
    let mut circles = BTreeSet::new();
    for (parent, level) in &levels(modules) {
        for name in level.keys() {
            let here = reachable(level, name);
            if here.contains(name.as_str()) {
                let members = here.into_iter().filter(|other| reachable(level, other).contains(name.as_str()));
                let members: Vec<&str> = members.collect();
                circles.insert(format!("{}: {}", parent.join("::"), members.join(" - ")));
            }
        }
    }
    circles
}

#[test]
fn no_module_depends_on_itself_through_others() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let mut found = Vec::new();
    for file in ROOTS {
        found.extend(circles(&Crate::read(&root.join(file))).into_iter().map(|circle| format!("{file}: {circle}")));
    }
    assert!(found.is_empty(), "circles:\n{}", found.join("\n"));
}

#[test]
fn a_circle_is_found_on_every_level_and_through_imports() {
    let direct = Crate::of_texts(&[(&[], ""), (&["a"], "use crate::b::B;"), (&["b"], "fn f() -> super::a::A {}")]);
    assert_eq!(circles(&direct), BTreeSet::from([": a - b".to_owned()]));
    let inner = Crate::of_texts(&[
        (&[], ""),
        (&["a"], "pub use c::C; mod b; mod c;"),
        (&["a", "b"], "use super::C;"),
        (&["a", "c"], "const SIZE: usize = crate::a::b::SIZE;"),
    ]);
    assert_eq!(circles(&inner), BTreeSet::from(["a: b - c".to_owned()]));
    let macros = Crate::of_texts(&[
        (&[], ""),
        (&["a"], "row! { crate::b::ROW }"),
        (&["b"], "use crate::{a::{A, other}, c};"),
        (&["c"], ""),
    ]);
    assert_eq!(circles(&macros), BTreeSet::from([": a - b".to_owned()]));
}

#[test]
fn what_flows_one_way_is_no_circle() {
    let straight = Crate::of_texts(&[
        (&[], "pub use a::A;"),
        (&["a"], "use crate::b; #[cfg(test)] mod tests { use crate::c::C; }"),
        (&["b"], "use super::c::C; use std::fmt;"),
        (&["c"], "fn c(self) -> Self { self.d }"),
    ]);
    assert_eq!(circles(&straight), BTreeSet::new());
}
