//! A text in pieces that are synthesised one by one: sentences, and parts of those that are too long.

use super::script::{self, Script};

/// A piece, and the silence behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub text: String,
    pub pause_ms: u32,
}

/// The silence behind a sentence, a line, a paragraph, and a part of a sentence.
const SENTENCE_MS: u32 = 260;
const LINE_MS: u32 = 380;
const PARAGRAPH_MS: u32 = 600;
const PART_MS: u32 = 90;

/// Words with a full stop that ends no sentence.
const ABBREVIATIONS: [&str; 16] =
    ["mr", "mrs", "ms", "dr", "prof", "st", "vs", "etc", "e.g", "i.e", "no", "jr", "sr", "approx", "dept", "fig"];

/// Cuts a text into pieces of at most `limit` units; a Chinese character counts as three (it is a syllable).
pub(crate) fn pieces(text: &str, limit: usize) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::new();
    for line in text.split('\n') {
        let line = line.trim();
        if line.is_empty() {
            if let Some(last) = out.last_mut() {
                last.pause_ms = PARAGRAPH_MS;
            }
            continue;
        }
        for sentence in sentences(line) {
            let mut parts =
                shorten(sentence, limit).into_iter().map(|text| Piece { text, pause_ms: PART_MS }).collect::<Vec<_>>();
            if let Some(last) = parts.last_mut() {
                last.pause_ms = SENTENCE_MS;
            }
            out.extend(parts);
        }
        if let Some(last) = out.last_mut() {
            last.pause_ms = LINE_MS;
        }
    }
    if let Some(last) = out.last_mut() {
        last.pause_ms = 0;
    }
    out
}

/// The text in parts of at most `limit` characters that end with a sentence, for engines that take more than one at once.
pub(crate) fn paragraphs(text: &str, limit: usize) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for piece in pieces(text, limit) {
        let fits = |last: &String| last.chars().count() + 1 + piece.text.chars().count() <= limit;
        match out.last_mut().filter(|last| fits(last)) {
            Some(last) => {
                last.push(if piece.pause_ms > SENTENCE_MS { '\n' } else { ' ' });
                last.push_str(&piece.text);
            }
            None => out.push(piece.text),
        }
    }
    out
}

/// The sentences of a line, each with its punctuation.
fn sentences(line: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut chars = line.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        let ends = match c {
            '。' | '！' | '？' | '…' => true,
            '!' | '?' => next.is_none_or(|n| !matches!(n, '!' | '?')),
            '；' | ';' => true,
            '.' => next.is_none_or(char::is_whitespace) && !is_abbreviation(&line[start..at]),
            _ => false,
        };
        let closes = |c: char| matches!(c, '"' | '”' | '’' | '」' | '』' | ')' | '）' | '。' | '！' | '？' | '…');
        if ends && !next.is_some_and(closes) || closes(c) && ended_inside(&line[start..at]) && !next.is_some_and(closes)
        {
            let end = at + c.len_utf8();
            out.push(line[start..end].trim());
            start = end;
        }
    }
    out.push(line[start..].trim());
    out.retain(|s| !s.is_empty());
    out
}

/// Whether the text before a closing quote ended a sentence.
fn ended_inside(before: &str) -> bool {
    before.ends_with(['.', '!', '?', '。', '！', '？', '…'])
}

fn is_abbreviation(before: &str) -> bool {
    let word = before
        .rsplit(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '\'' | '’')))
        .next()
        .unwrap_or("")
        .to_lowercase();
    let initial = word.chars().count() == 1 && word.chars().all(char::is_alphabetic);
    initial && word != "i" || ABBREVIATIONS.contains(&word.as_str())
}

fn weight(c: char) -> usize {
    if script::of(c) == Script::Han { 3 } else { 1 }
}

/// Parts of at most `limit` units: cut behind a comma if there is one in the second half, else at a space, else anywhere.
fn shorten(sentence: &str, limit: usize) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = sentence;
    loop {
        let mut used = 0;
        let (mut comma, mut space, mut end) = (None, None, None);
        for (at, c) in rest.char_indices() {
            used += weight(c);
            if used > limit {
                end = Some(at);
                break;
            }
            let behind = at + c.len_utf8();
            if matches!(c, ',' | '，' | '、' | ':' | '：' | '—') && used * 2 > limit {
                comma = Some(behind);
            } else if c.is_whitespace() {
                space = Some(behind);
            }
        }
        let Some(end) = end.filter(|end| *end > 0) else {
            out.push(rest.trim().to_owned());
            break;
        };
        let (head, tail) = rest.split_at(comma.or(space).unwrap_or(end));
        out.push(head.trim().to_owned());
        rest = tail;
    }
    out.retain(|part| !part.is_empty());
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(text: &str) -> Vec<String> {
        pieces(text, 240).into_iter().map(|p| p.text).collect()
    }

    #[test]
    fn sentences_end_where_people_pause() {
        assert_eq!(texts("Hello. How are you? Fine!"), ["Hello.", "How are you?", "Fine!"]);
        assert_eq!(
            texts("Dr. Smith paid 3.50 at J. Doe's. Really?!"),
            ["Dr. Smith paid 3.50 at J. Doe's.", "Really?!"]
        );
        assert_eq!(texts("你好。今天天气怎么样？很好！"), ["你好。", "今天天气怎么样？", "很好！"]);
        assert_eq!(texts("他说：“走吧。”我们走了。"), ["他说：“走吧。”", "我们走了。"]);
        assert_eq!(texts("One\n\nTwo"), ["One", "Two"]);
    }

    #[test]
    fn pauses_grow_with_the_break() {
        let pauses: Vec<u32> = pieces("Ann. Bob.\nCarl.\n\nDora.", 240).iter().map(|p| p.pause_ms).collect();
        assert_eq!(pauses, [SENTENCE_MS, LINE_MS, PARAGRAPH_MS, 0]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_is_too_long(text in "[a-z ,.!?。，你好世界\n]{0,300}") {
            let pieces = pieces(&text, 30);
            let letters = |s: &str| s.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            let joined: String = pieces.iter().map(|p| p.text.as_str()).collect();
            prop_assert_eq!(letters(&joined), letters(&text));
            for piece in &pieces {
                prop_assert!(piece.text.chars().map(weight).sum::<usize>() <= 30, "{:?}", piece);
            }
        }
    }
}
