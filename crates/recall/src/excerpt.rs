//! The part of a long text that a question is about.

use std::collections::HashSet;

use crate::words::words;

/// At most about `max` characters of `text`, on one line: whole sentences around the one that has most words of the question, with `…`
/// where something was left out. The beginning, when no sentence has any.
pub fn excerpt(text: &str, question: &str, max: usize) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= max {
        return text;
    }
    let asked: HashSet<String> = words(question).tokens.into_iter().collect();
    let sentences = sentences(&text);
    let length = |n: usize| sentences[n].chars().count();
    let shared = |n: usize| words(sentences[n]).tokens.into_iter().collect::<HashSet<_>>().intersection(&asked).count();
    // Of equals the first.
    let (mut from, mut best) = (0, 0);
    for n in 0..sentences.len() {
        let shared = shared(n);
        if shared > best {
            (from, best) = (n, shared);
        }
    }
    let (mut to, mut used) = (from + 1, length(from));
    loop {
        if to < sentences.len() && used + length(to) <= max {
            used += length(to);
            to += 1;
        } else if from > 0 && used + length(from - 1) <= max {
            from -= 1;
            used += length(from);
        } else {
            break;
        }
    }
    let chosen: String = sentences[from..to].concat().trim().chars().take(max).collect();
    let before = if from > 0 { "…" } else { "" };
    let after = if to < sentences.len() || used > max { "…" } else { "" };
    format!("{before}{chosen}{after}")
}

/// Each with its mark and the blanks behind it, so that together they are the text.
fn sentences(text: &str) -> Vec<&str> {
    let mut all = Vec::new();
    let (mut begun, mut ended) = (0, false);
    for (at, c) in text.char_indices() {
        if ended && !c.is_whitespace() {
            all.push(&text[begun..at]);
            (begun, ended) = (at, false);
        }
        match c {
            '。' | '！' | '？' | '；' => ended = true,
            '.' | '!' | '?' | ';' => ended = text[at + 1..].starts_with(' ') || at + 1 == text.len(),
            _ => {}
        }
    }
    all.push(&text[begun..]);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_sentence_that_is_asked_for_is_shown() {
        let menu = format!(
            "{}Friday's soup is caldo verde. {}",
            "Bread comes first. ".repeat(30),
            "Wine is extra. ".repeat(30)
        );
        let shown = excerpt(&menu, "What soup is there on Friday?", 120);
        assert!(
            shown.starts_with("…") && shown.contains("Friday's soup is caldo verde.") && shown.ends_with("…"),
            "{shown}"
        );
        assert_eq!(excerpt(&menu, "zebra", 20), "Bread comes first.…");
        assert_eq!(excerpt("short\n text", "zebra", 20), "short text");
        let chinese = format!("{}周五的汤是青菜汤。", "面包先上。".repeat(60));
        assert!(excerpt(&chinese, "周五有什么汤？", 40).contains("青菜汤"));
    }

    proptest! {
        #[test]
        fn no_text_is_too_long_or_lost(text in "\\PC{0,200}", question in "\\PC{0,30}", max in 1usize..80) {
            let shown = excerpt(&text, &question, max);
            prop_assert!(shown.chars().count() <= max + 2);
            let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
            prop_assert_eq!(sentences(&flat).concat(), flat.clone());
            if !flat.is_empty() {
                prop_assert!(flat.contains(shown.trim_matches('…')) || flat.contains('…'));
            }
        }
    }
}
