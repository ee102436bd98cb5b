//! The shape as this crate thinks of it, how two shapes become one that accepts both, and its JSON Schema.

use serde_json::{Map, Value, json};

/// Longest string, in characters, that a made schema lets through.
pub const MAX_STRING: usize = 2000;
/// Most items of an array, and most members of an object whose keys are not known.
pub const MAX_ITEMS: usize = 50;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ty {
    /// The item of an empty array: nothing is known, and anything else wins.
    Never,
    Any,
    Null,
    Bool,
    Num {
        int: bool,
        min: Option<f64>,
        max: Option<f64>,
    },
    Str,
    Enum(Vec<Value>),
    Arr(Box<Ty>),
    Obj(Vec<Prop>),
    /// An object whose keys are not known.
    Map(Box<Ty>),
    Union(Vec<Ty>),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Prop {
    pub key: String,
    pub optional: bool,
    pub ty: Ty,
}

pub(crate) const NUMBER: Ty = Ty::Num { int: false, min: None, max: None };
pub(crate) const INTEGER: Ty = Ty::Num { int: true, min: None, max: None };

impl Ty {
    pub(crate) fn of_value(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Bool,
            Value::Number(_) => NUMBER,
            Value::String(_) => Self::Str,
            Value::Array(items) => {
                Self::Arr(Box::new(items.iter().fold(Self::Never, |ty, item| ty.join(Self::of_value(item)))))
            }
            Value::Object(map) if map.is_empty() => Self::Map(Box::new(Self::Any)),
            Value::Object(map) => Self::Obj(
                map.iter().map(|(k, v)| Prop { key: k.clone(), optional: false, ty: Self::of_value(v) }).collect(),
            ),
        }
    }

    pub(crate) fn or_null(self) -> Self {
        self.join(Self::Null)
    }

    /// The narrowest shape here that accepts what either accepts.
    pub(crate) fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Never, x) | (x, Self::Never) => x,
            (Self::Any, _) | (_, Self::Any) => Self::Any,
            (a, b) if a == b => a,
            (Self::Num { int, min, max }, Self::Num { int: i, min: lo, max: hi }) => Self::Num {
                int: int && i,
                min: min.zip(lo).map(|(a, b)| a.min(b)),
                max: max.zip(hi).map(|(a, b)| a.max(b)),
            },
            (Self::Enum(a), Self::Enum(b)) => Self::Enum(merged(a, b)),
            (Self::Str, Self::Enum(e)) | (Self::Enum(e), Self::Str) if e.iter().all(Value::is_string) => Self::Str,
            (Self::Arr(a), Self::Arr(b)) => Self::Arr(Box::new(a.join(*b))),
            (Self::Map(_), Self::Obj(_)) | (Self::Obj(_), Self::Map(_)) => Self::Map(Box::new(Self::Any)),
            (Self::Map(a), Self::Map(b)) => Self::Map(Box::new(a.join(*b))),
            (Self::Obj(a), Self::Obj(b)) if nested(&a, &b) => Self::Obj(join_props(a, b)),
            (Self::Union(a), b) => a.into_iter().fold(vec![], one_more).into_union(b),
            (a, b @ Self::Union(_)) => vec![a].into_union(b),
            (a, b) => vec![a].into_union(b),
        }
    }

    /// The JSON Schema, in the subset that llguidance and `response_format` accept.
    pub(crate) fn schema(&self) -> Value {
        match self {
            Self::Never | Self::Any => any(1),
            Self::Null => json!({"type": "null"}),
            Self::Bool => json!({"type": "boolean"}),
            Self::Str => json!({"type": "string", "maxLength": MAX_STRING}),
            Self::Num { int, min, max } => {
                let mut out = Map::new();
                out.insert("type".into(), if *int { "integer".into() } else { "number".into() });
                min.map(|n| out.insert("minimum".into(), plain(n)));
                max.map(|n| out.insert("maximum".into(), plain(n)));
                Value::Object(out)
            }
            Self::Enum(values) if values.iter().all(Value::is_string) => json!({"type": "string", "enum": values}),
            Self::Enum(values) => json!({"enum": values}),
            Self::Arr(item) => json!({"type": "array", "items": item.schema(), "maxItems": MAX_ITEMS}),
            Self::Map(item) => {
                json!({"type": "object", "additionalProperties": item.schema(), "maxProperties": MAX_ITEMS})
            }
            Self::Obj(props) => {
                let required: Vec<_> = props.iter().filter(|p| !p.optional).map(|p| p.key.clone()).collect();
                let all: Map<_, _> = props.iter().map(|p| (p.key.clone(), p.ty.schema())).collect();
                json!({"type": "object", "properties": all, "required": required, "additionalProperties": false})
            }
            Self::Union(all) => json!({"anyOf": all.iter().map(Self::schema).collect::<Vec<_>>()}),
        }
    }
}

/// "Any one JSON value", bounded: `depth` more levels below this one may be nested.
pub(crate) fn any(depth: usize) -> Value {
    let mut kinds = vec![];
    if depth > 0 {
        let inner = any(depth - 1);
        kinds.push(json!({"type": "object", "additionalProperties": inner, "maxProperties": MAX_ITEMS}));
        kinds.push(json!({"type": "array", "items": inner, "maxItems": MAX_ITEMS}));
    }
    kinds.extend([Ty::Str.schema(), NUMBER.schema(), Ty::Bool.schema(), Ty::Null.schema()]);
    json!({"anyOf": kinds})
}

fn plain(n: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "the value is whole and small")]
    if n.fract() == 0.0 && n.abs() < 1e15 { json!(n as i64) } else { json!(n) }
}

fn merged(mut a: Vec<Value>, b: Vec<Value>) -> Vec<Value> {
    for value in b {
        if !a.contains(&value) {
            a.push(value);
        }
    }
    a
}

trait IntoUnion {
    fn into_union(self, other: Ty) -> Ty;
}

impl IntoUnion for Vec<Ty> {
    fn into_union(self, other: Ty) -> Ty {
        let others = if let Ty::Union(all) = other { all } else { vec![other] };
        let mut all = others.into_iter().fold(self, one_more);
        if all.len() == 1 { all.pop().unwrap_or(Ty::Any) } else { Ty::Union(all) }
    }
}

fn one_more(mut union: Vec<Ty>, ty: Ty) -> Vec<Ty> {
    for slot in &mut union {
        let joined = slot.clone().join_simple(&ty);
        if let Some(joined) = joined {
            *slot = joined;
            return union;
        }
    }
    union.push(ty);
    union
}

impl Ty {
    /// Joins only where the two become one without `anyOf`.
    fn join_simple(self, other: &Self) -> Option<Self> {
        if matches!(self, Self::Union(_)) || matches!(other, Self::Union(_)) {
            return None;
        }
        let distinct = std::mem::discriminant(&self) != std::mem::discriminant(other);
        let objects = matches!((&self, other), (Self::Obj(a), Self::Obj(b)) if !nested(a, b));
        let text = matches!((&self, other), (Self::Str, Self::Enum(e)) | (Self::Enum(e), Self::Str) if e.iter().all(Value::is_string));
        if (distinct && !text) || objects { None } else { Some(self.join(other.clone())) }
    }
}

/// Whether the keys of one are all among the keys of the other.
fn nested(a: &[Prop], b: &[Prop]) -> bool {
    let within = |a: &[Prop], b: &[Prop]| a.iter().all(|p| b.iter().any(|q| q.key == p.key));
    within(a, b) || within(b, a)
}

/// Keys of both; a key that one does not have becomes optional.
fn join_props(a: Vec<Prop>, b: Vec<Prop>) -> Vec<Prop> {
    let mut out: Vec<Prop> = Vec::with_capacity(a.len());
    for p in a {
        let other = b.iter().find(|q| q.key == p.key);
        let optional = p.optional || other.is_none_or(|q| q.optional);
        let ty = if let Some(q) = other { p.ty.join(q.ty.clone()) } else { p.ty };
        out.push(Prop { key: p.key, optional, ty });
    }
    for q in b {
        if !out.iter().any(|p| p.key == q.key) {
            out.push(Prop { optional: true, ..q });
        }
    }
    out
}
