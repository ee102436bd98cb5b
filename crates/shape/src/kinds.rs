//! Words that name a type, and ranges of numbers.

use crate::tree::number;
use crate::ty::{INTEGER, NUMBER, Ty};

/// Words that name a type even between quotes.
pub(crate) const CLEAR: [(&str, Ty); 38] = [
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
