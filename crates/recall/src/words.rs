//! The one tokenizer: words, their stems, and segments of Chinese.
//!
//! Text is brought to one form (NFKC, lower case) and cut where letters and digits end. A word of the Latin alphabet becomes its
//! English stem; a run of Han characters becomes the words of a dictionary and every pair of neighbours, so that a name no
//! dictionary has is found too. What is stored and what is asked go through the same function.

use std::sync::OnceLock;

use jieba_rs::Jieba;
use rust_stemmers::{Algorithm, Stemmer};
use unicode_normalization::UnicodeNormalization;

/// Longer words are cut: they are encodings, not words.
const WORD_MAX_CHARS: usize = 40;

/// The tokens of a text, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// Every token, repeated as often as it occurs.
    pub tokens: Vec<String>,
}

/// Cuts `text` into tokens.
pub fn words(text: &str) -> Words {
    let mut tokens = Vec::new();
    let mut word = String::new();
    let mut han = String::new();
    let normal: String = text.nfkc().flat_map(char::to_lowercase).collect();
    for c in normal.chars() {
        let apostrophe = matches!(c, '\'' | '’') && !word.is_empty();
        if is_han(c) {
            flush_word(&mut word, &mut tokens);
            han.push(c);
        } else if c.is_alphanumeric() || apostrophe {
            flush_han(&mut han, &mut tokens);
            word.push(if apostrophe { '\'' } else { c });
        } else {
            flush_word(&mut word, &mut tokens);
            flush_han(&mut han, &mut tokens);
        }
    }
    flush_word(&mut word, &mut tokens);
    flush_han(&mut han, &mut tokens);
    Words { tokens }
}

fn flush_word(word: &mut String, tokens: &mut Vec<String>) {
    if word.is_empty() {
        return;
    }
    let whole = word.trim_end_matches('\'');
    // "Mel's" is about Mel; "didn't" keeps its one meaning.
    let whole = whole.strip_suffix("'s").unwrap_or(whole);
    let short: String = whole.chars().filter(|c| *c != '\'').take(WORD_MAX_CHARS).collect();
    if !short.is_empty() {
        tokens.push(stem(&short));
    }
    word.clear();
}

/// The stem of a word in lower case; words of other alphabets and words with digits stay as they are.
fn stem(word: &str) -> String {
    if word.bytes().all(|b| b.is_ascii_lowercase()) {
        static ENGLISH: OnceLock<Stemmer> = OnceLock::new();
        ENGLISH.get_or_init(|| Stemmer::create(Algorithm::English)).stem(word).into_owned()
    } else {
        word.to_owned()
    }
}

fn flush_han(run: &mut String, tokens: &mut Vec<String>) {
    if run.is_empty() {
        return;
    }
    // The dictionary takes a moment and some memory: it is loaded when the first Han character comes.
    static DICTIONARY: OnceLock<Jieba> = OnceLock::new();
    let segments = DICTIONARY.get_or_init(Jieba::new).cut_for_search(run, true);
    let chars: Vec<char> = run.chars().collect();
    tokens.extend(segments.iter().map(|s| s.word.to_owned()));
    for pair in chars.windows(2) {
        let pair: String = pair.iter().collect();
        if !segments.iter().any(|s| s.word == pair) {
            tokens.push(pair);
        }
    }
    run.clear();
}

/// Words that say what kind of sentence it is, not what it is about. They are stored like all others, and left out of questions
/// that have other words.
pub fn is_stop_word(token: &str) -> bool {
    STOP_WORDS.contains(&token)
}

/// As stems.
const STOP_WORDS: [&str; 115] = [
    "a", "about", "all", "also", "am", "an", "and", "ani", "are", "as", "at", "be", "becaus", "been", "but", "by",
    "can", "could", "did", "do", "doe", "done", "dure", "each", "for", "from", "get", "got", "had", "has", "have",
    "he", "her", "here", "him", "his", "how", "i", "if", "in", "into", "is", "it", "its", "just", "kind", "like",
    "mani", "may", "me", "mention", "might", "more", "most", "much", "my", "no", "not", "now", "of", "on", "one",
    "onli", "or", "other", "our", "out", "over", "own", "she", "should", "so", "some", "such", "than", "that", "the",
    "their", "them", "then", "there", "these", "they", "this", "those", "to", "too", "type", "up", "us", "veri", "was",
    "we", "were", "what", "when", "where", "which", "while", "who", "whose", "whi", "will", "with", "would", "you",
    "your", "的", "了", "是", "吗", "什么", "呢", "在", "和",
];

/// Han characters; other scripts of East Asia write words with spaces, or are cut at their punctuation.
fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(text: &str) -> Vec<String> {
        words(text).tokens
    }

    #[test]
    fn english_words_become_stems() {
        assert_eq!(cut("Running, she RAN; the runner's run."), ["run", "she", "ran", "the", "runner", "run"]);
        assert_eq!(cut("Mel’s painting didn't sell"), ["mel", "paint", "didnt", "sell"]);
    }

    #[test]
    fn chinese_is_found_by_word_and_by_pair() {
        let tokens = cut("我在北京大学学习");
        for word in ["北京大学", "北京", "大学", "学习"] {
            assert!(tokens.iter().any(|t| t == word), "{word} in {tokens:?}");
        }
        let name = cut("欧阳锋很厉害");
        assert!(name.iter().any(|t| t == "阳锋"), "{name:?}");
    }

    #[test]
    fn forms_of_one_character_are_one() {
        assert_eq!(cut("ＡＢＣ　１２３"), cut("abc 123"));
        assert_eq!(cut("Café"), cut("cafe\u{301}").as_slice());
    }

    proptest! {
        #[test]
        fn any_text_is_cut_and_joining_texts_joins_tokens(a in "\\PC{0,60}", b in "\\PC{0,60}") {
            let both = cut(&format!("{a} \n {b}"));
            prop_assert_eq!(both, [cut(&a), cut(&b)].concat());
        }

        #[test]
        fn tokens_are_never_empty_nor_upper_case(text in "\\PC{0,80}") {
            for token in cut(&text) {
                prop_assert!(!token.is_empty());
                prop_assert!(token.chars().all(|c| c.is_alphanumeric()), "{token}");
            }
        }
    }
}
