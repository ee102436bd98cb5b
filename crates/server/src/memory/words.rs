//! How alike two texts are, by their words: what the door of key memories decides with. Pure and deterministic.

use std::collections::BTreeSet;

use secondme_kit::secret::sha256;

/// A text as a set of words, and what must not differ between two texts that say the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bag {
    /// Stems of the words that mean something; of Chinese and Japanese, pairs of characters.
    words: BTreeSet<String>,
    /// Numbers, as written.
    numbers: BTreeSet<String>,
    /// Whether it denies something.
    denies: bool,
}

/// Words that say little by themselves.
const SMALL: [&str; 74] = [
    "a", "an", "the", "is", "are", "was", "were", "be", "been", "am", "has", "have", "had", "do", "does", "did", "to",
    "of", "in", "on", "at", "for", "with", "and", "or", "but", "that", "this", "it", "its", "he", "she", "they", "i",
    "me", "my", "you", "your", "his", "her", "their", "them", "him", "we", "our", "us", "as", "by", "from", "about",
    "so", "very", "really", "just", "also", "too", "will", "would", "can", "could", "there", "user", "owner", "person",
    "who", "which", "when", "than", "then", "s", "where", "what", "im", "ive",
];
const DENIALS: [&str; 12] =
    ["not", "no", "never", "nor", "without", "none", "cannot", "cant", "dont", "doesnt", "isnt", "stopped"];
const DENIALS_CJK: [char; 5] = ['不', '没', '沒', '無', '无'];

/// What people say without telling anything.
const SMALL_TALK: [&str; 44] = [
    "thanks",
    "thank",
    "nice",
    "great",
    "cool",
    "good",
    "ok",
    "okay",
    "yes",
    "yeah",
    "hello",
    "hi",
    "hey",
    "bye",
    "morning",
    "evening",
    "night",
    "please",
    "sorry",
    "sure",
    "fine",
    "wow",
    "lol",
    "right",
    "know",
    "see",
    "welcome",
    "well",
    "indeed",
    "exactly",
    "interesting",
    "lovely",
    "lot",
    "much",
    "谢谢",
    "你好",
    "好的",
    "早上",
    "上好",
    "晚安",
    "再见",
    "是的",
    "好",
    "嗯",
];

/// The words of a text in lower case with single spaces: two texts that differ in case, marks or spaces only are equal.
pub fn normal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            out.push(c);
        } else if c != '\'' && c != '’' && !out.ends_with(' ') && !out.is_empty() {
            out.push(' ');
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// SHA-256 of [`normal`]: equal for texts that say the same in the same words.
pub fn fingerprint(text: &str) -> [u8; 32] {
    sha256(normal(text).as_bytes())
}

impl Bag {
    /// The words of a text.
    pub fn of(text: &str) -> Self {
        let mut this = Self::default();
        for word in normal(text).split(' ').filter(|word| !word.is_empty()) {
            if word.chars().any(is_cjk) {
                this.add_cjk(word);
            } else {
                this.add(word);
            }
        }
        this
    }

    fn add(&mut self, word: &str) {
        if DENIALS.contains(&word) {
            self.denies = true;
        } else if word.chars().any(|c| c.is_ascii_digit()) {
            self.numbers.insert(word.to_owned());
            self.words.insert(word.to_owned());
        } else if !SMALL.contains(&word) {
            self.words.insert(stem(word));
        }
    }

    fn add_cjk(&mut self, run: &str) {
        let chars: Vec<char> = run.chars().collect();
        self.denies |= chars.iter().any(|c| DENIALS_CJK.contains(c));
        let digits: String = chars.iter().filter(|c| c.is_ascii_digit()).collect();
        if !digits.is_empty() {
            self.numbers.insert(digits);
        }
        if let [only] = chars.as_slice() {
            self.words.insert(only.to_string());
        }
        self.words.extend(chars.windows(2).map(|pair| pair.iter().collect::<String>()));
    }

    /// Whether there is no word that means something.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Whether there is nothing in it but greetings, thanks and the like.
    pub fn is_small_talk(&self) -> bool {
        self.words.iter().all(|word| SMALL_TALK.iter().any(|talk| talk == word || stem(talk) == *word))
    }

    /// From 0 (no word in common) to 1 (the same words).
    pub fn likeness(&self, other: &Self) -> f64 {
        let common = self.words.intersection(&other.words).count();
        share(common, self.words.len() + other.words.len() - common)
    }

    /// How much of this text's words the other one has, from 0 to 1.
    pub fn covered_by(&self, other: &Self) -> f64 {
        share(self.words.intersection(&other.words).count(), self.words.len())
    }

    /// Whether the two differ in a number or in denying something: alike as they may be, they do not say the same.
    pub fn disagrees(&self, other: &Self) -> bool {
        self.numbers != other.numbers || self.denies != other.denies
    }

    /// The same without these words: a name that all texts have in common says nothing.
    #[must_use]
    pub fn without(mut self, other: &Self) -> Self {
        self.words.retain(|word| !other.words.contains(word));
        self
    }

    /// Adds the words of another text.
    pub fn extend(&mut self, other: &Self) {
        self.words.extend(other.words.iter().cloned());
        self.numbers.extend(other.numbers.iter().cloned());
        self.denies |= other.denies;
    }

    /// The words, in order.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(String::as_str)
    }
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// A crude stem: enough that `plays`, `played` and `playing` are one word.
fn stem(word: &str) -> String {
    for ending in ["ings", "ing", "ied", "ies", "ed", "es", "s", "e", "ly"] {
        if let Some(root) = word.strip_suffix(ending).filter(|root| root.len() >= 3) {
            if ending.starts_with("ie") {
                return format!("{root}y");
            }
            let doubled = ending.starts_with(['i', 'e']) && ends_doubled(root);
            return root[..root.len() - usize::from(doubled)].to_owned();
        }
    }
    word.to_owned()
}

/// `swimm`, `plann`: the last consonant was doubled for the ending. `fall`, `miss` and `buzz` are words themselves.
fn ends_doubled(root: &str) -> bool {
    let mut last = root.bytes().rev();
    let (Some(a), Some(b)) = (last.next(), last.next()) else { return false };
    a == b && a.is_ascii_lowercase() && !b"aeioulsz".contains(&a)
}

fn is_cjk(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_same_said_differently_is_alike() {
        let like = |a: &str, b: &str| Bag::of(a).likeness(&Bag::of(b));
        assert!(like("Ada plays the cello", "ada is playing cello!") > 0.99);
        assert!(like("Ada lives in Lisbon", "Ada plays the cello") < 0.4);
        assert!(like("我住在里斯本", "我住在里斯本。") > 0.99);
        assert!(like("我住在里斯本", "我喜欢大提琴") < 0.2);
        assert_eq!(fingerprint("It's  TEA!"), fingerprint("its tea"));
    }

    #[test]
    fn greetings_and_thanks_say_nothing() {
        for text in ["Thanks, that is nice", "Good morning!", "ok, sure", "谢谢", ""] {
            assert!(Bag::of(text).is_small_talk(), "{text}");
        }
        assert!(!Bag::of("Thanks for the tea").is_small_talk() && !Bag::of("我喜欢茶").is_small_talk());
    }

    #[test]
    fn numbers_and_denials_are_differences() {
        let differ = |a: &str, b: &str| Bag::of(a).disagrees(&Bag::of(b));
        assert!(differ("Ada has 2 cats", "Ada has 3 cats") && differ("Ada likes tea", "Ada does not like tea"));
        assert!(differ("我喜欢茶", "我不喜欢茶") && !differ("Ada likes tea", "Ada likes green tea"));
    }

    proptest! {
        #[test]
        fn likeness_is_a_share_and_symmetric(a in ".{0,60}", b in ".{0,60}") {
            let (x, y) = (Bag::of(&a), Bag::of(&b));
            let like = x.likeness(&y);
            prop_assert!((0.0..=1.0).contains(&like) && (like - y.likeness(&x)).abs() < 1e-12);
            prop_assert!(x.is_empty() || (x.likeness(&x) - 1.0).abs() < 1e-12);
            prop_assert_eq!(normal(&normal(&a)), normal(&a));
        }
    }
}
