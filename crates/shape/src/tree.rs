//! What the tolerant reader makes of a bracketed piece of text, before anyone asks what it means.

use serde_json::{Map, Number, Value};

/// One piece of a value as it is written: `"like" | "dislike" // why` has three atoms and a comment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Atom {
    Str(String),
    Obj(Vec<Field>),
    Arr(Vec<Expr>),
    /// `List<…>`, `Record<…>`
    Generic(String, Vec<Expr>),
    /// `<reason>`, `${reason}`, `{{reason}}`
    Holder(String),
    Word(String),
    Paren(String),
    Bar,
    Comma(char),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Expr {
    pub atoms: Vec<Atom>,
    pub comment: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    pub key: String,
    pub optional: bool,
    /// The key itself stands for any key: `[name: string]`, `<name>`.
    pub any_key: bool,
    pub value: Expr,
}

impl Expr {
    /// The JSON value, when this is nothing but a literal (Python's and JavaScript's words count).
    pub(crate) fn literal(&self) -> Option<Value> {
        let [atom] = self.atoms.as_slice() else { return None };
        match atom {
            Atom::Str(text) => Some(Value::String(text.clone())),
            Atom::Word(word) => literal_word(word),
            Atom::Arr(items) => items.iter().map(Self::literal).collect::<Option<Vec<_>>>().map(Value::Array),
            Atom::Obj(fields) => {
                let mut map = Map::new();
                for field in fields {
                    if field.optional || field.any_key {
                        return None;
                    }
                    map.insert(field.key.clone(), field.value.literal()?);
                }
                Some(Value::Object(map))
            }
            _ => None,
        }
    }

    /// Whether there is an object anywhere inside.
    pub(crate) fn has_object(&self) -> bool {
        self.atoms.iter().any(|atom| match atom {
            Atom::Obj(_) => true,
            Atom::Arr(items) | Atom::Generic(_, items) => items.iter().any(Self::has_object),
            _ => false,
        })
    }
}

/// `true`, `None`, `12.5`
pub(crate) fn literal_word(word: &str) -> Option<Value> {
    match word.trim() {
        "true" | "True" | "TRUE" => Some(Value::Bool(true)),
        "false" | "False" | "FALSE" => Some(Value::Bool(false)),
        "null" | "None" | "nil" | "undefined" | "NULL" => Some(Value::Null),
        word => number(word).map(Value::Number),
    }
}

/// A number as JSON writes it.
pub(crate) fn number(word: &str) -> Option<Number> {
    let plain = word.len() <= 24 && word.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    if plain { serde_json::from_str(word).ok() } else { None }
}
