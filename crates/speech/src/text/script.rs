//! Which writing a text is in, and with that the language in which it can be spoken.

use crate::{Language, SpeechError};

/// Letters of other writings are tolerated up to this share, in percent: a stray one is left out, a text in it is refused.
const FOREIGN_PERCENT: usize = 10;

/// The writing a character belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    Latin,
    Han,
    /// Another one, by its name.
    Other(&'static str),
    /// Digits, punctuation, signs, pictures.
    None,
}

/// Blocks of letters, by their first and last code point.
const BLOCKS: [(u32, u32, &str); 19] = [
    (0x0370, 0x03FF, "Greek"),
    (0x0400, 0x052F, "Cyrillic"),
    (0x0530, 0x058F, "Armenian"),
    (0x0590, 0x05FF, "Hebrew"),
    (0x0600, 0x077F, "Arabic"),
    (0x0900, 0x097F, "Devanagari"),
    (0x0980, 0x09FF, "Bengali"),
    (0x0A00, 0x0DFF, "an Indian script"),
    (0x0E00, 0x0E7F, "Thai"),
    (0x0E80, 0x0EFF, "Lao"),
    (0x0F00, 0x0FFF, "Tibetan"),
    (0x1000, 0x109F, "Burmese"),
    (0x10A0, 0x10FF, "Georgian"),
    (0x1100, 0x11FF, "Korean"),
    (0x1200, 0x139F, "Ethiopic"),
    (0x1780, 0x17FF, "Khmer"),
    (0x3040, 0x30FF, "Japanese"),
    (0x3130, 0x318F, "Korean"),
    (0xAC00, 0xD7AF, "Korean"),
];

pub(super) fn of(c: char) -> Script {
    let code = u32::from(c);
    match c {
        'ー' | '・' => Script::None,
        _ if c.is_ascii_alphabetic()
            || matches!(code, 0xC0..=0x24F | 0x1E00..=0x1EFF | 0xFF21..=0xFF5A) && c.is_alphabetic() =>
        {
            Script::Latin
        }
        '〇' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' => Script::Han,
        _ if !c.is_alphabetic() => Script::None,
        _ => Script::Other(
            BLOCKS.iter().find(|(from, to, _)| (*from..=*to).contains(&code)).map_or("another script", |b| b.2),
        ),
    }
}

/// The language of a text, by its writing: Chinese as soon as there are Chinese characters.
pub(super) fn language(text: &str) -> Option<Language> {
    let scripts = || text.chars().map(of);
    if scripts().any(|s| s == Script::Han) {
        Some(Language::Chinese)
    } else if scripts().any(|s| s == Script::Latin) || text.chars().any(|c| c.is_ascii_digit()) {
        Some(Language::English)
    } else {
        None
    }
}

/// Refuses a text of which more than a stray letter is in a writing that cannot be spoken.
pub(super) fn check(text: &str) -> Result<(), SpeechError> {
    let (mut own, mut foreign, mut name) = (0usize, 0usize, "");
    for script in text.chars().map(of) {
        match script {
            Script::Latin | Script::Han => own += 1,
            Script::Other(other) => {
                foreign += 1;
                name = other;
            }
            Script::None => {}
        }
    }
    if foreign * 100 > (own + foreign) * FOREIGN_PERCENT {
        return Err(SpeechError::Language(name.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_refused_by_the_name_of_its_writing() {
        for (text, name) in [
            ("Привет, как дела?", "Cyrillic"),
            ("こんにちは世界", "Japanese"),
            ("안녕하세요", "Korean"),
            ("नमस्ते दुनिया", "Devanagari"),
            ("مرحبا", "Arabic"),
        ] {
            assert_eq!(check(text), Err(SpeechError::Language(name.into())), "{text}");
        }
        assert_eq!(check("Hello world, 你好 😀 café — naïve: the β version is out, I think"), Ok(()));
        assert_eq!(check("12:30 😀"), Ok(()));
    }

    #[test]
    fn the_language_is_that_of_the_letters() {
        assert_eq!(language("我用Rust写代码"), Some(Language::Chinese));
        assert_eq!(language("I write Rust."), Some(Language::English));
        assert_eq!(language("2026"), Some(Language::English));
        assert_eq!(language("😀 … !"), None);
    }
}
