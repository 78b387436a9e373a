//! Machine names.

/// Longest name in characters.
const MAX_NAME: usize = 64;

/// Parses a machine name: printable, not blank, at most [`MAX_NAME`] characters.
///
/// # Errors
/// A message that describes valid names.
pub(crate) fn parse_name(text: &str) -> Result<String, String> {
    let is_printable = |c: char| !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}');
    let length = text.chars().count();
    if text.trim().is_empty() || text.trim() != text || length > MAX_NAME || !text.chars().all(is_printable) {
        return Err(format!(
            "a name is 1 to {MAX_NAME} printable characters, with no blank at either end, such as build-42"
        ));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_printable_and_short() {
        for name in ["a", "build 42", "bücher/ω", &"n".repeat(MAX_NAME)] {
            assert_eq!(parse_name(name).as_deref(), Ok(name));
        }
        for name in ["", " ", " a", "a ", "a\nb", "a\u{7}", "a\u{2028}b", &"n".repeat(MAX_NAME + 1)] {
            assert!(parse_name(name).is_err(), "{name:?}");
        }
    }
}
