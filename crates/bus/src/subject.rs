//! Subjects: words of letters, digits, `_` and `-`, separated by dots. Wildcards in an id could listen to others' messages,
//! so anything else is refused.

fn is_word(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// Whether one can publish to it.
pub(crate) fn is_subject(text: &str) -> bool {
    text.split('.').all(is_word)
}

/// Whether one can listen to it.
pub(crate) fn is_pattern(text: &str) -> bool {
    is_subject(text.strip_suffix(".>").unwrap_or(text))
}

/// Everything that hears `subject`: itself, and the prefixes of it.
pub(crate) fn heard_by(subject: &str) -> impl Iterator<Item = (&str, bool)> {
    let prefixes = subject.match_indices('.').map(|(dot, _)| (&subject[..dot], true));
    std::iter::once((subject, false)).chain(prefixes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_words_are_subjects() {
        assert!(is_subject("a") && is_subject("visitor.s-1.frame_2") && is_pattern("a.b") && is_pattern("a.>"));
        for bad in ["", ".", "a.", ".a", "a..b", "a b", "a.*", "a.>", ">", "a\r\nPUB x", "é"] {
            assert!(!is_subject(bad), "{bad:?}");
        }
        for bad in ["", ">", "*", "a.*", "a.>.b", ".>", "a.>>"] {
            assert!(!is_pattern(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_subject_is_heard_by_its_prefixes() {
        let heard: Vec<_> = heard_by("a.b.c").collect();
        assert_eq!(heard, [("a.b.c", false), ("a", true), ("a.b", true)]);
    }
}
