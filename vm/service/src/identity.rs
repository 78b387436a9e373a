//! Name of a machine, for users, and its unique identity.

use std::path::Path;

use riscope_core::event::VmId;

/// Maximum characters of the program's name in a machine's name.
const STEM: usize = 40;
const SUFFIX: usize = 6;

/// Name and identity of a machine.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) name: String,
    pub(crate) id: VmId,
}

impl Identity {
    /// A new identity, with the given name or a default that identifies the program and
    /// differs between machines: `Image-3fa9c1`.
    pub(crate) fn new(name: Option<&str>, program: Option<&Path>) -> Self {
        let id = VmId::generate();
        let name = name.map_or_else(|| default_name(program, &id.to_string()), str::to_owned);
        Self { name, id }
    }
}

/// Program name without directory and extension, with the end of the identity: its
/// beginning is a time stamp, which machines started together share.
fn default_name(program: Option<&Path>, id: &str) -> String {
    let stem = program.and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let stem: String = stem.chars().filter(|c| !c.is_control()).take(STEM).collect();
    let stem = if stem.trim().is_empty() { "vm" } else { stem.trim() };
    let from = id.len().saturating_sub(SUFFIX);
    format!("{stem}-{}", id.get(from..).unwrap_or(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0198f3a2-7c41-7d07-9b1e-5f0c2a3fa9c1";

    #[test]
    fn a_name_tells_the_program_and_differs_between_machines() {
        assert_eq!(default_name(Some(Path::new("/boot/Image.gz")), ID), "Image-3fa9c1");
        assert_eq!(default_name(None, ID), "vm-3fa9c1");
        assert_eq!(default_name(Some(Path::new("a\nb")), ID), "ab-3fa9c1");
        let [a, b] = [(); 2].map(|()| Identity::new(None, Some(Path::new("Image"))));
        assert_ne!((a.name, a.id), (b.name, b.id));
        assert_eq!(Identity::new(Some("mine"), None).name, "mine");
    }

    #[test]
    fn a_name_that_is_made_is_one_that_can_be_given() {
        let long = "ü".repeat(300);
        for program in [&long, " ", "a\tb", "x"] {
            let name = default_name(Some(Path::new(program)), ID);
            assert_eq!(crate::cli::parse_name(&name).as_deref(), Ok(name.as_str()));
        }
    }
}
