//! English text to symbols: a lexicon that knows which word it is by its place in the sentence, and letters for the rest.

mod letters;

use std::sync::{Mutex, OnceLock, PoisonError};

use misaki_rs::fallback::FallbackError;
use misaki_rs::{Fallback, G2P, Language};

/// Capitals of at most so many letters are an abbreviation, and spelled.
const ABBREVIATION: usize = 3;

/// Latin letters with marks, and the plain ones that they are read as.
const PLAIN: [(&str, &str); 14] = [
    ("àáâãäåāăąǎ", "a"),
    ("çćčĉċ", "c"),
    ("ďđð", "d"),
    ("èéêëēĕėęě", "e"),
    ("ĝğġģ", "g"),
    ("ìíîïĩīĭįıǐ", "i"),
    ("ĺļľłŀ", "l"),
    ("ñńņňŋ", "n"),
    ("òóôõöøōŏőǒ", "o"),
    ("ŕŗř", "r"),
    ("śŝşšß", "s"),
    ("ţťŧ", "t"),
    ("ùúûüũūŭůűųǔ", "u"),
    ("ýÿžźż", "y"),
];

/// The lexicon takes a moment to read: it is read at the first use.
fn lexicon() -> &'static Mutex<G2P> {
    static LEXICON: OnceLock<Mutex<G2P>> = OnceLock::new();
    LEXICON.get_or_init(|| Mutex::new(G2P::with_fallback(Language::EnglishUS, Some(Box::new(ByLetters)))))
}

/// A text as symbols, punctuation included.
pub(super) fn symbols(text: &str) -> String {
    if !text.chars().any(char::is_alphanumeric) {
        return text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    let text = words_apart(text);
    let known = lexicon().lock().unwrap_or_else(PoisonError::into_inner).g2p(&text);
    match known {
        Ok((symbols, _)) => symbols,
        Err(error) => {
            tracing::debug!(%error, "a text is read by its letters");
            text.split_whitespace().map(by_letters).collect::<Vec<_>>().join(" ")
        }
    }
}

/// `SecondMe` as two words; names such as McCarthy stay one.
fn words_apart(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut word = String::new();
    let mut before = ' ';
    for c in text.chars() {
        if before.is_lowercase()
            && c.is_uppercase()
            && !matches!(word.as_str(), "Mc" | "Mac" | "De" | "Di" | "La" | "O")
        {
            out.push(' ');
        }
        if c.is_alphabetic() {
            word.push(c)
        } else {
            word.clear()
        }
        out.push(c);
        before = c;
    }
    out
}

/// The words that the lexicon does not know.
struct ByLetters;

impl Fallback for ByLetters {
    fn phonemize(&self, word: &str) -> Result<String, FallbackError> {
        let sounds = by_letters(word);
        if sounds.is_empty() { Err(FallbackError::NoPhonemes { word: word.to_owned() }) } else { Ok(sounds) }
    }
}

fn by_letters(word: &str) -> String {
    let word: String = word.chars().map(plain).collect();
    let letters = word.chars().filter(char::is_ascii_alphabetic);
    let capitals = letters.clone().all(|c| c.is_ascii_uppercase());
    if word.chars().any(|c| c.is_ascii_digit()) {
        word.chars().filter(char::is_ascii_alphanumeric).map(name).collect::<Vec<_>>().join(" ")
    } else if capitals && (1..=ABBREVIATION).contains(&letters.count()) {
        letters::spelled(&word)
    } else {
        letters::sound_out(&word)
    }
}

fn plain(c: char) -> char {
    let lower = c.to_lowercase().next().unwrap_or(c);
    let found = PLAIN.iter().find(|(marked, _)| marked.contains(lower)).and_then(|(_, plain)| plain.chars().next());
    match found {
        Some(plain) if c.is_uppercase() => plain.to_ascii_uppercase(),
        Some(plain) => plain,
        None => c,
    }
}

/// A letter or digit by its name.
fn name(c: char) -> String {
    const DIGITS: [&str; 10] = ["zˈɪɹO", "wˈʌn", "tˈu", "θɹˈi", "fˈɔɹ", "fˈIv", "sˈɪks", "sˈɛvən", "ˈAt", "nˈIn"];
    match c.to_digit(10) {
        Some(digit) => DIGITS[digit as usize].to_owned(),
        None => letters::spelled(&c.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_sound_as_their_place_in_the_sentence_demands() {
        assert_eq!(symbols("Please read the report I read yesterday."), "plˈiz ɹˈid ðə ɹəpˈɔɹt ˌI ɹˈɛd jˈɛstəɹdˌA.");
    }

    #[test]
    fn no_name_is_left_out() {
        for name in ["Xiaoman", "Zuckerstein", "Blorptastic", "Ngozi", "Łukasz", "Brzęczyszczykiewicz"] {
            let said = symbols(&format!("I met {name} today."));
            let without = symbols("I met today.");
            assert!(!said.contains('❓'), "{said}");
            assert!(said.chars().count() > without.chars().count() + 3, "{name}: {said}");
        }
        assert_eq!(words_apart("SecondMe and McCarthy"), "Second Me and McCarthy");
    }

    #[test]
    fn numbers_and_abbreviations_are_said() {
        let said = symbols("In 2026 the API cost $3.50, about 40% less.");
        assert!(!said.contains('❓') && !said.chars().any(|c| c.is_ascii_digit()), "{said}");
        assert_eq!(by_letters("XQZ"), "ˈɛks kjˈu zˈi");
        assert_eq!(by_letters("b2c"), "bˈi tˈu sˈi");
    }
}
