//! Words and half-sentences in the place of a value: types, ranges, alternatives.

use crate::chars::is_wide;
use crate::kinds::{CLEAR, found_range, named_number, range, type_word, with_int};
use crate::marks::{allowed, single, split_list};
use crate::tree::literal_word;
use crate::ty::Ty;
use serde_json::Value;

/// The shape that a phrase in the place of a value describes; nothing when it only describes the content.
pub(crate) fn phrase(text: &str, key: &str, quoted: bool) -> Option<Ty> {
    let text = text.trim().trim_end_matches(['。', '；']).trim();
    let text = text.strip_prefix('<').and_then(|s| s.strip_suffix('>')).unwrap_or(text);
    if let Some(rest) = without_null(text) {
        return phrase(rest, key, quoted).map(Ty::or_null);
    }
    let kind = quoted && matches!(key, "type" | "kind" | "类型" | "dtype");
    type_word(text, quoted)
        .filter(|_| !kind)
        .or_else(|| whole_range(text, key, quoted))
        .or_else(|| alternatives(text, quoted))
        .or_else(|| led_by_type(text))
        .or_else(|| truth(text, key, quoted))
}

/// The text before a last "or null".
fn without_null(text: &str) -> Option<&str> {
    let rest = text.strip_suffix("null").or_else(|| text.strip_suffix("None"))?.trim_end();
    let rest = [" or", "或", "或者", ", or", "|"].iter().find_map(|word| rest.strip_suffix(word))?;
    (!rest.trim().is_empty()).then(|| rest.trim())
}

fn whole_range(text: &str, key: &str, quoted: bool) -> Option<Ty> {
    let body = text.trim_start_matches(['[', '(', '（']);
    let (ty, end) = range(body)?;
    let rest = body.get(end..).unwrap_or_default().trim_matches([' ', ']', ')', '）', ',', '，']);
    let said = named_number(rest);
    if quoted && said.is_none() && !measures(key) && rest.is_empty() && !body.contains('.') {
        return None;
    }
    let short = rest.chars().count() <= 12 || said.is_some();
    short.then(|| said.map_or_else(|| ty.clone(), |int| with_int(&ty, int)))
}

/// Keys whose values are figures, so that `"0-10"` between quotes is a range and not a text.
fn measures(key: &str) -> bool {
    let low = key.to_lowercase();
    let words = [
        "score",
        "rating",
        "confidence",
        "probability",
        "weight",
        "level",
        "percent",
        "rank",
        "count",
        "分",
        "度",
        "率",
        "概率",
        "权重",
        "intensity",
        "priority",
        "strength",
        "similarity",
    ];
    words.iter().any(|w| low.contains(w))
}

/// `like|dislike`, `true or false`, `string | null`, 喜欢/不喜欢
fn alternatives(text: &str, quoted: bool) -> Option<Ty> {
    if let Some(words) = allowed(text, true).filter(|_| !text.starts_with([':', '：'])) {
        return Some(enumeration(&words));
    }
    if text.contains(['|', '｜']) {
        return union_of(text.split(['|', '｜']), quoted);
    }
    let words: Vec<&str> = text.split('/').map(str::trim).collect();
    if words.len() > 1 {
        return slashed(&words, quoted);
    }
    let list = split_list(text)?;
    let or = [" or ", "或", "还是"].iter().any(|w| text.contains(w));
    let comma = !quoted && text.contains('、');
    let led = !or && list.items.first().is_some_and(|word| type_word(word, quoted).is_some());
    if list.items.len() < 2 || list.and || led || !(or || comma) {
        return None;
    }
    union_of(list.items.iter().map(String::as_str), quoted)
}

fn slashed(words: &[&str], quoted: bool) -> Option<Ty> {
    let digits = words.iter().all(|w| w.chars().all(|c| c.is_ascii_digit()));
    let pattern =
        |w: &str| w.len() >= 2 && w.chars().all(|c| matches!(c, 'Y' | 'M' | 'D' | 'y' | 'm' | 'd' | 'H' | 's'));
    let format = words.iter().any(|w| w.is_empty() || pattern(w) || w.contains('.'));
    if format || (digits && quoted) {
        return None;
    }
    let typed = words.iter().all(|w| type_word(w, true).is_some() || literal_word(w).is_some());
    let opposite = match words {
        [a, b] => opposites(a, b) || !quoted,
        _ => true,
    };
    if typed || opposite { union_of(words.iter().copied(), quoted) } else { None }
}

fn opposites(a: &str, b: &str) -> bool {
    const PAIRS: [&str; 26] = [
        "yes/no",
        "positive/negative",
        "high/low",
        "pass/fail",
        "accept/reject",
        "approve/reject",
        "allow/deny",
        "up/down",
        "buy/sell",
        "on/off",
        "keep/drop",
        "male/female",
        "good/bad",
        "ok/error",
        "success/failure",
        "success/fail",
        "true/false",
        "y/n",
        "for/against",
        "spam/ham",
        "left/right",
        "win/lose",
        "open/closed",
        "support/oppose",
        "accept/decline",
        "hot/cold",
    ];
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    let known = |x: &str, y: &str| PAIRS.contains(&format!("{x}/{y}").as_str());
    let wide = |s: &str| s.chars().all(is_wide) && s.chars().count() <= 4;
    known(&a, &b) || known(&b, &a) || b.ends_with(&a) || a.ends_with(&b) || (wide(&a) && wide(&b))
}

fn union_of<'a>(words: impl Iterator<Item = &'a str>, quoted: bool) -> Option<Ty> {
    let mut out = Ty::Never;
    let mut count = 0;
    for word in words {
        let word = word.trim().trim_matches(['"', '\'', '`', '“', '”', '「', '」']);
        let ty = match literal_word(word) {
            Some(Value::Bool(_)) => Ty::Bool,
            Some(Value::Null) => Ty::Null,
            Some(value) => Ty::Enum(vec![value]),
            None => type_word(word, quoted)
                .or_else(|| range(word).filter(|(_, end)| *end == word.len()).map(|(ty, _)| ty))
                .or_else(|| single(word).then(|| Ty::Enum(vec![word.into()])))?,
        };
        count += 1;
        out = out.join(ty);
    }
    (count > 1).then_some(out)
}

pub(crate) fn enumeration(words: &[String]) -> Ty {
    let mut out = Ty::Never;
    for word in words {
        out = out.join(match literal_word(word) {
            Some(Value::Bool(_)) => Ty::Bool,
            Some(Value::Null) => Ty::Null,
            Some(value) => Ty::Enum(vec![value]),
            None => Ty::Enum(vec![word.as_str().into()]),
        });
    }
    out
}

/// Words that may follow the name of a type in a half-sentence.
const SPACED: [&str; 12] = [
    " between ",
    " from ",
    " in ",
    " of ",
    " one of ",
    " with ",
    " representing ",
    " indicating ",
    " that ",
    " either ",
    " if ",
    " when ",
];

/// `integer, 0 to 10`, `string: one of a, b`, 整数（0-10）, `0到10的整数`
fn led_by_type(text: &str) -> Option<Ty> {
    let low = text.to_ascii_lowercase();
    let leads = ["a ", "an ", "the ", "一个", "类型为", "类型：", "type: "];
    let skip = leads.iter().find(|lead| low.starts_with(**lead)).map_or(0, |lead| lead.len());
    let text = text.get(skip..)?;
    let low = low.get(skip..)?;
    led_by_edge(text).or_else(|| led_by_words(text, low)).or_else(|| led_in_chinese(text))
}

fn led_by_edge(text: &str) -> Option<Ty> {
    let edges =
        |c: char| matches!(c, ',' | '，' | ':' | '：' | '(' | '（' | '-' | '—' | ';' | '；' | '。' | '.' | '、');
    let (head, rest) = text.split_once(edges)?;
    type_word(head, false).map(|ty| refine(ty, rest))
}

fn led_by_words(text: &str, low: &str) -> Option<Ty> {
    for lead in SPACED {
        if let Some((head, _)) = low.split_once(lead)
            && let Some(ty) = type_word(head, false)
            && !matches!(ty, Ty::Null)
            && (lead != " of " || !matches!(ty, Ty::Str))
        {
            let rest = text.get(head.len()..)?;
            return Some(refine(ty, rest.strip_prefix(" of ").or_else(|| rest.strip_prefix(" with ")).unwrap_or(rest)));
        }
    }
    let (head, rest) = text.split_once(' ')?;
    let named = ["string", "str", "bool", "boolean", "int", "integer", "float"].contains(&low.split(' ').next()?);
    let ty = type_word(head, true).filter(|_| !rest.starts_with("of "))?;
    (named || range(rest.trim_start()).is_some()).then(|| refine(ty, rest))
}

fn led_in_chinese(text: &str) -> Option<Ty> {
    let wide = CLEAR.iter().filter(|(word, _)| !word.is_ascii() && word.chars().count() >= 2);
    let begins = wide
        .clone()
        .filter_map(|(word, ty)| text.strip_prefix(word).map(|rest| (word.len(), rest, ty)))
        .max_by_key(|f| f.0);
    if let Some((_, rest, ty)) = begins.filter(|(_, rest, _)| !rest.starts_with(['数', '列'])) {
        return Some(refine(ty.clone(), rest));
    }
    wide.filter(|(word, _)| text.ends_with(word) && text.chars().count() <= 24)
        .map(|(_, ty)| ty)
        .find(|ty| matches!(ty, Ty::Num { .. }))
        .map(|ty| refine(ty.clone(), text))
}

/// What a description adds to a type: a range to a number, allowed values to a string.
pub(crate) fn refine(ty: Ty, text: &str) -> Ty {
    match ty {
        Ty::Num { int, min: None, max: None } => found_range(text).map_or(ty, |found| with_int(&found, int)),
        Ty::Str => allowed(text, false).map_or(Ty::Str, |words| enumeration(&words)),
        Ty::Union(all) => Ty::Union(all.into_iter().map(|ty| refine(ty, text)).collect()),
        other => other,
    }
}

/// `true if …, otherwise false`, 是否…
fn truth(text: &str, key: &str, quoted: bool) -> Option<Ty> {
    let low = text.to_lowercase();
    let words: Vec<&str> = low.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).take(4).collect();
    let leads = matches!(
        words.as_slice(),
        ["true" | "false", "if" | "when" | "or" | "means" | "iff" | "only", ..]
            | ["true" | "false", "false" | "true", ..]
    );
    let both = low.contains("true") && low.contains("false");
    let named = ["is_", "has_", "can_", "should_", "is", "needs_"]
        .iter()
        .any(|p| key.strip_prefix(p).is_some_and(|rest| p.ends_with('_') || rest.starts_with(char::is_uppercase)));
    let asks = low.starts_with("whether") || low.starts_with("是否");
    (leads || both || (asks && (!quoted || named))).then_some(Ty::Bool)
}
