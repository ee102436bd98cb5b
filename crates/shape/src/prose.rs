//! What sentences near the structure say about a field: "intent must be one of like, dislike", "score from 0 to 10".
//! A field is refined only when exactly one such sentence is about it and no example contradicts it.

use crate::find::Survey;
use crate::kinds::{named_number, range, type_word, with_int};
use crate::marks::allowed;
use crate::tree::{Atom, Expr};
use crate::ty::{Prop, Ty};
use crate::words::{enumeration, phrase};

/// Longest part of a sentence behind a key that is looked at.
const TAIL: usize = 240;

pub(crate) fn refined(ty: Ty, text: &[char], survey: &Survey, notes: &mut Vec<String>) -> Ty {
    let mut prose: Vec<char> = text.to_vec();
    for found in &survey.found {
        for c in prose.iter_mut().skip(found.start).take(found.end - found.start) {
            *c = '\n';
        }
    }
    let mut keys = vec![];
    collect(&ty, &mut keys);
    let once: Vec<String> = keys.iter().filter(|key| keys.iter().filter(|k| k == key).count() == 1).cloned().collect();
    let mut refiner = Refiner { prose, survey, keys: once, notes };
    refiner.apply(ty)
}

struct Refiner<'a> {
    prose: Vec<char>,
    survey: &'a Survey,
    keys: Vec<String>,
    notes: &'a mut Vec<String>,
}

impl Refiner<'_> {
    fn apply(&mut self, ty: Ty) -> Ty {
        match ty {
            Ty::Obj(props) => Ty::Obj(props.into_iter().map(|prop| self.prop(prop)).collect()),
            Ty::Arr(item) => Ty::Arr(Box::new(self.apply(*item))),
            Ty::Union(all) => Ty::Union(all.into_iter().map(|ty| self.apply(ty)).collect()),
            other => other,
        }
    }

    fn prop(&mut self, prop: Prop) -> Prop {
        if !self.keys.contains(&prop.key) {
            return Prop { ty: self.apply(prop.ty), ..prop };
        }
        let null = self.tails(&prop.key).iter().any(|tail| null_behind(tail));
        let ty = self.field(prop.ty, &prop.key);
        let ty = if null { ty.or_null() } else { ty };
        Prop { ty, ..prop }
    }

    fn field(&mut self, ty: Ty, key: &str) -> Ty {
        let told = match &ty {
            Ty::Str => self
                .agreed(key, |tail| allowed(tail, true).map(|words| enumeration(&words)))
                .filter(|ty| self.uncontested(key, ty)),
            Ty::Num { int, min: None, max: None } => {
                self.agreed(key, range_behind).map(|found| if *int { with_int(&found, true) } else { found })
            }
            Ty::Any => self.agreed(key, type_behind),
            Ty::Arr(item) if **item == Ty::Str => self
                .agreed(key, |tail| allowed(tail, true).map(|words| enumeration(&words)))
                .filter(|ty| self.uncontested(key, ty))
                .map(|ty| Ty::Arr(Box::new(ty))),
            Ty::Union(all) if all.contains(&Ty::Null) => {
                let rest = all.iter().filter(|ty| **ty != Ty::Null).cloned().fold(Ty::Never, Ty::join);
                let refined = if matches!(rest, Ty::Union(_)) { rest } else { self.field(rest, key) };
                return refined.or_null();
            }
            _ => return self.apply(ty),
        };
        match told {
            Some(told) => {
                self.notes.push(format!("`{key}` was refined by a sentence of the text"));
                told
            }
            None => self.apply(ty),
        }
    }

    /// What every sentence about the key that says anything says; nothing when two disagree.
    fn agreed(&self, key: &str, told: impl Fn(&str) -> Option<Ty>) -> Option<Ty> {
        let mut said: Vec<Ty> = self.tails(key).iter().filter_map(|tail| told(tail)).collect();
        said.dedup();
        if said.len() == 1 { said.pop() } else { None }
    }

    /// The rest of the sentence behind each mention of the key.
    fn tails(&self, key: &str) -> Vec<String> {
        let key: Vec<char> = key.chars().collect();
        let word = |at: Option<usize>| {
            at.and_then(|at| self.prose.get(at)).is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        };
        let mut out = vec![];
        for (at, window) in self.prose.windows(key.len().max(1)).enumerate() {
            let end = at + key.len();
            if window != key.as_slice() || out.len() >= 32 {
                continue;
            }
            let ascii = key.iter().all(char::is_ascii);
            if ascii && (word(at.checked_sub(1)) || word(Some(end))) {
                continue;
            }
            let tail: String = self.prose.iter().skip(end).take(TAIL).take_while(|c| **c != '\n').collect();
            out.push(tail.trim_start_matches(['"', '\'', '`', '”', '*', '」', '’']).to_owned());
        }
        out
    }

    /// No example of the text gives the field another value than the list has.
    fn uncontested(&self, key: &str, ty: &Ty) -> bool {
        let Ty::Enum(allowed) = ty else { return true };
        let mut seen = vec![];
        for found in &self.survey.found {
            values(&found.expr, key, &mut seen);
        }
        let vague = |text: &str| {
            text.contains([' ', '.', '<', '|', '/', '…'])
                || type_word(text, true).is_some()
                || phrase(text, key, true).is_some()
        };
        let strange = |text: &String| !vague(text) && !allowed.iter().any(|v| v == text) && text.chars().count() <= 12;
        !seen.iter().any(strange)
    }
}

fn collect(ty: &Ty, keys: &mut Vec<String>) {
    match ty {
        Ty::Obj(props) => {
            for prop in props {
                keys.push(prop.key.clone());
                collect(&prop.ty, keys);
            }
        }
        Ty::Arr(item) => collect(item, keys),
        Ty::Union(all) => all.iter().for_each(|ty| collect(ty, keys)),
        _ => {}
    }
}

fn values(expr: &Expr, key: &str, seen: &mut Vec<String>) {
    for atom in &expr.atoms {
        match atom {
            Atom::Obj(fields) => {
                for field in fields {
                    if field.key == key
                        && let [Atom::Str(text)] = field.value.atoms.as_slice()
                    {
                        seen.push(text.clone());
                    }
                    values(&field.value, key, seen);
                }
            }
            Atom::Arr(items) => items.iter().for_each(|item| values(item, key, seen)),
            _ => {}
        }
    }
}

/// `is null`, 为 null right behind a key.
fn null_behind(tail: &str) -> bool {
    let low = tail.to_lowercase();
    let Some((before, after)) = low.split_once("null") else { return false };
    let refused = ["not", "never", "不", "非", "none", ",", "，", "。", ". "].iter().any(|word| before.contains(word));
    before.chars().count() <= 16 && !refused && !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
}

const FILLERS: [&str; 42] = [
    "is",
    "must",
    "be",
    "should",
    "a",
    "an",
    "the",
    "number",
    "integer",
    "int",
    "float",
    "decimal",
    "from",
    "between",
    "in",
    "range",
    "of",
    "score",
    "value",
    "within",
    "can",
    "ranges",
    "on",
    "scale",
    "的",
    "取值",
    "范围",
    "为",
    "是",
    "在",
    "一个",
    "必须",
    "应该",
    "应为",
    "区间",
    "整数",
    "数字",
    "浮点数",
    "小数",
    "介于",
    "评分",
    "打分",
];

/// `from 0 to 10`, 取值范围 0-10: a range with nothing but such words before it.
fn range_behind(tail: &str) -> Option<Ty> {
    let low = tail.to_lowercase();
    let mut rest = low.as_str();
    loop {
        rest = rest.trim_start_matches(|c: char| {
            c.is_whitespace() || matches!(c, ':' | '：' | '(' | '（' | ',' | '，' | '=' | '[' | '-' | '*')
        });
        if let Some((ty, len)) = range(rest) {
            let words = low.get(..low.len() - rest.len()).unwrap_or_default();
            let near: String = rest.get(len..).unwrap_or_default().chars().take(6).collect();
            let said = named_number(words).or_else(|| named_number(&near));
            return Some(with_int(&ty, said.unwrap_or(false)));
        }
        let word = FILLERS.iter().filter(|w| rest.starts_with(**w)).max_by_key(|w| w.len())?;
        let after = rest.get(word.len()..)?;
        if word.is_ascii() && after.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return None;
        }
        rest = after;
    }
}

/// `(boolean)`, `: string`, 是布尔值 right behind a key.
fn type_behind(tail: &str) -> Option<Ty> {
    let rest =
        tail.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, ':' | '：' | '(' | '（' | '-' | '—' | '–'));
    let rest = ["是", "为", "is a ", "is an ", "must be a ", "must be an ", "类型为", "必须是", "的类型是"]
        .iter()
        .find_map(|lead| rest.strip_prefix(lead))
        .unwrap_or(rest);
    if rest.len() == tail.len() {
        return None;
    }
    let end = rest.find([')', '）', ',', '，', '.', '。', ';', '；', ':', '：', '\n']).unwrap_or(rest.len());
    phrase(rest.get(..end)?, "", false).filter(|ty| !matches!(ty, Ty::Any))
}
