//! The symbols that the network knows, by their numbers; 0 stands at both ends.

#[rustfmt::skip]
const SYMBOLS: [(char, i64); 114] = [
    (';', 1), (':', 2), (',', 3), ('.', 4), ('!', 5), ('?', 6), ('—', 9), ('…', 10), ('"', 11), ('(', 12),
    (')', 13), ('“', 14), ('”', 15), (' ', 16), ('\u{303}', 17), ('ʣ', 18), ('ʥ', 19), ('ʦ', 20), ('ʨ', 21),
    ('ᵝ', 22), ('ꭧ', 23), ('A', 24), ('I', 25), ('O', 31), ('Q', 33), ('S', 35), ('T', 36), ('W', 39), ('Y', 41),
    ('ᵊ', 42), ('a', 43), ('b', 44), ('c', 45), ('d', 46), ('e', 47), ('f', 48), ('h', 50), ('i', 51), ('j', 52),
    ('k', 53), ('l', 54), ('m', 55), ('n', 56), ('o', 57), ('p', 58), ('q', 59), ('r', 60), ('s', 61), ('t', 62),
    ('u', 63), ('v', 64), ('w', 65), ('x', 66), ('y', 67), ('z', 68), ('ɑ', 69), ('ɐ', 70), ('ɒ', 71), ('æ', 72),
    ('β', 75), ('ɔ', 76), ('ɕ', 77), ('ç', 78), ('ɖ', 80), ('ð', 81), ('ʤ', 82), ('ə', 83), ('ɚ', 85), ('ɛ', 86),
    ('ɜ', 87), ('ɟ', 90), ('ɡ', 92), ('ɥ', 99), ('ɨ', 101), ('ɪ', 102), ('ʝ', 103), ('ɯ', 110), ('ɰ', 111),
    ('ŋ', 112), ('ɳ', 113), ('ɲ', 114), ('ɴ', 115), ('ø', 116), ('ɸ', 118), ('θ', 119), ('œ', 120), ('ɹ', 123),
    ('ɾ', 125), ('ɻ', 126), ('ʁ', 128), ('ɽ', 129), ('ʂ', 130), ('ʃ', 131), ('ʈ', 132), ('ʧ', 133), ('ʊ', 135),
    ('ʋ', 136), ('ʌ', 138), ('ɣ', 139), ('ɤ', 140), ('χ', 142), ('ʎ', 143), ('ʒ', 147), ('ʔ', 148), ('ˈ', 156),
    ('ˌ', 157), ('ː', 158), ('ʰ', 162), ('ʲ', 164), ('↓', 169), ('→', 171), ('↗', 172), ('↘', 173), ('ᵻ', 177),
];

/// The most symbols that the network takes at once, without the two ends.
pub(super) const LONGEST: usize = 508;

/// The numbers of a text of symbols; what is unknown is left out.
pub(super) fn numbers(symbols: &str) -> Vec<i64> {
    symbols.chars().filter_map(|c| SYMBOLS.iter().find(|(known, _)| *known == c).map(|(_, number)| *number)).collect()
}

/// Cuts a text of symbols into parts that the network takes, at spaces.
pub(super) fn parts(symbols: &str) -> Vec<Vec<i64>> {
    let mut parts: Vec<Vec<i64>> = vec![Vec::new()];
    for word in symbols.split_inclusive(' ') {
        let numbers = numbers(word);
        for piece in numbers.chunks(LONGEST) {
            if parts.last().is_none_or(|part| part.len() + piece.len() > LONGEST) {
                parts.push(Vec::new());
            }
            if let Some(part) = parts.last_mut() {
                part.extend_from_slice(piece);
            }
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_words() {
        let word = "hˈɛlO ";
        let parts = parts(&word.repeat(200));
        assert_eq!(parts.iter().map(Vec::len).sum::<usize>(), 1_200);
        assert!(parts.iter().all(|part| part.len() <= LONGEST && part.len() % 6 == 0));
        assert_eq!(numbers("aŋ→?\u{7}"), [43, 112, 171, 6]);
    }
}
