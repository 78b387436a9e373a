//! Test for references to a particular host: absolute paths, package registry hosts.

use crate::tree::Text;

/// Forbidden texts, in halves so that this file does not contain them, with the reason.
const FORBIDDEN: &[(&str, &str, &str)] = &[
    ("/ho", "me/", "a path of one machine"),
    ("/Use", "rs/", "a path of one machine"),
    ("/ro", "ot/.", "a path of one machine"),
    ("/wo", "rk/", "a path of one machine"),
    ("/tmp/ta", "sks", "a path of one machine"),
    ("index.cra", "tes.io", "the registry is cargo's to know"),
    ("static.cra", "tes.io", "the registry is cargo's to know"),
    ("py", "pi.org", "the registry is pip's to know"),
    ("python", "hosted.org", "the registry is pip's to know"),
    ("deb.deb", "ian.org", "the mirror is apt's to know"),
    ("ftp.deb", "ian.org", "the mirror is apt's to know"),
    ("snapshot.deb", "ian.org", "the mirror is apt's to know"),
];

/// References to a particular host in `text`.
fn local(text: &Text) -> Vec<String> {
    let mut findings = Vec::new();
    for (number, line) in text.content.lines().enumerate() {
        for (start, end, reason) in FORBIDDEN {
            let word = format!("{start}{end}");
            // Not as part of a longer word, such as the end of a path inside the
            // repository.
            let alone =
                |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '}'));
            if line.match_indices(&word).any(|(at, _)| alone(at)) {
                findings.push(format!("{}:{}: {word} ({reason})", text.path, number + 1));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{expect_none, texts};

    #[test]
    fn no_file_depends_on_the_machine_it_was_written_on() {
        let findings: Vec<String> = texts().iter().flat_map(local).collect();
        expect_none("files mean the same everywhere", &findings);
    }

    #[test]
    fn a_path_of_one_machine_is_noticed() {
        for (start, end, _) in FORBIDDEN {
            let content = format!("first\nsee `{start}{end}x`\n");
            assert_eq!(local(&Text { path: "a".to_owned(), content }).len(), 1, "{start}{end}");
        }
    }

    #[test]
    fn a_path_in_the_repository_is_not_one_of_a_machine() {
        let content = format!("deploy{}{}x", FORBIDDEN[0].0, FORBIDDEN[0].1);
        assert_eq!(local(&Text { path: "a".to_owned(), content }), Vec::<String>::new());
    }
}
