//! Words and half-sentences in the place of a value: types, ranges, alternatives.

use crate::chars::is_wide;
use crate::marks::{allowed, single, split_list};
use crate::tree::{literal_word, number};
use crate::ty::{INTEGER, NUMBER, Ty};
use serde_json::Value;

/// Words that name a type even between quotes.
const CLEAR: [(&str, Ty); 38] = [
    ("string", Ty::Str),
    ("str", Ty::Str),
    ("字符串", Ty::Str),
    ("字符串类型", Ty::Str),
    ("字符串型", Ty::Str),
    ("文本", Ty::Str),
    ("boolean", Ty::Bool),
    ("bool", Ty::Bool),
    ("布尔", Ty::Bool),
    ("布尔值", Ty::Bool),
    ("布尔型", Ty::Bool),
    ("布尔类型", Ty::Bool),
    ("number", NUMBER),
    ("numeric", NUMBER),
    ("float", NUMBER),
    ("double", NUMBER),
    ("decimal", NUMBER),
    ("数字", NUMBER),
    ("数值", NUMBER),
    ("浮点数", NUMBER),
    ("浮点", NUMBER),
    ("小数", NUMBER),
    ("数字类型", NUMBER),
    ("数值类型", NUMBER),
    ("float32", NUMBER),
    ("integer", INTEGER),
    ("int", INTEGER),
    ("整数", INTEGER),
    ("整型", INTEGER),
    ("整数类型", INTEGER),
    ("int32", INTEGER),
    ("int64", INTEGER),
    ("正整数", INTEGER),
    ("自然数", INTEGER),
    ("timestamp", NUMBER),
    ("数量", NUMBER),
    ("float64", NUMBER),
    ("真假值", Ty::Bool),
];
/// Words that name a type where there are no quotes, and one that a quoted text would more likely just say.
const LOOSE: [(&str, Ty); 21] = [
    ("text", Ty::Str),
    ("varchar", Ty::Str),
    ("char", Ty::Str),
    ("字符", Ty::Str),
    ("date", Ty::Str),
    ("datetime", Ty::Str),
    ("url", Ty::Str),
    ("email", Ty::Str),
    ("uuid", Ty::Str),
    ("日期", Ty::Str),
    ("num", NUMBER),
    ("real", NUMBER),
    ("long", INTEGER),
    ("null", Ty::Null),
    ("none", Ty::Null),
    ("空值", Ty::Null),
    ("any", Ty::Any),
    ("unknown", Ty::Any),
    ("任意", Ty::Any),
    ("nil", Ty::Null),
    ("undefined", Ty::Null),
];

/// The type that a whole text names.
pub(crate) fn type_word(text: &str, quoted: bool) -> Option<Ty> {
    let low = text.trim().trim_end_matches(['.', '。', '*']).to_lowercase();
    let clear =
        CLEAR.iter().chain(LOOSE.iter().filter(|_| !quoted)).find(|(word, _)| *word == low).map(|(_, ty)| ty.clone());
    clear
        .or_else(|| match low.as_str() {
            "array" | "list" | "数组" | "列表" | "tuple" => Some(Ty::Arr(Box::new(Ty::Any))),
            "object" | "dict" | "map" | "对象" | "字典" | "dictionary" | "json object" => {
                Some(Ty::Map(Box::new(Ty::Any)))
            }
            _ => low.strip_suffix("[]").and_then(|item| type_word(item, quoted)).map(|ty| Ty::Arr(Box::new(ty))),
        })
        .or_else(|| low.strip_suffix(['?', '？']).and_then(|word| type_word(word, quoted)).map(Ty::or_null))
        .or_else(|| array_of(&low))
}

/// `list of strings`, `array of integers`, 字符串数组, `list[str]`
fn array_of(low: &str) -> Option<Ty> {
    let english =
        ["array of ", "list of ", "an array of ", "a list of "].iter().find_map(|lead| low.strip_prefix(lead));
    let inner = english
        .map(|item| item.strip_suffix("es").filter(|s| s.ends_with('s')).or(item.strip_suffix('s')).unwrap_or(item));
    let inner = inner.or_else(|| {
        let item = low.strip_suffix("数组").or_else(|| low.strip_suffix("列表")).or_else(|| low.strip_suffix(" array"));
        item.or_else(|| low.strip_suffix(" list")).map(|item| item.trim().trim_end_matches('的'))
    });
    let inner = inner.or_else(|| {
        low.strip_suffix('>').or_else(|| low.strip_suffix(']')).and_then(|s| {
            ["array<", "list<", "list[", "array[", "set<", "sequence["].iter().find_map(|lead| s.strip_prefix(lead))
        })
    })?;
    type_word(inner, false).map(|ty| Ty::Arr(Box::new(ty)))
}

/// A range from the beginning of a text, and how many bytes it takes: `0-10`, `0.0 ~ 1.0`, `1到5`.
pub(crate) fn range(text: &str) -> Option<(Ty, usize)> {
    let (low, at) = leading_number(text)?;
    let gap = text.get(at..)?;
    let rest = gap.trim_start();
    let seps = ["...", "..", "-", "~", "～", "–", "—", "－", "−", "到", "至", "to ", "and ", "〜"];
    let sep = seps.iter().find(|sep| rest.starts_with(**sep))?;
    if matches!(*sep, "to " | "and ") && gap.len() == rest.len() {
        return None;
    }
    let after = rest.get(sep.len()..)?.trim_start();
    let (high, len) = leading_number(after)?;
    let end = text.len() - after.len() + len;
    let tail = text.get(end..).unwrap_or_default();
    if tail.starts_with(['-', '/', ':', '.'])
        && tail.get(1..).is_some_and(|t| t.starts_with(|c: char| c.is_ascii_digit()))
    {
        return None;
    }
    let (min, max) = (low.parse::<f64>().ok()?, high.parse::<f64>().ok()?);
    let whole = !low.contains('.') && !high.contains('.') && max - min > 1.0 && (min < -1.0 || max > 1.0);
    (min < max).then_some((Ty::Num { int: whole, min: Some(min), max: Some(max) }, end))
}

fn leading_number(text: &str) -> Option<(&str, usize)> {
    let mut end = 0;
    for (at, c) in text.char_indices().take(20) {
        let dot = c == '.' && text.get(at + 1..).is_some_and(|s| s.starts_with(|c: char| c.is_ascii_digit()));
        if !(c.is_ascii_digit() || dot || (at == 0 && c == '-')) {
            break;
        }
        end = at + c.len_utf8();
    }
    let word = text.get(..end)?;
    number(word).map(|_| (word, end))
}

/// The shape that a phrase in the place of a value describes; nothing when it only describes the content.
pub(crate) fn phrase(text: &str, key: &str, quoted: bool) -> Option<Ty> {
    let text = text.trim().trim_end_matches(['。', '；']).trim();
    let text = text.strip_prefix('<').and_then(|s| s.strip_suffix('>')).unwrap_or(text);
    type_word(text, quoted)
        .or_else(|| whole_range(text, key, quoted))
        .or_else(|| alternatives(text, quoted))
        .or_else(|| led_by_type(text))
        .or_else(|| truth(text, key, quoted))
}

fn whole_range(text: &str, key: &str, quoted: bool) -> Option<Ty> {
    let body = text.trim_start_matches(['[', '(', '（']);
    let (ty, end) = range(body)?;
    let rest = body.get(end..).unwrap_or_default().trim_matches([' ', ']', ')', '）', ',', '，']);
    let said = named_number(rest);
    if quoted && said.is_none() && !measures(key) && rest.is_empty() {
        return None;
    }
    let short = rest.chars().count() <= 12 || said.is_some();
    short.then(|| said.map_or_else(|| ty.clone(), |int| with_int(&ty, int)))
}

/// Whether a text says "integer" or "number" (float, decimal); nothing when neither.
pub(crate) fn named_number(text: &str) -> Option<bool> {
    let low = text.to_lowercase();
    let words: Vec<&str> = low.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    if low.contains("整数")
        || low.contains("整型")
        || words.iter().any(|w| matches!(*w, "int" | "integer" | "integers"))
    {
        return Some(true);
    }
    let real = ["浮点", "小数", "数字", "数值"].iter().any(|w| low.contains(w));
    (real || words.iter().any(|w| matches!(*w, "float" | "number" | "decimal" | "double" | "decimals")))
        .then_some(false)
}

pub(crate) fn with_int(ty: &Ty, int: bool) -> Ty {
    match ty {
        Ty::Num { min, max, .. } => Ty::Num { int, min: *min, max: *max },
        other => other.clone(),
    }
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
    if list.items.len() < 2 || list.and || !(or || comma) {
        return None;
    }
    union_of(list.items.iter().map(String::as_str), quoted)
}

fn slashed(words: &[&str], quoted: bool) -> Option<Ty> {
    let digits = words.iter().all(|w| w.chars().all(|c| c.is_ascii_digit()));
    let format = words.iter().any(|w| {
        w.is_empty()
            || (w.len() <= 4 && w.chars().all(|c| matches!(c, 'Y' | 'M' | 'D' | 'y' | 'd' | 'H')))
            || w.contains('.')
    });
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

/// `integer, 0 to 10`, `string: one of a, b`, 整数（0-10）, `0到10的整数`
fn led_by_type(text: &str) -> Option<Ty> {
    let low = text.to_lowercase();
    let low = ["a ", "an ", "the ", "一个", "类型为", "类型：", "type: "]
        .iter()
        .find_map(|lead| low.strip_prefix(lead))
        .unwrap_or(&low)
        .to_owned();
    let edges =
        |c: char| matches!(c, ',' | '，' | ':' | '：' | '(' | '（' | '-' | '—' | ';' | '；' | '。' | '.' | '、');
    if let Some((head, rest)) = low.split_once(edges)
        && let Some(ty) = type_word(head, false)
    {
        return Some(refine(ty, rest));
    }
    let spaced = [
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
    for lead in spaced {
        if let Some((head, _)) = low.split_once(lead)
            && let Some(ty) = type_word(head, false)
                .filter(|ty| !matches!(ty, Ty::Null) && (lead != " of " || !matches!(ty, Ty::Str)))
        {
            let rest = low.get(head.len()..).unwrap_or_default();
            return Some(refine(ty, rest.strip_prefix(" of ").or_else(|| rest.strip_prefix(" with ")).unwrap_or(rest)));
        }
    }
    if let Some((head, rest)) = low.split_once(' ')
        && let Some(ty) = type_word(head, true)
        && (matches!(head, "string" | "str" | "bool" | "boolean" | "int" | "integer" | "float")
            || range(rest.trim_start()).is_some())
        && !rest.starts_with("of ")
    {
        return Some(refine(ty, rest));
    }
    let wide = CLEAR.iter().filter(|(word, _)| !word.is_ascii() && word.chars().count() >= 2);
    let begins = wide
        .clone()
        .filter_map(|(word, ty)| low.strip_prefix(word).map(|rest| (word.len(), rest, ty)))
        .max_by_key(|f| f.0);
    if let Some((_, rest, ty)) = begins.filter(|(_, rest, _)| !rest.starts_with(['数', '列'])) {
        return Some(refine(ty.clone(), rest));
    }
    wide.filter(|(word, _)| low.ends_with(word) && low.chars().count() <= 24)
        .map(|(_, ty)| ty)
        .find(|ty| matches!(ty, Ty::Num { .. }))
        .map(|ty| refine(ty.clone(), &low))
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

/// The one range in a text; nothing when there are several.
pub(crate) fn found_range(text: &str) -> Option<Ty> {
    let mut found = None;
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        let Some(c) = rest.chars().next() else { break };
        let before = text.get(..at).and_then(|s| s.chars().next_back());
        let clear = before.is_none_or(|c| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '_' | '-' | '/'));
        if clear && let Some((ty, len)) = range(rest) {
            if found.as_ref().is_some_and(|old| *old != ty) {
                return None;
            }
            found = Some(ty);
            at += len;
        } else {
            at += c.len_utf8();
        }
    }
    found
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
