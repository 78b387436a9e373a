//! Test of the dependencies between crates, as drawn in ARCHITECTURE.md, with `cargo
//! metadata`.
//!
//! `simd-mem ◄ core ◄ {machine, jit, telemetry} ◄ service`. This applies to normal and
//! build dependencies; tests may depend on more. The rules are data, and the checks are
//! functions over a plain graph, so that the tests at the end can show with made-up graphs
//! that each check detects a violation.

use std::collections::{BTreeMap, BTreeSet};

/// The members of the workspace, and the members that each may depend on.
const ARROWS: &[(&str, &[&str])] = &[
    ("simd-mem", &[]),
    ("riscope-core", &["simd-mem"]),
    ("riscope-machine", &["riscope-core", "simd-mem"]),
    ("riscope-jit", &["riscope-core", "simd-mem"]),
    ("riscope-telemetry", &["riscope-core"]),
    ("riscope", &["riscope-core", "riscope-jit", "riscope-machine", "riscope-telemetry", "simd-mem"]),
    (
        "riscope-benches",
        &["riscope", "riscope-core", "riscope-jit", "riscope-machine", "riscope-telemetry", "simd-mem"],
    ),
];

/// Third-party crates by purpose. A name ending in `*` is a prefix.
const CODE_GENERATION: &[&str] = &["cranelift*", "wasmtime*"];
const OBSERVABILITY: &[&str] = &["opentelemetry*", "prometheus*", "tracing*", "metrics*"];
const HTTP: &[&str] = &["axum*", "http", "hyper*", "reqwest*", "tokio*"];
const DEVICES: &[&str] = &["virtio-*", "vm-fdt", "vm-superio", "linux-loader", "vhost*"];
const ANY: &[&str] = &["*"];

/// Crates that a member must not contain, directly or indirectly.
const CLOSED: &[(&str, &[&[&str]])] = &[
    ("simd-mem", &[ANY]),
    ("riscope-core", &[CODE_GENERATION, OBSERVABILITY, HTTP, DEVICES]),
    ("riscope-machine", &[CODE_GENERATION, OBSERVABILITY, HTTP]),
    ("riscope-jit", &[OBSERVABILITY, HTTP, DEVICES]),
    ("riscope-telemetry", &[CODE_GENERATION, DEVICES]),
];

/// Members that report by events and counters only; they must not depend on logging crates
/// directly.
const SILENT: &[&str] = &["simd-mem", "riscope-core", "riscope-machine", "riscope-jit"];
const LOGGING: &[&str] = &["env_logger", "log", "slog*", "tracing*"];

/// Dependencies built into each package.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// Whether `name` matches `pattern`, which may end in `*`.
fn matches(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |start| name.starts_with(start))
}

/// Everything built into `member`, except itself.
fn reachable<'graph>(graph: &'graph Graph, member: &str) -> BTreeSet<&'graph str> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&str> = graph.get(member).into_iter().flatten().map(String::as_str).collect();
    while let Some(name) = open.pop() {
        if found.insert(name) {
            open.extend(graph.get(name).into_iter().flatten().map(String::as_str));
        }
    }
    found
}

/// Dependencies between members that [`ARROWS`] does not allow, and unknown members.
fn wrong_arrows(graph: &Graph, members: &BTreeSet<String>) -> Vec<String> {
    let mut wrong = Vec::new();
    for member in members {
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| name == member) else {
            wrong.push(format!("{member} is not in the table of arrows"));
            continue;
        };
        for other in graph.get(member).into_iter().flatten() {
            if members.contains(other) && !allowed.contains(&other.as_str()) {
                wrong.push(format!("{member} may not depend on {other}"));
            }
        }
    }
    wrong
}

/// Forbidden crates that a member contains, directly or indirectly.
fn leaks(graph: &Graph) -> Vec<String> {
    let mut leaks = Vec::new();
    for (member, families) in CLOSED {
        for name in reachable(graph, member) {
            if families.iter().copied().flatten().any(|pattern| matches(pattern, name)) {
                leaks.push(format!("{member} contains {name}"));
            }
        }
    }
    leaks
}

/// Logging crates that a silent member depends on.
fn voices(graph: &Graph) -> Vec<String> {
    let mut voices = Vec::new();
    for member in SILENT {
        for name in graph.get(*member).into_iter().flatten() {
            if LOGGING.iter().any(|pattern| matches(pattern, name)) {
                voices.push(format!("{member} depends on {name}: publish an event or count instead"));
            }
        }
    }
    voices
}

#[cfg(test)]
mod tests {
    use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

    use super::*;

    /// The workspace as cargo resolved it for this kind of host.
    fn metadata() -> Metadata {
        let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        MetadataCommand::new()
            .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
            .other_options(["--locked".to_owned(), "--filter-platform".to_owned(), host])
            .exec()
            .expect("cargo describes the workspace")
    }

    /// The normal and build dependencies of every package, and the names of the members.
    fn workspace() -> (Graph, BTreeSet<String>) {
        let metadata = metadata();
        let resolve = metadata.resolve.as_ref().expect("cargo resolves the workspace");
        let name_of = |id| metadata[id].name.to_string();
        let mut graph = Graph::new();
        for node in &resolve.nodes {
            let built_in = node
                .deps
                .iter()
                .filter(|dependency| dependency.dep_kinds.iter().any(|info| info.kind != DependencyKind::Development));
            // Versions of a crate share a name; the contents of all count.
            graph.entry(name_of(&node.id)).or_default().extend(built_in.map(|dependency| name_of(&dependency.pkg)));
        }
        (graph, metadata.workspace_members.iter().map(name_of).collect())
    }

    fn graph(edges: &[(&str, &str)]) -> Graph {
        let mut graph = Graph::new();
        for (from, to) in edges {
            graph.entry((*from).to_owned()).or_default().insert((*to).to_owned());
        }
        graph
    }

    #[test]
    fn members_depend_on_each_other_as_drawn() {
        let (graph, members) = workspace();
        assert_eq!(wrong_arrows(&graph, &members), Vec::<String>::new());
        let drawn: BTreeSet<String> = ARROWS.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(drawn, members, "the table of arrows names exactly the members");
    }

    #[test]
    fn no_member_contains_what_it_is_closed_to() {
        assert_eq!(leaks(&workspace().0), Vec::<String>::new());
    }

    #[test]
    fn engine_and_machine_name_no_logging_crate() {
        assert_eq!(voices(&workspace().0), Vec::<String>::new());
    }

    #[test]
    fn the_graph_is_the_real_one() {
        let (graph, _) = workspace();
        assert!(reachable(&graph, "riscope").contains("simd-mem"), "through core");
        assert!(reachable(&graph, "riscope-jit").contains("cranelift-codegen"));
        assert!(reachable(&graph, "riscope-telemetry").contains("opentelemetry_sdk"));
    }

    #[test]
    fn an_arrow_in_the_wrong_direction_is_noticed() {
        let members = ["riscope-core", "riscope-jit", "riscope-machine"].map(str::to_owned).into();
        let wrong = graph(&[("riscope-core", "riscope-jit"), ("riscope-machine", "riscope-jit")]);
        assert_eq!(
            wrong_arrows(&wrong, &members),
            ["riscope-core may not depend on riscope-jit", "riscope-machine may not depend on riscope-jit"]
        );
    }

    #[test]
    fn an_unknown_member_is_noticed() {
        let members = BTreeSet::from(["riscope-extra".to_owned()]);
        assert_eq!(wrong_arrows(&Graph::new(), &members), ["riscope-extra is not in the table of arrows"]);
    }

    #[test]
    fn a_forbidden_crate_is_noticed_behind_another() {
        let through = graph(&[("riscope-core", "innocent"), ("innocent", "hyper-util"), ("simd-mem", "memchr")]);
        assert_eq!(leaks(&through), ["simd-mem contains memchr", "riscope-core contains hyper-util"]);
    }

    #[test]
    fn a_logging_crate_is_noticed() {
        let edges = graph(&[("riscope-machine", "log"), ("riscope", "log")]);
        assert_eq!(voices(&edges), ["riscope-machine depends on log: publish an event or count instead"]);
    }
}
