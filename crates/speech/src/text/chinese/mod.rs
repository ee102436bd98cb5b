//! Chinese text to symbols: numbers are written out, words are cut, and each is read as its pinyin.
//!
//! It keeps to what Kokoro's own front end does, tones as in the dictionary: the network has learned how they change in speech.

mod numbers;
pub(super) mod readings;
mod syllable;

/// A run of Chinese characters as symbols, a space between words.
pub(super) fn symbols(run: &str) -> String {
    let words = readings::words(run).into_iter().map(|word| word.into_iter().filter_map(syllable::symbols).collect());
    words.collect::<Vec<String>>().join(" ")
}

/// Numbers and signs of a Chinese sentence in words.
pub(super) fn written_out(text: &str) -> String {
    let mut text = numbers::spell(text);
    for (sign, word) in [("&", "和"), ("+", "加"), ("=", "等于"), ("×", "乘"), ("÷", "除以"), ("°", "度"), ("〇", "零")]
    {
        if text.contains(sign) {
            text = text.replace(sign, word);
        }
    }
    text
}
