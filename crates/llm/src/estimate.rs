//! A guess at token counts for models whose tokenizer is elsewhere.

/// Tokens of a text, guessed: one per CJK character, one per 3.5 other characters, rounded up.
/// Rather too many than too few for ordinary prose; code and rare scripts can have more.
pub fn estimate_tokens(text: &str) -> usize {
    let (mut wide, mut narrow) = (0usize, 0usize);
    for c in text.chars() {
        if is_cjk(c) { wide += 1 } else { narrow += 1 }
    }
    wide + (narrow * 2).div_ceil(7)
}

fn is_cjk(c: char) -> bool {
    matches!(u32::from(c), 0x2E80..=0x9FFF | 0xAC00..=0xD7AF | 0xF900..=0xFAFF | 0xFE30..=0xFE4F | 0xFF00..=0xFFEF | 0x1F000.. )
}

#[cfg(test)]
mod tests {
    use super::estimate_tokens;

    #[test]
    fn counts_wide_and_narrow_characters_apart() {
        assert_eq!(estimate_tokens(""), 0);
        assert_eq!(estimate_tokens("a"), 1);
        assert_eq!(estimate_tokens("abcdefg"), 2);
        assert_eq!(estimate_tokens("你好吗"), 3);
        assert_eq!(estimate_tokens("你好 hello"), 2 + 2);
    }
}
