//! Where in the text structures stand, and what the words around each say it is for.

use crate::chars::{is_colon, is_key_char, is_open_brace, is_open_bracket};
use crate::marks;
use crate::meaning::{Names, STEPS};
use crate::read::{End, Reader};
use crate::tree::{Atom, Expr};
use std::cell::Cell;

/// What a structure is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Main,
    Fallback,
    /// An example of what comes in, or of what must not come out.
    Other,
}

#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub start: usize,
    pub end: usize,
    pub expr: Expr,
    pub role: Role,
    /// The words before it say that the answer is an array of these.
    pub listed: bool,
    /// `interface Name {`
    pub name: Option<String>,
}

pub(crate) struct Survey {
    pub found: Vec<Found>,
    pub names: Names,
    /// A structure began that could not be read to its end, at this place.
    pub broken: Option<usize>,
    pub too_deep: bool,
    /// Steps left for finding out what the structures mean.
    pub steps: Cell<usize>,
}

/// Reads every structure of the text, from left to right, without looking inside those it has read.
pub(crate) fn survey(text: &[char]) -> Survey {
    let mut reader = Reader::new(text);
    let mut out = Survey { found: vec![], names: Names::new(), broken: None, too_deep: false, steps: Cell::new(STEPS) };
    let (mut at, mut last) = (0, 0);
    while let Some(&c) = text.get(at) {
        reader.jump(at);
        let object = is_open_brace(c);
        let expr = if object || is_open_bracket(c) { structure(&mut reader, object) } else { None };
        if let Some(expr) = expr {
            let end = reader.at;
            out.found.push(placed(text, last, at, end, expr));
            (at, last) = (end, end);
        } else {
            if object && (reader.cut_off || reader.too_deep) && out.broken.is_none() {
                out.broken = Some(at);
            }
            at += 1;
        }
    }
    out.too_deep = reader.too_deep;
    for found in &out.found {
        if let Some(name) = &found.name {
            out.names.insert(name.clone(), found.expr.clone());
        }
    }
    aliases(text, &mut reader, &mut out.names);
    out
}

fn structure(reader: &mut Reader<'_>, object: bool) -> Option<Expr> {
    let atom = if object { Atom::Obj(reader.object()?) } else { Atom::Arr(reader.array()?) };
    let mut expr = Expr { atoms: vec![atom], comment: String::new() };
    if !object && !expr.has_object() {
        return None;
    }
    let suffix = [Some('['), Some(']')];
    if object && [reader.peek(), reader.look(1)] == suffix {
        reader.at += 2;
        expr.atoms.push(Atom::Arr(vec![]));
    }
    Some(expr)
}

/// `type Name = …` where the right side is no object.
fn aliases(text: &[char], reader: &mut Reader<'_>, names: &mut Names) {
    let word: Vec<char> = "type ".chars().collect();
    for at in 0..text.len() {
        let starts = at == 0 || text.get(at - 1).is_some_and(|c| c.is_whitespace());
        if !(starts && text.get(at..at + 5) == Some(word.as_slice())) {
            continue;
        }
        reader.jump(at + 5);
        let mut name = String::new();
        while let Some(c) = reader.peek().filter(|c| is_key_char(*c)) {
            name.push(c);
            reader.at += 1;
        }
        while reader.peek() == Some(' ') {
            reader.at += 1;
        }
        if name.starts_with(char::is_uppercase)
            && reader.colon()
            && let Some(expr) = reader.expr(End::Line)
        {
            names.entry(name).or_insert(expr);
        }
    }
}

fn placed(text: &[char], from: usize, start: usize, end: usize, expr: Expr) -> Found {
    let before: String = text.iter().skip(from).take(start - from).collect();
    let after: String = text.iter().skip(end).take(60).collect();
    let near = sentence(&before);
    let role = if unwanted(&near) {
        Role::Other
    } else if expr.literal().is_some() && (fallback(&near) || fallback(heading(&before)) || fallback_after(&after)) {
        Role::Fallback
    } else {
        Role::Main
    };
    Found { start, end, expr, role, listed: marks::listed(&near), name: declared(&before) }
}

/// The last sentence before a structure, with the label before it when the sentence itself says next to nothing.
fn sentence(before: &str) -> String {
    let text = before.trim_end().trim_end_matches(['`', '*', '“', '"', '\'']).trim_end();
    let text =
        text.strip_suffix("json").or_else(|| text.strip_suffix("JSON")).filter(|t| t.ends_with('`')).unwrap_or(text);
    let text = text.trim_end_matches(['`', '\n', ' ']);
    let mut parts: Vec<&str> = vec![];
    let mut rest = text;
    while parts.len() < 2 && !rest.is_empty() {
        let cut = rest.char_indices().rev().skip(1).find(|(at, c)| {
            let next = rest.get(at + c.len_utf8()..).unwrap_or_default();
            matches!(c, '\n' | '。' | '！' | '？' | '；' | ';')
                || (matches!(c, '.' | '!' | '?') && next.starts_with(char::is_whitespace))
        });
        let (head, part) = cut.map_or(("", rest), |(at, c)| {
            (rest.get(..at).unwrap_or_default(), rest.get(at + c.len_utf8()..).unwrap_or_default())
        });
        if !part.trim().is_empty() {
            parts.push(part.trim());
        }
        rest = head.trim_end();
    }
    match parts.as_slice() {
        [last, previous] if says_little(last) => format!("{previous} {last}"),
        [last, ..] => (*last).to_owned(),
        [] => String::new(),
    }
}

/// The last heading before a structure, as Markdown or 【】 writes it.
fn heading(before: &str) -> &str {
    before.lines().rev().find(|line| line.starts_with(['#', '【'])).unwrap_or_default()
}

fn says_little(text: &str) -> bool {
    let low = text.to_lowercase();
    let words = ["格式", "format", "example", "示例", "结构", "structure", "schema", "例"];
    text.chars().count() <= 16 && !words.iter().any(|w| low.contains(w))
}

/// Words around an example that make it the fallback.
const FALLBACK: [&str; 44] = [
    "fallback",
    "fall back",
    "otherwise",
    "insufficient",
    "not enough",
    "unsure",
    "uncertain",
    "unclear",
    "cannot determine",
    "cannot decide",
    "cannot judge",
    "cannot be",
    "can't",
    "cannot tell",
    "unable to",
    "by default",
    "default",
    "no information",
    "not sure",
    "in doubt",
    "in all other cases",
    "else return",
    "else output",
    "else:",
    "missing information",
    "信息不足",
    "兜底",
    "默认",
    "无法判断",
    "无法确定",
    "不确定",
    "否则",
    "不足",
    "不清楚",
    "判断不了",
    "不明确",
    "拿不准",
    "无法",
    "缺少信息",
    "信息缺失",
    "其他情况",
    "其它情况",
    "没有足够",
    "信息不够",
];
/// Words right before an example that say it must not come out.
const REFUSED: [&str; 24] = [
    "never",
    "do not output",
    "do not return",
    "don't output",
    "don't return",
    "never output",
    "never return",
    "not like",
    "not",
    "instead of",
    "rather than",
    "不要输出",
    "不要返回",
    "禁止输出",
    "而不是",
    "不是",
    "不要写成",
    "不能是",
    "错误示例",
    "反例",
    "wrong",
    "bad example",
    "incorrect",
    "invalid",
];
/// Labels of examples of what comes in.
const INPUT: [&str; 11] = [
    "input",
    "输入",
    "context",
    "上下文",
    "用户信息",
    "user data",
    "user profile",
    "用户资料",
    "request",
    "raw data",
    "given",
];

fn fallback(text: &str) -> bool {
    let low = text.to_lowercase();
    FALLBACK.iter().any(|word| low.contains(word))
}

fn fallback_after(after: &str) -> bool {
    let text = after.trim_start_matches(['`', '"', ' ', '”']);
    let end = text.find(['\n', '。', '{', '；']).unwrap_or(text.len());
    let text = text.get(..end).unwrap_or_default().to_lowercase();
    let leads = ["if", "when", "as ", "for ", "in case", "(", "（", "作为", "//", "#", "<-", "←", "whenever"];
    leads.iter().any(|lead| text.starts_with(lead)) && fallback(&text)
}

fn unwanted(near: &str) -> bool {
    let low = near.to_lowercase();
    let tail: String = low.chars().rev().take(28).collect::<Vec<_>>().into_iter().rev().collect();
    let tail = tail.trim_end_matches(['`', ' ', '"', '\'', '“']);
    let bare = tail.trim_end_matches([':', '：', ' ']);
    REFUSED.iter().any(|w| bare.ends_with(w)) || (tail.ends_with(is_colon) && INPUT.iter().any(|w| bare.ends_with(w)))
}

/// The name in `interface Name {`, `type Name = {`, `class Name {`.
fn declared(before: &str) -> Option<String> {
    let line = before.trim_end().trim_end_matches('=').trim_end();
    let line = line.rsplit('\n').next()?;
    let words: Vec<&str> = line.split_whitespace().collect();
    let at = words.iter().rposition(|word| matches!(*word, "interface" | "type" | "class" | "struct"))?;
    let name = words.get(at + 1)?.trim_end_matches([':', '=']);
    let plain =
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && words.len() <= at + 4;
    (plain && name.starts_with(char::is_uppercase)).then(|| name.to_owned())
}
