//! From text to what an engine says: cleaned, checked for its writing, cut into sentences, each as phonemes.

mod chinese;
mod clean;
mod english;
mod script;
pub(crate) mod sentences;

pub(crate) use sentences::Piece;

use crate::{Language, SpeechError};
use script::Script;

/// The pieces of a text that can be spoken in English and Chinese.
///
/// # Errors
/// `Language` for a text in another writing, `Nothing` where nothing can be said.
pub(crate) fn prepare(text: &str, limit: usize) -> Result<Vec<Piece>, SpeechError> {
    script::check(text)?;
    let mut pieces = sentences::pieces(&clean::spoken(text), limit);
    pieces.retain(|piece| language(&piece.text).is_some());
    if pieces.is_empty() { Err(SpeechError::Nothing) } else { Ok(pieces) }
}

/// The language of a piece; `None` when nothing in it can be said.
pub(crate) fn language(piece: &str) -> Option<Language> {
    script::language(piece)
}

/// A piece as Kokoro's symbols. English words in a Chinese sentence are read in English.
pub(crate) fn phonemes(piece: &str) -> String {
    let in_chinese = language(piece) == Some(Language::Chinese);
    let text = if in_chinese { chinese::written_out(piece) } else { piece.to_owned() };
    let mut out = String::new();
    for (is_han, run) in runs(&text) {
        let said = if is_han { chinese::symbols(&run) } else { english::symbols(&punctuated(&run)) };
        let glued =
            out.is_empty() || out.ends_with(' ') || said.starts_with(|c: char| c == ' ' || ",.!?;:…)”".contains(c));
        if !glued {
            out.push(' ');
        }
        out.push_str(&said);
    }
    out.trim().to_owned()
}

/// Runs of Chinese characters, and what stands between them.
fn runs(text: &str) -> Vec<(bool, String)> {
    let mut out: Vec<(bool, String)> = Vec::new();
    for c in text.chars() {
        let is_han = chinese::readings::is_readable(c);
        if !is_han && matches!(script::of(c), Script::Han | Script::Other(_)) {
            continue;
        }
        match out.last_mut() {
            Some((same, run)) if *same == is_han => run.push(c),
            _ => out.push((is_han, c.to_string())),
        }
    }
    out
}

/// Chinese and typographic punctuation as the network knows it.
fn punctuated(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '，' | '、' => out.push_str(", "),
            '。' | '．' => out.push_str(". "),
            '！' => out.push_str("! "),
            '？' => out.push_str("? "),
            '：' => out.push_str(": "),
            '；' => out.push_str("; "),
            '《' | '「' | '『' | '【' | '«' => out.push_str(" “"),
            '》' | '」' | '』' | '】' | '»' => out.push_str("” "),
            '（' => out.push_str(" ("),
            '）' => out.push_str(") "),
            '–' | '—' => out.push_str(" — "),
            '’' | '‘' => out.push('\''),
            '\u{FF01}'..='\u{FF5E}' => out.push(char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(' ')),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_stand_in_one_sentence() {
        let said = phonemes("我用Rust写代码。");
        assert!(said.starts_with("wo↓"), "{said}");
        assert!(said.contains("ɹˈʌst"), "{said}");
        assert!(said.ends_with('.'), "{said}");
    }

    /// What Kokoro's own front end makes of these; where a word ends is a matter of the dictionary's version.
    #[test]
    fn chinese_is_read_as_kokoro_was_trained() {
        for (text, expected) in [
            (
                "你好，我是林小满。我住在杭州，周末常在西湖边拍日出。",
                "ni↓xau↓, wo↓ ʂɨ↘ li↗nɕjau↓ma↓n. wo↓ ꭧu↘ ʦai↘ xa↗ŋꭧou→, ꭧou→mwo↘ ꭧʰa↗ŋʦai↘ ɕi→xu↗ pjɛ→n pʰai→ ɻɨ↘ꭧʰu→.",
            ),
            ("银行的行长觉得，重庆的会议很重要。", "i↗nxa↗ŋ tɤ xa↗ŋꭧa↓ŋ ʨɥe↗tɤ, ꭧʰʊ↗ŋʨʰi↘ŋ tɤ xwei↘i↘ xə↓n ꭧʊ↘ŋjau↘."),
            (
                "一个人不是一定要长大，还在写作业的学生都了解。",
                "i↗kɤ↘ ɻə↗n pu↗ʂɨ↘ i↗ti↘ŋ jau↘ ꭧa↓ŋta↘, xai↗ ʦai↘ ɕje↓ ʦwo↘je↘ tɤ ɕɥe↗ʂə→ŋ tou→ ljau↓ʨje↓.",
            ),
            ("股票涨了40%。", "ku↓pʰjau↘ ꭧa↓ŋ lɤ pai↓fə→nꭧɨ→sɨ↘ʂɨ↗."),
        ] {
            let plain = |symbols: &str| symbols.replace(' ', "");
            assert_eq!(plain(&phonemes(text)), plain(expected), "{text}");
        }
    }

    #[test]
    fn only_what_can_be_said_becomes_a_piece() {
        let texts = |text: &str| prepare(text, 200).map(|p| p.into_iter().map(|p| p.text).collect::<Vec<_>>());
        assert_eq!(texts("Hi! 😀 … !"), Ok(vec!["Hi!".to_owned()]));
        assert_eq!(texts(" \n😀"), Err(SpeechError::Nothing));
        assert_eq!(texts("Здравствуйте"), Err(SpeechError::Language("Cyrillic".into())));
    }
}
