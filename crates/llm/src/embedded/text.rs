//! Token bytes → text that may be sent: whole characters only, and nothing of a stop text.

/// Joins byte pieces to whole characters. What can never become a character turns into U+FFFD; an unfinished one waits.
#[derive(Default)]
pub(super) struct Characters {
    waiting: Vec<u8>,
}

impl Characters {
    /// The characters that are complete now.
    pub(super) fn push(&mut self, bytes: &[u8]) -> String {
        self.waiting.extend_from_slice(bytes);
        let mut text = String::new();
        loop {
            match std::str::from_utf8(&self.waiting) {
                Ok(rest) => {
                    text.push_str(rest);
                    self.waiting.clear();
                    return text;
                }
                Err(error) => {
                    let (good, bad) = (error.valid_up_to(), error.error_len());
                    text.push_str(&String::from_utf8_lossy(&self.waiting[..good]));
                    self.waiting.drain(..good + bad.unwrap_or(0));
                    if bad.is_none() {
                        return text;
                    }
                    text.push(char::REPLACEMENT_CHARACTER);
                }
            }
        }
    }
}

/// Cuts a text before the stop text that is complete first, holding back what may still become one.
pub(super) struct StopTexts {
    stops: Vec<String>,
    held: String,
}

/// What a piece of text turned into.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Passed {
    /// This much may be sent.
    On(String),
    /// This much, and then nothing more: a stop text came.
    Stopped(String),
}

impl StopTexts {
    pub(super) fn new(stops: &[String]) -> Self {
        Self { stops: stops.iter().filter(|s| !s.is_empty()).cloned().collect(), held: String::new() }
    }

    /// The next piece. How the text is cut into pieces changes nothing in what comes out in the end.
    pub(super) fn push(&mut self, piece: &str) -> Passed {
        self.held.push_str(piece);
        let found = self.stops.iter().filter_map(|stop| self.held.find(stop).map(|at| (at + stop.len(), at))).min();
        if let Some((_, at)) = found {
            self.held.truncate(at);
            return Passed::Stopped(std::mem::take(&mut self.held));
        }
        let keep = self.stops.iter().map(|stop| overlap(&self.held, stop)).max().unwrap_or(0);
        let rest = self.held.split_off(self.held.len() - keep);
        Passed::On(std::mem::replace(&mut self.held, rest))
    }

    /// What was held back, once it is known that no more comes.
    pub(super) fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

/// The length of the longest end of `text` that is a beginning of `stop`, the whole of it aside.
fn overlap(text: &str, stop: &str) -> usize {
    let longest = stop.len().saturating_sub(1).min(text.len());
    (1..=longest).rev().find(|&n| text.as_bytes()[text.len() - n..] == stop.as_bytes()[..n]).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the law says: cut before the stop text whose end comes first (of those, the one that begins first).
    fn cut<'a>(text: &'a str, stops: &[String]) -> &'a str {
        let real = stops.iter().filter(|s| !s.is_empty());
        let first = real.filter_map(|s| text.find(s.as_str()).map(|at| (at + s.len(), at))).min();
        first.map_or(text, |(_, at)| &text[..at])
    }

    fn filter(pieces: impl Iterator<Item = String>, stops: &[String]) -> String {
        let (mut filter, mut out) = (StopTexts::new(stops), String::new());
        for piece in pieces {
            match filter.push(&piece) {
                Passed::On(text) => out.push_str(&text),
                Passed::Stopped(text) => return out + &text,
            }
        }
        out + &filter.finish()
    }

    #[test]
    fn only_what_may_become_a_stop_text_waits() {
        let mut filter = StopTexts::new(&["\nUser:".into()]);
        assert_eq!(filter.push("hello\nUs"), Passed::On("hello".into()));
        assert_eq!(filter.push("ual"), Passed::On("\nUsual".into()));
        assert_eq!(filter.push(" x\nUser: y"), Passed::Stopped(" x".into()));
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        let mut characters = Characters::default();
        assert_eq!(characters.push(b"a\xffb\xe4"), "a\u{fffd}b");
        assert_eq!(characters.push(b"\xbd\xa0"), "你");
        assert_eq!(characters.push(b"\xf0\x9f"), "");
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter_to_stop_texts(
            text in "[ab你]{0,20}", stops in prop::collection::vec("[ab你]{0,4}", 0..4), size in 1usize..5,
        ) {
            let chars: Vec<char> = text.chars().collect();
            let pieces = chars.chunks(size).map(|c| c.iter().collect::<String>());
            prop_assert_eq!(filter(pieces, &stops), cut(&text, &stops));
        }

        #[test]
        fn pieces_do_not_matter_to_characters(text in "\\PC{0,20}", size in 1usize..4) {
            let mut characters = Characters::default();
            let out: String = text.as_bytes().chunks(size).map(|c| characters.push(c)).collect();
            prop_assert_eq!(out, text);
        }

        #[test]
        fn any_bytes_end_as_text_and_at_most_three_wait(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut characters = Characters::default();
            let out: String = bytes.chunks(3).map(|c| characters.push(c)).collect();
            prop_assert!(characters.waiting.len() <= 3);
            prop_assert!(String::from_utf8_lossy(&bytes).starts_with(&out));
        }
    }
}
