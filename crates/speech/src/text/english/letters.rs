//! A word that the lexicon does not know, by its letters: no name is ever left out.

use std::collections::HashMap;
use std::sync::OnceLock;

const RULES: &str = include_str!("../../../data/letters.txt");
/// The symbols that are vowels: one of them carries the stress.
const VOWELS: &str = "AIOWYiuɑɔɛɜɪʊʌæə";
/// Those that never carry it while there is another one.
const WEAK: &str = "ə";

struct Rule {
    left: &'static str,
    letters: &'static str,
    right: &'static str,
    sounds: &'static str,
}

fn rules() -> &'static HashMap<u8, Vec<Rule>> {
    static TABLE: OnceLock<HashMap<u8, Vec<Rule>>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table: HashMap<u8, Vec<Rule>> = HashMap::new();
        for rule in RULES.lines().filter(|line| !line.starts_with("# ")).filter_map(parse) {
            if let Some(first) = rule.letters.bytes().next() {
                table.entry(first).or_default().push(rule);
            }
        }
        table
    })
}

fn parse(line: &'static str) -> Option<Rule> {
    let (left, rest) = line.split_once('[')?;
    let (letters, rest) = rest.split_once(']')?;
    let (right, sounds) = rest.split_once('=')?;
    Some(Rule { left, letters, right, sounds })
}

/// The sounds of a word (ASCII letters; anything else is skipped), with the stress marked.
pub(super) fn sound_out(word: &str) -> String {
    let word: Vec<u8> =
        word.bytes().filter(|b| b.is_ascii_alphabetic() || *b == b'\'').map(|b| b.to_ascii_lowercase()).collect();
    let has_vowel = word.iter().any(|&b| is_vowel(b));
    if !has_vowel {
        return names(&word);
    }
    let mut sounds = String::new();
    let mut at = 0;
    while at < word.len() {
        let fits = rules().get(&word[at]).and_then(|rules| rules.iter().find(|rule| applies(rule, &word, at)));
        match fits {
            Some(rule) => {
                sounds.push_str(rule.sounds);
                at += rule.letters.len();
            }
            None => at += 1,
        }
    }
    if sounds.contains(|c| VOWELS.contains(c)) { stressed(&sounds) } else { names(&word) }
}

/// Letters by their names: `HTTP`.
pub(super) fn spelled(word: &str) -> String {
    names(word.as_bytes())
}

fn names(word: &[u8]) -> String {
    let letters = word.iter().filter(|b| b.is_ascii_alphabetic());
    letters.map(|b| letter_name(b.to_ascii_lowercase())).collect::<Vec<_>>().join(" ")
}

fn letter_name(letter: u8) -> &'static str {
    const NAMES: [&str; 26] = [
        "ˈA",
        "bˈi",
        "sˈi",
        "dˈi",
        "ˈi",
        "ˈɛf",
        "ʤˈi",
        "ˈAʧ",
        "ˈI",
        "ʤˈA",
        "kˈA",
        "ˈɛl",
        "ˈɛm",
        "ˈɛn",
        "ˈO",
        "pˈi",
        "kjˈu",
        "ˈɑɹ",
        "ˈɛs",
        "tˈi",
        "jˈu",
        "vˈi",
        "dˈʌbᵊljˌu",
        "ˈɛks",
        "wˈI",
        "zˈi",
    ];
    NAMES.get(usize::from(letter.wrapping_sub(b'a'))).copied().unwrap_or("")
}

fn is_vowel(letter: u8) -> bool {
    matches!(letter, b'a' | b'e' | b'i' | b'o' | b'u' | b'y')
}

fn is_consonant(letter: u8) -> bool {
    letter.is_ascii_lowercase() && !is_vowel(letter)
}

fn applies(rule: &Rule, word: &[u8], at: usize) -> bool {
    let end = at + rule.letters.len();
    word.get(at..end) == Some(rule.letters.as_bytes())
        && fits_right(rule.right.as_bytes(), &word[end..])
        && fits_left(rule.left.as_bytes(), &word[..at])
}

/// The context behind the letters; `rest` begins right behind them.
fn fits_right(pattern: &[u8], rest: &[u8]) -> bool {
    let Some((&sign, more)) = pattern.split_first() else { return true };
    let starts = |length: usize| rest.len() >= length && fits_right(more, &rest[length..]);
    match sign {
        b'_' => rest.first().is_none_or(|&b| b == b'\'') && fits_right(more, rest),
        b'#' => run(rest.iter(), is_vowel).is_some_and(starts),
        b':' => starts(rest.iter().take_while(|&&b| is_consonant(b)).count()),
        b'^' => rest.first().is_some_and(|&b| is_consonant(b)) && starts(1),
        b'.' => rest.first().is_some_and(|&b| is_voiced(b)) && starts(1),
        b'+' => rest.first().is_some_and(|b| b"eiy".contains(b)) && starts(1),
        b'&' => hissing(rest).is_some_and(starts),
        b'@' => dental(rest).is_some_and(starts),
        b'%' => ["ely", "er", "es", "ed", "ing", "e"].iter().any(|suffix| {
            rest.starts_with(suffix.as_bytes()) && rest.get(suffix.len()).is_none() && starts(suffix.len())
        }),
        letter => rest.first() == Some(&letter) && starts(1),
    }
}

/// The context before the letters, read from right to left.
fn fits_left(pattern: &[u8], before: &[u8]) -> bool {
    let Some((&sign, more)) = pattern.split_last() else { return true };
    let ends = |length: usize| before.len() >= length && fits_left(more, &before[..before.len() - length]);
    let last = before.last().copied();
    match sign {
        b'_' => before.is_empty() && fits_left(more, before),
        b'#' => run(before.iter().rev(), is_vowel).is_some_and(ends),
        b':' => ends(before.iter().rev().take_while(|&&b| is_consonant(b)).count()),
        b'^' => last.is_some_and(is_consonant) && ends(1),
        b'.' => last.is_some_and(is_voiced) && ends(1),
        b'+' => last.is_some_and(|b| b"eiy".contains(&b)) && ends(1),
        b'&' => {
            let two = before.ends_with(b"ch") || before.ends_with(b"sh");
            if two { ends(2) } else { last.is_some_and(|b| b"scgzxj".contains(&b)) && ends(1) }
        }
        b'@' => {
            let two = [b"th", b"ch", b"sh"].iter().any(|pair| before.ends_with(*pair));
            if two { ends(2) } else { last.is_some_and(|b| b"tsrdlznj".contains(&b)) && ends(1) }
        }
        letter => last == Some(letter) && ends(1),
    }
}

fn run<'a>(letters: impl Iterator<Item = &'a u8>, is: fn(u8) -> bool) -> Option<usize> {
    let count = letters.take_while(|&&b| is(b)).count();
    (count > 0).then_some(count)
}

fn is_voiced(letter: u8) -> bool {
    b"bdvgjlmnrwz".contains(&letter)
}

fn hissing(rest: &[u8]) -> Option<usize> {
    if rest.starts_with(b"ch") || rest.starts_with(b"sh") {
        return Some(2);
    }
    rest.first().filter(|b| b"scgzxj".contains(b)).map(|_| 1)
}

fn dental(rest: &[u8]) -> Option<usize> {
    if [b"th", b"ch", b"sh"].iter().any(|pair| rest.starts_with(*pair)) {
        return Some(2);
    }
    rest.first().filter(|b| b"tsrdlznj".contains(b)).map(|_| 1)
}

/// Marks one vowel: the one before `-tion` and its like, the last but one of a long word that ends in a vowel (most names
/// of that form), otherwise the first full one.
fn stressed(sounds: &str) -> String {
    let vowels: Vec<usize> = sounds.char_indices().filter(|(_, c)| VOWELS.contains(*c)).map(|(at, _)| at).collect();
    let is_full = |at: &&usize| !sounds[**at..].starts_with(WEAK);
    let ends_open = sounds.chars().last().is_some_and(|c| VOWELS.contains(c));
    let before_ending = ["ʃən", "ʒən", "ɪk", "ɪʃ"].iter().find(|end| sounds.ends_with(**end) && vowels.len() > 1);
    let chosen = if before_ending.is_some() || (ends_open && vowels.len() > 2) {
        vowels.get(vowels.len() - 2)
    } else {
        vowels.iter().find(is_full).or(vowels.first())
    };
    match chosen {
        Some(&at) => format!("{}ˈ{}", &sounds[..at], &sounds[at..]),
        None => sounds.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_and_new_words_sound_like_their_letters() {
        for (word, sounds) in [
            ("Zuckerstein", "zˈʌkəɹstIn"),
            ("Babbage", "bˈæbɪʤ"),
            ("Yamamoto", "jæmæmˈOtO"),
            ("Blorptastic", "blɔɹptˈæstɪk"),
            ("Schmidt", "ʃmˈɪdt"),
            ("Anna", "ˈænə"),
            ("vlogger", "vlˈɑɡəɹ"),
        ] {
            assert_eq!(sound_out(word), sounds, "{word}");
        }
    }

    #[test]
    fn letters_without_a_vowel_are_spelled() {
        assert_eq!(sound_out("HTTP"), "ˈAʧ tˈi tˈi pˈi");
        assert_eq!(spelled("sql"), "ˈɛs kjˈu ˈɛl");
    }

    #[test]
    fn the_rules_are_sound() {
        let all = rules();
        assert_eq!(all.len(), 26, "a rule for every letter");
        for rule in all.values().flatten() {
            let known = |c: char| VOWELS.contains(c) || "bdfhjklmnpstvwzðŋɡɹʃʒʤʧθ".contains(c);
            assert!(rule.sounds.chars().all(known), "[{}]={}", rule.letters, rule.sounds);
        }
        for letter in 'a'..='z' {
            let last = all[&(letter as u8)].last().unwrap();
            let plain = last.letters.len() == 1 && last.left.is_empty() && last.right.is_empty();
            assert!(plain, "{letter} needs a rule that always fits, at the end");
        }
    }

    proptest! {
        #[test]
        fn no_word_is_silent(word in "[A-Za-z]{1,20}") {
            let sounds = sound_out(&word);
            prop_assert!(!sounds.is_empty(), "{word}");
            prop_assert!(sounds.contains('ˈ'), "{word}: {sounds}");
        }
    }
}
