//! Names as they are shown. A guest, or a file, may call its functions anything.

/// Longest name that is kept, in bytes.
pub(super) const MAX_SHOWN: usize = 512;

/// Most bytes that the names of one program or file take.
pub(super) const MAX_NAMES: usize = 16 << 20;

/// The beginning of a name, without what controls a terminal.
pub(super) fn shown(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(&name[..name.len().min(MAX_SHOWN)]);
    text.chars().map(|character| if character.is_control() { '?' } else { character }).collect()
}

/// Space for names that is used up.
#[derive(Debug)]
pub(super) struct Space(usize);

impl Space {
    /// Room for [`MAX_NAMES`] bytes.
    pub(super) const fn new() -> Self {
        Self(MAX_NAMES)
    }

    /// A name as it is shown; `None` if there is no room left.
    pub(super) fn shown(&mut self, name: &[u8]) -> Option<String> {
        let shown = shown(name);
        // With what an entry of a table takes.
        self.0 = self.0.checked_sub(shown.len() + 64)?;
        Some(shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_control_no_terminal() {
        assert_eq!(shown(b"main\x1b[2J\n\xc2\x9b"), "main?[2J??");
        assert_eq!(shown(&[b'a'; 5000]).len(), MAX_SHOWN);
        assert_eq!(shown("größe".as_bytes()), "größe");
        assert_eq!(shown(b"\xff"), "\u{fffd}");
    }

    #[test]
    fn space_ends() {
        let mut space = Space::new();
        let number = std::iter::from_fn(|| space.shown(&[b'a'; 5000])).count();
        assert_eq!(number, MAX_NAMES / (MAX_SHOWN + 64));
    }
}
