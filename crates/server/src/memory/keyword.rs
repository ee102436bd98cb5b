//! Search words as `LIKE` patterns: every word must appear, wherever, in the lower-case text that Rust stored.

/// Patterns of the first four words; the ones that are not there match everything.
pub fn patterns(keyword: &str) -> [String; 4] {
    let lower = keyword.to_lowercase();
    let mut words = lower.split_whitespace().map(|word| format!("%{}%", escaped(word)));
    std::array::from_fn(|_| words.next().unwrap_or_else(|| "%".to_owned()))
}

/// A word in which `%`, `_` and `\` stand for themselves.
fn escaped(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    for c in word.chars() {
        if matches!(c, '%' | '_' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_patterns_stand_for_themselves() {
        assert_eq!(patterns("100% A_b"), ["%100\\%%", "%a\\_b%", "%", "%"]);
        assert_eq!(patterns("  "), ["%", "%", "%", "%"]);
    }
}
