//! How characters and words are read. The data is compiled in; the tables are built at the first use.

use std::collections::HashMap;
use std::sync::OnceLock;

use jieba_rs::Jieba;

const CHARACTERS: &str = include_str!("../../../data/characters.txt");
const WORDS: &str = include_str!("../../../data/words.txt");

struct Readings {
    characters: HashMap<char, &'static str>,
    words: HashMap<&'static str, &'static str>,
    jieba: Jieba,
}

fn readings() -> &'static Readings {
    static READINGS: OnceLock<Readings> = OnceLock::new();
    READINGS.get_or_init(|| {
        let lines = |data: &'static str| data.lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.split_once(' '));
        Readings {
            characters: lines(CHARACTERS).flat_map(|(reading, all)| all.chars().map(move |c| (c, reading))).collect(),
            words: lines(WORDS).collect(),
            jieba: Jieba::new(),
        }
    })
}

/// Whether a character is a Chinese one that can be read.
pub(in crate::text) fn is_readable(c: char) -> bool {
    readings().characters.contains_key(&c)
}

/// The words of a run of characters, each as its syllables.
pub(super) fn words(run: &str) -> Vec<Vec<&'static str>> {
    let readings = readings();
    readings.jieba.cut(run, true).into_iter().map(|word| syllables(readings, word.word)).collect()
}

fn syllables(readings: &Readings, word: &str) -> Vec<&'static str> {
    if let Some(known) = readings.words.get(word) {
        return known.split(' ').collect();
    }
    word.chars().filter_map(|c| readings.characters.get(&c).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        words(text).iter().map(|w| w.join(" ")).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn characters_with_several_readings_follow_their_word() {
        assert!(read("银行").contains("yin2 hang2"), "{}", read("银行"));
        assert!(read("行为").contains("xing2 wei2"));
        assert!(read("长江").contains("chang2 jiang1"));
        assert!(read("觉得").contains("jue2 de5"));
        assert!(read("重新").contains("chong2 xin1"));
    }

    #[test]
    fn every_line_of_the_data_is_sound() {
        let readings = readings();
        assert!(readings.characters.len() > 20_000 && readings.words.len() > 5_000);
        for syllable in readings.characters.values().copied().chain(readings.words.values().flat_map(|w| w.split(' ')))
        {
            assert!(super::super::syllable::symbols(syllable).is_some(), "{syllable}");
        }
        for (word, reading) in &readings.words {
            assert_eq!(word.chars().count(), reading.split(' ').count(), "{word}");
        }
    }
}
