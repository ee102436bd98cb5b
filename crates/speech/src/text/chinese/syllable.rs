//! Pinyin to the symbols that Kokoro was trained on: IPA with the tone as an arrow behind the syllable's vowel.

/// Initials, the long ones first so that the first match is the right one.
const INITIALS: [(&str, &str); 21] = [
    ("zh", "ꭧ"),
    ("ch", "ꭧʰ"),
    ("sh", "ʂ"),
    ("b", "p"),
    ("p", "pʰ"),
    ("m", "m"),
    ("f", "f"),
    ("d", "t"),
    ("t", "tʰ"),
    ("n", "n"),
    ("l", "l"),
    ("g", "k"),
    ("k", "kʰ"),
    ("h", "x"),
    ("j", "ʨ"),
    ("q", "ʨʰ"),
    ("x", "ɕ"),
    ("r", "ɻ"),
    ("z", "ʦ"),
    ("c", "ʦʰ"),
    ("s", "s"),
];

/// Finals in their full spelling (`iou`, not `iu`; `v` for ü): what stands before and behind the tone.
const FINALS: [(&str, &str, &str); 36] = [
    ("a", "a", ""),
    ("ai", "ai", ""),
    ("an", "a", "n"),
    ("ang", "a", "ŋ"),
    ("ao", "au", ""),
    ("e", "ɤ", ""),
    ("ei", "ei", ""),
    ("en", "ə", "n"),
    ("eng", "ə", "ŋ"),
    ("er", "ɚ", ""),
    ("i", "i", ""),
    ("ia", "ja", ""),
    ("ian", "jɛ", "n"),
    ("iang", "ja", "ŋ"),
    ("iao", "jau", ""),
    ("ie", "je", ""),
    ("in", "i", "n"),
    ("ing", "i", "ŋ"),
    ("iong", "jʊ", "ŋ"),
    ("iou", "jou", ""),
    ("o", "wo", ""),
    ("ong", "ʊ", "ŋ"),
    ("ou", "ou", ""),
    ("u", "u", ""),
    ("ua", "wa", ""),
    ("uai", "wai", ""),
    ("uan", "wa", "n"),
    ("uang", "wa", "ŋ"),
    ("uei", "wei", ""),
    ("uen", "wə", "n"),
    ("ueng", "wə", "ŋ"),
    ("uo", "wo", ""),
    ("v", "y", ""),
    ("van", "ɥɛ", "n"),
    ("ve", "ɥe", ""),
    ("vn", "y", "n"),
];

/// Syllables that are not an initial with a final: interjections, and consonants that stand alone.
const OTHERS: [(&str, &str, &str); 6] =
    [("o", "ɔ", ""), ("hm", "hm", ""), ("hng", "hŋ", ""), ("m", "m", ""), ("n", "n", ""), ("ng", "ŋ", "")];

/// One syllable, such as `zhong1` or `lv4`; `None` if it is not one.
pub(super) fn symbols(syllable: &str) -> Option<String> {
    let (letters, tone) = syllable.split_at_checked(syllable.len().checked_sub(1)?)?;
    let tone = match tone {
        "1" => "→",
        "2" => "↗",
        "3" => "↓",
        "4" => "↘",
        "5" => "",
        _ => return None,
    };
    if let Some((_, before, behind)) = OTHERS.iter().find(|(name, ..)| *name == letters) {
        return Some(format!("{before}{tone}{behind}"));
    }
    let (initial, rest) = INITIALS
        .iter()
        .find_map(|(name, _)| letters.strip_prefix(name).map(|rest| (*name, rest)))
        .unwrap_or(("", letters));
    let full = full_final(initial, rest);
    let (_, before, behind) = FINALS.iter().find(|(name, ..)| *name == full)?;
    let onset = INITIALS.iter().find(|(name, _)| *name == initial).map_or("", |(_, ipa)| ipa);
    // Behind hissing initials, `i` is only a humming of the same place.
    let buzzes = full == "i" && matches!(initial, "zh" | "ch" | "sh" | "r" | "z" | "c" | "s");
    Some(format!("{onset}{}{tone}{behind}", if buzzes { "ɨ" } else { before }))
}

/// The final in full: what spelling hides after `y`, `w`, `j q x`, and in `iu ui un`.
fn full_final(initial: &str, rest: &str) -> String {
    match (initial, rest) {
        ("", "yo") => "o".to_owned(),
        ("", "you") => "iou".to_owned(),
        ("", "wei") => "uei".to_owned(),
        ("", "wen") => "uen".to_owned(),
        ("", _) => {
            if let Some(tail) = rest.strip_prefix("yu") {
                format!("v{tail}").replace("vang", "uang")
            } else if let Some(tail) = rest.strip_prefix("yi") {
                format!("i{tail}")
            } else if let Some(tail) = rest.strip_prefix('y') {
                format!("i{tail}")
            } else if let Some(tail) = rest.strip_prefix("wu") {
                format!("u{tail}")
            } else if let Some(tail) = rest.strip_prefix('w') {
                format!("u{tail}")
            } else {
                rest.to_owned()
            }
        }
        ("j" | "q" | "x", _) if rest.starts_with('u') => format!("v{}", &rest[1..]),
        (_, "iu") => "iou".to_owned(),
        (_, "ui") => "uei".to_owned(),
        (_, "un") => "uen".to_owned(),
        _ => rest.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_syllable_is_what_the_network_was_trained_on() {
        let mut count = 0;
        for line in include_str!("../../../data/syllables.test.txt").lines().filter(|l| !l.starts_with('#')) {
            let (syllable, expected) = line.split_once(' ').unwrap();
            assert_eq!(symbols(syllable).as_deref(), Some(expected), "{syllable}");
            count += 1;
        }
        assert!(count > 1_300, "{count}");
    }

    #[test]
    fn what_is_no_syllable_has_no_sound() {
        for wrong in ["", "1", "zh1", "xyz1", "ma", "ma6", "好", "好1"] {
            assert_eq!(symbols(wrong), None, "{wrong}");
        }
    }
}
