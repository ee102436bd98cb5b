//! From the tree to a shape: what each written value stands for.

use crate::kinds;
use crate::marks;
use crate::runs::{description, dots, separator, suffixes, written};
use crate::tree::{Atom, Expr, Field, literal_word};
use crate::ty::{INTEGER, NUMBER, Prop, Ty};
use crate::words::{phrase, refine};
use serde_json::Value;
use std::cell::Cell;
use std::collections::BTreeMap;

/// Named structures of the text: TypeScript interfaces and type aliases.
pub(crate) type Names = BTreeMap<String, Expr>;

pub(crate) struct Meaning<'a> {
    pub names: &'a Names,
    /// Something said a type, and not only an example of one.
    pub typed: bool,
    depth: usize,
    /// The names that are being written out, innermost last.
    open: Vec<String>,
    /// Steps left for the whole text: names that name each other could be written out without end.
    steps: &'a Cell<usize>,
}

/// How often a name may stand inside itself.
const ROUNDS: usize = 2;
/// Values that are read before the rest of the text is taken for any value.
pub(crate) const STEPS: usize = 20_000;

impl<'a> Meaning<'a> {
    pub(crate) const fn new(names: &'a Names, steps: &'a Cell<usize>) -> Self {
        Self { names, typed: false, depth: 0, open: Vec::new(), steps }
    }

    pub(crate) fn expr(&mut self, expr: &Expr, key: &str) -> Ty {
        let left = self.steps.get();
        if self.depth > crate::read::DEPTH || left == 0 {
            return Ty::Any;
        }
        self.steps.set(left - 1);
        self.depth += 1;
        let ty = self.expr_inside(expr, key);
        self.depth -= 1;
        ty
    }

    fn expr_inside(&mut self, expr: &Expr, key: &str) -> Ty {
        let ty = self.alternatives(&expr.atoms, key);
        let told = description(expr);
        let ty = if matches!(ty, Ty::Any) { phrase(&told, key, false).unwrap_or(ty) } else { refine(ty, &told) };
        let ty = if told.trim() == expr.comment.trim() { ty } else { refine(ty, &expr.comment) };
        if marks::nullable(&told) || marks::nullable(&written(&expr.atoms)) { ty.or_null() } else { ty }
    }

    /// The alternatives between `|`, `/`, `or`; what cannot be read as alternatives is read as one phrase.
    fn alternatives(&mut self, atoms: &[Atom], key: &str) -> Ty {
        let bare: Vec<&Atom> =
            atoms.iter().filter(|atom| !matches!(atom, Atom::Paren(_)) || atoms.len() == 1).collect();
        let groups: Vec<&[&Atom]> = bare.split(|atom| separator(atom)).filter(|group| !group.is_empty()).collect();
        let commas = bare.iter().any(|atom| matches!(atom, Atom::Comma(_)));
        let all_clear = groups.len() > 1 && groups.iter().all(|group| self.clear(group, commas));
        if all_clear {
            self.typed = true;
            let named = groups.iter().filter(|group| !dots(group));
            let ty = named.fold(Ty::Never, |ty, group| ty.join(self.one_of_several(group, key)));
            return if groups.iter().any(|group| dots(group)) { opened(ty) } else { ty };
        }
        if let Some(first) = groups.first().filter(|_| !matches!(bare.first(), Some(Atom::Word(_)))) {
            let strings = bare.iter().filter(|atom| matches!(atom, Atom::Str(_))).count();
            return if strings > 1 { self.said(Ty::Str) } else { self.alternative(first, key) };
        }
        match groups.first() {
            Some([Atom::Word(word)]) if groups.len() == 1 => self.word(word, key),
            Some(group) if groups.len() == 1 => self.alternative(group, key),
            _ => self.phrase_of(atoms, key),
        }
    }

    fn phrase_of(&mut self, atoms: &[Atom], key: &str) -> Ty {
        if atoms.is_empty() {
            return self.said(Ty::Any);
        }
        let text = written(atoms);
        let ty = phrase(&text, key, false).unwrap_or_else(|| match atoms.first() {
            Some(Atom::Word(word)) => phrase(word, key, false).unwrap_or(Ty::Str),
            _ => Ty::Str,
        });
        self.said(ty)
    }

    /// Whether a group between separators is one literal or one type. Between commas a bare word may be half a sentence.
    fn clear(&self, group: &[&Atom], commas: bool) -> bool {
        match group {
            [Atom::Word(_)] if dots(group) => true,
            [Atom::Word(word)] => self.bare(word).is_some() || (!commas && marks::single(word)),
            [Atom::Str(_) | Atom::Obj(_) | Atom::Arr(_) | Atom::Generic(..) | Atom::Holder(_)] => true,
            [Atom::Str(_), Atom::Word(_)] => !commas,
            [first, Atom::Arr(items)] => {
                items.is_empty() && self.clear(std::slice::from_ref(first), commas) || matches!(first, Atom::Word(_))
            }
            _ => false,
        }
    }

    /// What a word between separators stands for by itself.
    fn bare(&self, word: &str) -> Option<Ty> {
        let literal = literal_word(word).map(|value| match value {
            Value::Number(_) => Ty::Enum(vec![value]),
            value => Ty::of_value(&value),
        });
        let named = || self.names.contains_key(word).then_some(Ty::Any);
        let range = || kinds::range(word).filter(|(_, end)| *end == word.len()).map(|(ty, _)| ty);
        literal.or_else(named).or_else(range).or_else(|| kinds::type_word(word, false))
    }

    fn one_of_several(&mut self, group: &[&Atom], key: &str) -> Ty {
        match group {
            [Atom::Str(text), rest @ ..] if !matches!(rest, [Atom::Arr(_), ..]) => {
                kinds::type_word(text, true).unwrap_or_else(|| Ty::Enum(vec![text.as_str().into()]))
            }
            [Atom::Word(word)] if !self.names.contains_key(word) => {
                self.bare(word).unwrap_or_else(|| Ty::Enum(vec![word.as_str().into()]))
            }
            group => self.alternative(group, key),
        }
    }

    fn alternative(&mut self, group: &[&Atom], key: &str) -> Ty {
        let (inner, arrays) = suffixes(group);
        let mut ty = match inner {
            [Atom::Word(name), Atom::Arr(items)] => self.subscript(name, items, key),
            [Atom::Str(text), ..] if arrays == 0 && group.len() == 1 => self.text(text, key),
            [Atom::Str(text)] => self.said(Ty::Enum(vec![text.as_str().into()])),
            [Atom::Str(text), Atom::Word(_), ..] => self.text(text, key),
            [Atom::Word(word)] => self.word(word, key),
            [Atom::Obj(fields), ..] => self.object(fields),
            [Atom::Arr(items), ..] => self.array(items, key),
            [Atom::Generic(name, items), ..] => self.subscript(name, items, key),
            [Atom::Holder(name), ..] => self.holder(name, key),
            [Atom::Paren(text)] => {
                self.said(phrase(text, key, false).unwrap_or(if arrays > 0 { Ty::Any } else { Ty::Str }))
            }
            other => self.phrase_of(&other.iter().map(|atom| (*atom).clone()).collect::<Vec<_>>(), key),
        };
        for _ in 0..arrays {
            ty = self.said(Ty::Arr(Box::new(ty)));
        }
        ty
    }

    /// A quoted text on its own.
    fn text(&mut self, text: &str, key: &str) -> Ty {
        if let Some(ty) = phrase(text, key, true) {
            return self.said(ty);
        }
        let vague =
            text.starts_with(['<', '{', '$']) || text.contains("..") || text.contains('…') || text.contains("xxx");
        self.typed |= vague || marks::optional(text);
        Ty::Str
    }

    fn word(&mut self, word: &str, key: &str) -> Ty {
        if let Some(value) = literal_word(word) {
            return Ty::of_value(&value);
        }
        if self.names.contains_key(word) {
            return self.named(word, key);
        }
        let dots = word.trim_matches(['.', '…', '?', '_', '*']).is_empty();
        let ty = if dots { Ty::Any } else { phrase(word, key, false).unwrap_or(Ty::Str) };
        self.said(ty)
    }

    fn named(&mut self, name: &str, key: &str) -> Ty {
        self.typed = true;
        let again = self.open.iter().filter(|open| *open == name).count() >= ROUNDS;
        let Some(expr) = self.names.get(name).filter(|_| !again) else { return Ty::Any };
        self.open.push(name.to_owned());
        let ty = self.expr(expr, key);
        self.open.pop();
        ty
    }

    fn holder(&mut self, name: &str, key: &str) -> Ty {
        let scalar = Ty::Str.join(NUMBER).join(Ty::Bool);
        let ty = phrase(name, key, false).unwrap_or(scalar);
        self.said(ty)
    }

    fn object(&mut self, fields: &[Field]) -> Ty {
        if let [only] = fields
            && only.any_key
        {
            self.typed = true;
            return Ty::Map(Box::new(self.expr(&only.value, "")));
        }
        let mut props: Vec<Prop> = Vec::with_capacity(fields.len());
        for field in fields.iter().filter(|field| !field.any_key) {
            let optional = field.optional || marks::optional(&description(&field.value)) || optional_text(&field.value);
            self.typed |= optional || field.value.atoms.is_empty();
            let ty = self.expr(&field.value, &field.key);
            match props.iter_mut().find(|prop| prop.key == field.key) {
                Some(twin) => twin.ty = twin.ty.clone().join(ty),
                None => props.push(Prop { key: field.key.clone(), optional, ty }),
            }
        }
        if props.is_empty() { Ty::Map(Box::new(Ty::Any)) } else { Ty::Obj(props) }
    }

    fn array(&mut self, items: &[Expr], key: &str) -> Ty {
        let real = items
            .iter()
            .filter(|item| !matches!(item.atoms.as_slice(), [Atom::Word(w)] if w.trim_matches(['.', '…']).is_empty()));
        let item = real.fold(Ty::Never, |ty, item| ty.join(self.expr(item, key)));
        Ty::Arr(Box::new(item))
    }

    /// `Array<…>`, `List[…]`, `Optional[…]`, `Literal["a", "b"]`, `string[]`
    fn subscript(&mut self, name: &str, items: &[Expr], key: &str) -> Ty {
        self.typed = true;
        let low = name.to_ascii_lowercase();
        let low = low.rsplit('.').next().unwrap_or(&low);
        let all = |me: &mut Self| items.iter().fold(Ty::Never, |ty, item| ty.join(me.expr(item, key)));
        match low {
            "array" | "list" | "set" | "readonlyarray" | "vec" | "sequence" | "数组" | "列表" => {
                Ty::Arr(Box::new(all(self)))
            }
            "record" | "map" | "dict" => Ty::Map(Box::new(items.last().map_or(Ty::Any, |item| self.expr(item, key)))),
            "optional" | "option" => all(self).or_null(),
            "union" | "partial" => all(self),
            "literal" => items.iter().fold(Ty::Never, |ty, item| ty.join(constant(item))),
            _ if items.is_empty() => Ty::Arr(Box::new(self.word(name, key))),
            _ => match self.word(name, key) {
                Ty::Num { int, .. } => refine(
                    if int { INTEGER } else { NUMBER },
                    &items.iter().map(|i| written(&i.atoms)).collect::<String>(),
                ),
                ty => ty,
            },
        }
    }

    const fn said(&mut self, ty: Ty) -> Ty {
        self.typed = true;
        ty
    }
}

/// The type of the values of an enumeration that is not complete.
fn opened(ty: Ty) -> Ty {
    match ty {
        Ty::Enum(values) => values.iter().fold(Ty::Never, |ty, value| ty.join(Ty::of_value(value))),
        Ty::Union(all) => all.into_iter().fold(Ty::Never, |ty, one| ty.join(opened(one))),
        other => other,
    }
}

fn constant(item: &Expr) -> Ty {
    match item.literal() {
        Some(Value::Bool(_)) => Ty::Bool,
        Some(Value::Null) => Ty::Null,
        Some(value @ (Value::String(_) | Value::Number(_))) => Ty::Enum(vec![value]),
        _ => Ty::Any,
    }
}

/// A quoted description that begins or ends with "optional"; the word alone may be a value.
fn optional_text(value: &Expr) -> bool {
    matches!(value.atoms.as_slice(), [Atom::Str(text), ..] | [Atom::Word(text), ..] if marks::optional(text) && text.chars().count() > 8)
}
