//! `--phases`: phases of the demo guest.

/// Rows of `phase_table` in `vm/service/guest/src/main.S`; a test compares them.
pub(crate) const PHASES: [&str; 4] = ["integer", "float", "memory", "churn"];
/// Maximum number of phases: `PHASE_ORDER_MAX` in the guest's `demo.inc`.
const MAX_PHASES: usize = 16;

/// Parses a comma-separated list of phases in execution order.
///
/// # Errors
/// A message that names the unknown phase.
pub(crate) fn parse_phases(text: &str) -> Result<String, String> {
    for name in text.split(',') {
        if !PHASES.contains(&name) {
            return Err(format!("{name:?} is no phase; the guest has {}", PHASES.join(", ")));
        }
    }
    if text.split(',').count() > MAX_PHASES {
        return Err(format!("the guest takes at most {MAX_PHASES} phases"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_phases_are_those_of_the_guest() {
        let source = include_str!("../../guest/src/main.S");
        let (_, table) = source.split_once("phase_table:\n").expect("it has a table");
        let rows = table.lines().map_while(|line| line.trim().strip_prefix(".dword")?.trim().split(',').next());
        let name = |label: &str| {
            let (_, text) = source.split_once(&format!("\n{label}:")).expect("each row has a name");
            text.split('"').nth(1).expect("a name is a text").to_owned()
        };
        assert_eq!(rows.map(name).collect::<Vec<_>>(), PHASES);
        let (_, limit) = include_str!("../../guest/src/demo.inc").split_once("PHASE_ORDER_MAX,").expect("a limit");
        assert_eq!(limit.split_whitespace().next(), Some(MAX_PHASES.to_string().as_str()));
    }

    #[test]
    fn what_is_no_phase_is_named() {
        assert_eq!(parse_phases("churn,integer,churn").as_deref(), Ok("churn,integer,churn"));
        for (text, named) in
            [("foo", "\"foo\""), ("integer,,float", "\"\""), ("", "\"\""), ("float,Churn", "\"Churn\"")]
        {
            let error = parse_phases(text).expect_err(text);
            assert!(error.starts_with(named), "{error}");
        }
        assert!(parse_phases(&["float"; MAX_PHASES].join(",")).is_ok());
        assert!(parse_phases(&["float"; MAX_PHASES + 1].join(",")).is_err());
    }
}
