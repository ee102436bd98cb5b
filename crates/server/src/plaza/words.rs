//! The words of posts as the databases' full text sees them: hashes of tokens, English and Chinese alike, so that no database
//! cuts or folds words by rules of its own.

use std::collections::BTreeSet;

use secondme_recall::words::{is_stop_word, words};

/// Words of a keyword that are looked for at most.
const KEYWORDS_MAX: usize = 16;

/// The keys of a text, each once.
pub(super) fn keys(text: &str) -> Vec<String> {
    let tokens: BTreeSet<String> = words(text).tokens.into_iter().collect();
    tokens.iter().map(|token| key(token)).collect()
}

/// The keys that a keyword asks for: without stop words, unless it has no others. Empty when it has no word at all.
pub(super) fn keyword(text: &str) -> Vec<String> {
    let tokens = told_apart(words(text).tokens);
    let telling: Vec<&String> = tokens.iter().filter(|token| !is_stop_word(token)).collect();
    let chosen: Vec<&String> = if telling.is_empty() { tokens.iter().collect() } else { telling };
    chosen.into_iter().take(KEYWORDS_MAX).map(|token| key(token)).collect()
}

/// The tokens of a keyword that a text must have. The pair between two Chinese words (湖日 in 西湖日出) says nothing when both
/// words are known, nor does a single character of a word: texts in which the words stand apart are meant, too.
fn told_apart(tokens: Vec<String>) -> Vec<String> {
    let is_han = |token: &str| token.chars().all(|c| c >= '\u{3400}' && c.is_alphabetic());
    let mut covered: BTreeSet<char> = BTreeSet::new();
    let mut kept: Vec<String> = Vec::new();
    for token in tokens {
        let length = token.chars().count();
        let known = length == 2 && is_han(&token) && token.chars().all(|c| covered.contains(&c));
        if known || kept.contains(&token) {
            continue;
        }
        if length > 1 && is_han(&token) {
            covered.extend(token.chars());
        }
        kept.push(token);
    }
    kept.retain(|token| token.chars().count() > 1 || !token.chars().all(|c| covered.contains(&c)));
    kept
}

/// FNV-1a, spelled with a letter in front so that nothing takes it for a number. Stored: never change it.
fn key(token: &str) -> String {
    let hash = token.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    format!("w{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyword_finds_other_forms_and_leaves_stop_words_out() {
        let post = keys("I baked the sourdough breads in Hangzhou 杭州西湖边");
        for asked in ["baking", "the bread", "西湖", "杭州西湖", "西湖杭州", "hangzhou"] {
            let keys = keyword(asked);
            assert!(!keys.is_empty() && keys.iter().all(|k| post.contains(k)), "{asked}");
        }
        assert!(keyword("苏州").iter().any(|k| !post.contains(k)));
        assert!(keyword("!?").is_empty() && keyword("the").len() == 1);
    }
}
