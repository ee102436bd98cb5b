//! Small signs in a description: optional, nullable, a list of allowed values.

use crate::chars::{closers, is_bar, is_close_paren, is_colon, is_open_paren, is_wide};

/// `optional`, 可选 and their like (可选值 means "allowed values").
pub(crate) fn optional(text: &str) -> bool {
    let low = text.to_lowercase();
    let english =
        ["optional", "may be omitted", "can be omitted", "if any", "if applicable", "not required", "omit if"];
    let chinese = ["选填", "可省略", "非必填", "非必须", "可不填", "可以省略", "可缺省"];
    if ["not optional", "non-optional", "非可选", "不可选", "不可省略"].iter().any(|w| low.contains(w)) {
        return false;
    }
    let chosen = low.match_indices("可选").any(|(at, word)| {
        let after = low.get(at + word.len()..).unwrap_or_default();
        !after.starts_with(['值', '项', '为', '是', '取', '范', '的', '：', ':', '类', '枚'])
    });
    english.iter().chain(&chinese).any(|w| low.contains(w)) || chosen
}

/// `or null`, 可为空 and their like.
pub(crate) fn nullable(text: &str) -> bool {
    let low = text.to_lowercase();
    let refused = [
        "not null",
        "non-null",
        "nonnull",
        "not be null",
        "never null",
        "non null",
        "不为null",
        "不能为null",
        "不可为null",
        "非null",
    ];
    let squeezed: String = low.chars().filter(|c| !c.is_whitespace()).collect();
    if refused.iter().any(|w| low.contains(w) || squeezed.contains(w))
        || ["不可为空", "不能为空", "不为空", "不可以为空", "不得为空", "非空"].iter().any(|w| squeezed.contains(w))
    {
        return false;
    }
    let null = low.match_indices("null").any(|(at, _)| {
        let before = low.get(..at).and_then(|s| s.chars().next_back());
        let after = low.get(at + 4..).unwrap_or_default();
        !before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
            && (after.starts_with("able") || !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
    });
    null || ["可为空", "可以为空", "允许为空", "可空"].iter().any(|w| squeezed.contains(w))
}

const STRONG: [&str; 33] = [
    "must be exactly one of",
    "must be one of",
    "should be one of",
    "has to be one of",
    "can only be one of",
    "can be one of",
    "is one of",
    "exactly one of",
    "one of",
    "must be either",
    "is either",
    "either",
    "can only be",
    "may only be",
    "must only be",
    "allowed values are",
    "allowed values",
    "possible values are",
    "possible values",
    "valid values are",
    "valid values",
    "choose from",
    "enum",
    "options",
    "只能是",
    "只能为",
    "只能取",
    "只能从",
    "取值为",
    "可选值为",
    "可选值",
    "取值",
    "枚举",
];
const WEAK: [&str; 12] =
    ["must be", "should be", "can be", "values", "is", "are", "必须是", "必须为", "应为", "可以是", "为", "是"];

/// The allowed values that a text names. With `lead` the text must begin with words that announce them; without it a bare
/// list with `|` or `/` is taken as well.
pub(crate) fn allowed(text: &str, lead: bool) -> Option<Vec<String>> {
    let (rest, strength) = announced(text);
    let closed = ["之一", "中的一个", "其中之一", "三选一", "二选一"].iter().find_map(|end| rest.split_once(end));
    let (rest, strong) = closed.map_or((rest, strength == Some(true)), |(head, _)| (head, true));
    let list = split_list(rest)?;
    if list.items.len() < 2 {
        return None;
    }
    let ascii_in_chinese =
        strength == Some(false) && text.chars().any(is_wide) && list.items.iter().all(|s| s.is_ascii());
    let clear = strong || list.quoted || list.bars || ascii_in_chinese && !list.and;
    let begun = strength.is_some() || strong;
    (clear && (begun || (!lead && (list.bars || list.quoted)))).then_some(list.items)
}

/// What follows the words that announce a list, and whether those leave no doubt.
fn announced(text: &str) -> (&str, Option<bool>) {
    let trim = |s: &str| -> usize {
        s.len() - s.trim_start_matches(|c: char| c.is_whitespace() || is_colon(c) || c == '-' || c == '*').len()
    };
    let mut rest = text.get(trim(text)..).unwrap_or_default();
    let mut strength = None;
    for filler in ["the value", "the", "value", "field", "字段", "的取值", "的值", "值"] {
        rest = strip_word(rest, filler).unwrap_or(rest);
    }
    for (words, strong) in [(STRONG.as_slice(), true), (WEAK.as_slice(), false), (STRONG.as_slice(), true)] {
        if let Some(after) = words.iter().find_map(|word| strip_word(rest, word)) {
            rest = after;
            strength = Some(strong || strength == Some(true));
        }
    }
    rest = rest.get(trim(rest)..).unwrap_or_default();
    let colon = text.trim_start().starts_with(is_colon);
    (rest, strength.or(if colon { Some(false) } else { None }))
}

fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || is_colon(c));
    let head = text.get(..word.len())?;
    let rest = text.get(word.len()..)?;
    let whole = !word.is_ascii() || !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    (head.eq_ignore_ascii_case(word) && whole).then_some(rest)
}

pub(crate) struct List {
    pub items: Vec<String>,
    /// Every item stands in quotes.
    pub quoted: bool,
    /// The items are separated by `|` or `/` only.
    pub bars: bool,
    /// `and` or 和 is among the separators.
    pub and: bool,
}

/// Short single words between separators, up to the end of the sentence; nothing when any of them is not a word.
pub(crate) fn split_list(text: &str) -> Option<List> {
    let mut list = List { items: vec![], quoted: true, bars: true, and: false };
    let chars: Vec<char> = text.chars().collect();
    let (mut word, mut at) = (String::new(), 0);
    while let Some(&c) = chars.get(at) {
        let next = chars.get(at + 1);
        if matches!(c, '。' | '；' | ';' | '\n' | '!' | '！') || (c == '.' && next.is_none_or(|n| n.is_whitespace()))
        {
            break;
        }
        if is_open_paren(c) {
            at = chars.iter().skip(at).position(|c| is_close_paren(*c)).map(|n| at + n + 1)?;
        } else if !closers(c).is_empty() && word.trim().is_empty() {
            let close = chars.iter().skip(at + 1).position(|c2| closers(c).contains(c2))?;
            list.items.push(chars.iter().skip(at + 1).take(close).collect());
            at += close + 2;
        } else if is_bar(c) || matches!(c, '/' | ',' | '，' | '、') {
            list.bars &= is_bar(c) || c == '/';
            list.push(&mut word)?;
            at += 1;
        } else if let Some((len, and)) = conjunction(&chars, at) {
            list.bars = false;
            list.and |= and;
            list.push(&mut word)?;
            at += len;
        } else {
            word.push(c);
            at += 1;
        }
    }
    list.push(&mut word)?;
    list.items.dedup();
    let distinct = list.items.iter().enumerate().all(|(i, a)| list.items.iter().skip(i + 1).all(|b| a != b));
    (distinct && list.items.len() <= 64).then_some(list)
}

impl List {
    fn push(&mut self, word: &mut String) -> Option<()> {
        let text = std::mem::take(word);
        let text = text.trim().trim_matches('*');
        if text.is_empty() || text == "=" {
            return Some(());
        }
        self.quoted = false;
        if !single(text) {
            return None;
        }
        self.items.push(text.to_owned());
        Some(())
    }
}

/// A word that may be one of the values of an enumeration.
pub(crate) fn single(text: &str) -> bool {
    let wide = text.chars().filter(|c| is_wide(*c)).count();
    let fits = if wide > 0 { text.chars().count() <= 8 } else { text.len() <= 40 };
    fits && text.contains(char::is_alphanumeric)
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '+' | '.' | '&'))
}

fn conjunction(chars: &[char], at: usize) -> Option<(usize, bool)> {
    for (word, and) in [("或者", false), ("还是", false), ("或", false), ("和", true), ("or", false), ("and", true)]
    {
        let len = word.chars().count();
        let here = chars.iter().skip(at).take(len).copied().eq(word.chars());
        let edge =
            |at: Option<usize>| at.and_then(|at| chars.get(at)).is_none_or(|c| !c.is_ascii_alphanumeric() && *c != '_');
        if here && (!word.is_ascii() || (edge(at.checked_sub(1)) && edge(Some(at + len)))) {
            return Some((len, and));
        }
    }
    None
}

/// "Return a JSON array, each item:" before a structure: the answer is an array of it. Anything vaguer is not taken for that.
pub(crate) fn listed(before: &str) -> bool {
    let low: String = before.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
    if ["array of", "list of", "array of objects", "list of objects"]
        .iter()
        .any(|w| low.trim_end_matches([':', ' ', '`']).ends_with(w))
    {
        return true;
    }
    let verbs = ["return", "output", "respond with", "reply with", "produce", "返回", "输出", "给出", "生成"];
    let each = ["each", "every", "of objects", "每个元素", "每一项", "每项", "每条", "元素为", "元素格式", "每个对象"];
    verbs.iter().filter_map(|verb| low.rsplit_once(verb)).any(|(_, after)| {
        let after = after.trim_start_matches([' ', '：', ':']);
        let after = ["only ", "a ", "an ", "the ", "一个", "json ", "json", "只含"]
            .iter()
            .fold(after, |s, w| s.strip_prefix(w).unwrap_or(s).trim_start());
        let list = ["array", "list", "数组", "列表"].iter().find_map(|w| after.trim_start().strip_prefix(w));
        list.is_some_and(|rest| each.iter().any(|w| rest.contains(w)))
    })
}
