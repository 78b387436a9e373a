//! Plain text of what a guest writes to a terminal: lines without control sequences.
//!
//! A guest is hostile, and its output is shown in other people's terminals and browsers:
//! nothing that moves a cursor, rings, or changes the direction of text remains.

/// Maximum length of a control sequence in characters; what follows is text again.
const MAX_SEQUENCE: usize = 256;

/// Removes control sequences (ECMA-48) and control characters except line feeds and tabs. A
/// carriage return begins the line anew, as in progress bars.
pub(crate) fn plain(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut line = String::new();
    let mut is_returned = false;
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        match character {
            '\u{1b}' => skip_sequence(&mut rest),
            '\n' => {
                result.push_str(&line);
                result.push('\n');
                line.clear();
                is_returned = false;
            }
            '\r' => is_returned = true,
            '\u{8}' => drop(line.pop()),
            _ if is_hidden(character) => {}
            _ => {
                if std::mem::take(&mut is_returned) {
                    line.clear();
                }
                line.push(character);
            }
        }
    }
    result.push_str(&line);
    result
}

/// Whether a character changes how others are shown, or nothing that can be seen.
fn is_hidden(character: char) -> bool {
    let changes_direction =
        matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    changes_direction || (character.is_control() && character != '\t')
}

/// Skips what follows an escape: a control sequence, a control string, or a character or two.
fn skip_sequence(rest: &mut std::str::Chars<'_>) {
    match rest.clone().next() {
        // Control sequence: parameters, then a final character.
        Some('[') => {
            rest.next();
            let ends = |c: char| ('\u{40}'..='\u{7e}').contains(&c);
            skip_until(rest, ends);
        }
        // Control strings, such as titles: up to a bell or ESC \.
        Some(']' | 'P' | 'X' | '^' | '_') => {
            rest.next();
            skip_until(rest, |c| matches!(c, '\u{7}' | '\u{1b}'));
            if rest.clone().next() == Some('\\') {
                rest.next();
            }
        }
        // Character sets: ESC, intermediate characters, a final one.
        Some(' '..='/') => skip_until(rest, |c| !(' '..='/').contains(&c)),
        Some(_) => drop(rest.next()),
        None => {}
    }
}

fn skip_until(rest: &mut std::str::Chars<'_>, ends: impl Fn(char) -> bool) {
    for _ in 0..MAX_SEQUENCE {
        match rest.clone().next() {
            // A line feed ends a sequence that is none.
            Some('\n') | None => return,
            Some(character) => {
                rest.next();
                if ends(character) {
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_as_it_is() {
        for text in ["", "a\n", "a\tb\nc", "größer ▲ 値\n"] {
            assert_eq!(plain(text), text);
        }
    }

    #[test]
    fn lines_end_as_they_look() {
        assert_eq!(plain("a\r\nb\r\n"), "a\nb\n");
        assert_eq!(plain("10 %\r100 %\r\n"), "100 %\n");
        assert_eq!(plain("ab\u{8}c\n"), "ac\n");
    }

    #[test]
    fn control_sequences_vanish() {
        assert_eq!(plain("\u{1b}[1;31mred\u{1b}[0m \u{1b}[2J\u{1b}[Hhome"), "red home");
        assert_eq!(plain("\u{1b}]0;title\u{7}a\u{1b}]8;;http://x\u{1b}\\b"), "ab");
        assert_eq!(plain("\u{1b}(Ba\u{1b}7b\u{1b}=c"), "abc");
        assert_eq!(plain("\u{7}\u{0}\u{9b}31mx\u{202e}y\u{feff}"), "31mxy");
        assert_eq!(plain("a\u{1b}"), "a");
        assert_eq!(plain("\u{1b}[12\nnext"), "\nnext");
    }

    #[test]
    fn nothing_that_controls_a_terminal_remains_of_random_bytes() {
        let mut state = 1_u64;
        let mut text = String::new();
        for _ in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let code = u32::try_from(state >> 40).unwrap() % 0x120;
            text.extend(char::from_u32(code));
        }
        let result = plain(&text);
        assert!(result.chars().all(|c| matches!(c, '\n' | '\t') || !c.is_control()));
    }
}
