//! From all the structures of a text to the one shape that is asked for.

use crate::Shape;
use crate::find::{Found, Role, Survey};
use crate::meaning::Meaning;
use crate::tree::{Atom, Expr};
use crate::ty::{Prop, Ty, any};
use crate::{pasted, prose, validate};
use serde_json::{Map, Value};

const MEMBERS: usize = 256;
const SHAPES: usize = 8;
/// Different examples that are compared with the structure.
const EXAMPLES: usize = 32;

struct Read<'a> {
    found: &'a Found,
    ty: Ty,
    typed: bool,
}

pub(crate) fn choose(text: &[char], survey: &Survey) -> Shape {
    let mut notes = vec![];
    if let Some(schema) = pasted_schema(survey) {
        let Some(schema) = pasted::safe(&schema, &mut notes) else { return unknown(survey, notes) };
        let fallback = fallback(survey).filter(|value| validate(&schema, value).is_ok());
        return Shape { schema, understood: true, notes, fallback };
    }
    let whole = survey.broken.unwrap_or(usize::MAX);
    let usable = |found: &&Found| found.start < whole;
    let mut reads: Vec<Read<'_>> =
        survey.found.iter().filter(usable).filter(|f| f.role == Role::Main).map(|f| read(f, survey)).collect();
    if !reads.iter().any(|read| has_members(&read.ty)) {
        reads = survey.found.iter().filter(usable).map(|found| read(found, survey)).collect();
    }
    reads.retain(|read| has_members(&read.ty));
    let (bare, mut reads): (Vec<_>, Vec<_>) = reads.into_iter().partition(|read| bare_names(&read.found.expr));
    if reads.is_empty() {
        reads = bare;
        reads.retain(|read| matches!(read.found.expr.atoms.as_slice(), [Atom::Obj(fields), ..] if fields.len() > 1));
    }
    let Some(ty) = combined(&reads, survey, &mut notes) else {
        return unknown(survey, notes);
    };
    let ty = prose::refined(settled(ty), text, survey, &mut notes);
    finished(ty, survey, notes)
}

/// The schema of a shape, and the fallback when it fits.
fn finished(ty: Ty, survey: &Survey, mut notes: Vec<String>) -> Shape {
    let value = fallback(survey);
    let ty = match &value {
        Some(value) => with_fallback(ty, value, &mut notes),
        None => ty,
    };
    if members(&ty) > MEMBERS {
        notes.push(format!("more than {MEMBERS} members"));
        return unknown(survey, notes);
    }
    let schema = ty.schema();
    let fallback = value.filter(|value| validate(&schema, value).is_ok());
    Shape { schema, understood: true, notes, fallback }
}

fn unknown(survey: &Survey, mut notes: Vec<String>) -> Shape {
    if survey.too_deep {
        notes.push(format!("nested deeper than {}", crate::read::DEPTH));
    }
    notes.push("the structure was not understood: any one JSON value is accepted".to_owned());
    let schema = any(3);
    let fallback = fallback(survey).filter(|value| validate(&schema, value).is_ok());
    Shape { schema, understood: false, notes, fallback }
}

fn read<'a>(found: &'a Found, survey: &Survey) -> Read<'a> {
    let mut meaning = Meaning::new(&survey.names, &survey.steps);
    let ty = meaning.expr(&found.expr, "");
    let ty = if found.listed && matches!(ty, Ty::Obj(_)) { Ty::Arr(Box::new(ty)) } else { ty };
    Read { found, ty, typed: meaning.typed }
}

fn fallback(survey: &Survey) -> Option<Value> {
    survey.found.iter().find(|found| found.role == Role::Fallback).and_then(|found| found.expr.literal())
}

/// `{name}`: braces around words, as templates and sets have them.
fn bare_names(expr: &Expr) -> bool {
    matches!(expr.atoms.as_slice(), [Atom::Obj(fields), ..] if fields.iter().all(|f| f.value.atoms.is_empty() && f.value.comment.is_empty()))
}

fn combined(reads: &[Read<'_>], survey: &Survey, notes: &mut Vec<String>) -> Option<Ty> {
    if let Some(root) = declared_root(reads, survey) {
        return Some(root);
    }
    let typed: Vec<&Read<'_>> = reads.iter().filter(|read| read.typed).collect();
    if typed.is_empty() {
        return joined(reads.iter().map(|read| read.ty.clone()), notes);
    }
    let mut ty = joined(typed.iter().map(|read| read.ty.clone()), notes)?;
    let mut examples: Vec<Option<Value>> = vec![];
    for value in reads.iter().filter(|read| !read.typed).map(|read| read.found.expr.literal()) {
        if examples.contains(&value) || examples.len() >= EXAMPLES {
            continue;
        }
        examples.push(value.clone());
        if value.as_ref().is_some_and(|value| validate(&ty.schema(), value).is_ok()) {
            continue;
        }
        match value.as_ref().and_then(|value| widened(&ty, value)) {
            Some(wider) => {
                notes.push("an example does not fit the structure, which was widened".to_owned());
                ty = wider;
            }
            None => notes.push("an example with other keys was left aside".to_owned()),
        }
    }
    Some(ty)
}

/// The interface that no other one mentions; the last of them when there are several.
fn declared_root(reads: &[Read<'_>], survey: &Survey) -> Option<Ty> {
    let named: Vec<&Read<'_>> = reads.iter().filter(|read| read.found.name.is_some()).collect();
    let mentioned = |name: &str| {
        survey.found.iter().any(|f| f.name.as_deref() != Some(name) && mentions(&f.expr, name))
            || survey.names.iter().any(|(n, e)| n != name && mentions(e, name))
    };
    let mut roots = named.iter().filter(|read| !read.found.name.as_deref().is_some_and(mentioned));
    roots.next_back().map(|read| read.ty.clone())
}

fn mentions(expr: &Expr, name: &str) -> bool {
    let word = |text: &str| text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == name);
    expr.atoms.iter().any(|atom| match atom {
        Atom::Word(text) => word(text),
        Atom::Obj(fields) => fields.iter().any(|field| mentions(&field.value, name)),
        Atom::Arr(items) => items.iter().any(|item| mentions(item, name)),
        Atom::Generic(head, items) => word(head) || items.iter().any(|item| mentions(item, name)),
        _ => false,
    })
}

fn joined(types: impl Iterator<Item = Ty>, notes: &mut Vec<String>) -> Option<Ty> {
    let ty = types.fold(Ty::Never, Ty::join);
    match ty {
        Ty::Never => None,
        Ty::Union(all) if all.len() > SHAPES => {
            notes.push(format!("more than {SHAPES} different structures"));
            None
        }
        ty => Some(ty),
    }
}

/// `ty` made wide enough for an example, when the example is of the same kind: it has every key the structure needs.
fn widened(ty: &Ty, example: &Value) -> Option<Ty> {
    let wider = match (ty, example) {
        (Ty::Obj(props), Value::Object(map)) => props.iter().all(|prop| prop.optional || map.contains_key(&prop.key)),
        (Ty::Arr(item), Value::Array(all)) => all.iter().all(|value| widened(item, value).is_some()),
        _ => false,
    };
    wider.then(|| admit(ty, example))
}

/// Lets the fallback through: a value the field has not, or an object with keys of its own.
fn with_fallback(ty: Ty, value: &Value, notes: &mut Vec<String>) -> Ty {
    if validate(&ty.schema(), value).is_ok() {
        return ty;
    }
    let (Ty::Obj(props), Value::Object(map)) = (&ty, value) else {
        notes.push("the fallback has another form than the structure".to_owned());
        return ty;
    };
    if map.is_empty() {
        notes.push("the fallback is empty".to_owned());
        return ty;
    }
    if map.keys().any(|key| !props.iter().any(|prop| prop.key == *key)) {
        notes.push("the fallback has keys of its own and was added as an alternative".to_owned());
        return Ty::Union(vec![ty.clone(), settled(Ty::of_value(value))]);
    }
    notes.push("the structure was widened for its fallback".to_owned());
    admit(&ty, value)
}

/// The type with one more value.
fn admit(ty: &Ty, value: &Value) -> Ty {
    if validate(&ty.schema(), value).is_ok() {
        return ty.clone();
    }
    match (ty, value) {
        (Ty::Obj(props), Value::Object(map)) => Ty::Obj(admit_members(props, map)),
        (Ty::Arr(item), Value::Array(all)) => {
            Ty::Arr(Box::new(all.iter().fold((**item).clone(), |item, value| admit(&item, value))))
        }
        (Ty::Num { int, min, max }, Value::Number(n)) => {
            let n = n.as_f64().unwrap_or(0.0);
            Ty::Num { int: *int && n.fract() == 0.0, min: min.map(|m| m.min(n)), max: max.map(|m| m.max(n)) }
        }
        (Ty::Enum(_), Value::String(_)) => ty.clone().join(Ty::Enum(vec![value.clone()])),
        (Ty::Union(all), Value::String(_)) => all
            .iter()
            .fold(Ty::Never, |u, t| u.join(if matches!(t, Ty::Enum(_)) { admit(t, value) } else { t.clone() })),
        (_, Value::Null) => ty.clone().or_null(),
        _ => ty.clone().join(settled(Ty::of_value(value))),
    }
}

fn admit_members(props: &[Prop], map: &Map<String, Value>) -> Vec<Prop> {
    let known = props.iter().map(|prop| {
        let ty = map.get(&prop.key).map_or_else(|| prop.ty.clone(), |value| admit(&prop.ty, value));
        Prop { ty, ..prop.clone() }
    });
    let mut out: Vec<Prop> = known.collect();
    for (key, value) in map.iter().filter(|(key, _)| !props.iter().any(|prop| prop.key == **key)) {
        out.push(Prop { key: key.clone(), optional: true, ty: settled(Ty::of_value(value)) });
    }
    out
}

/// A field that is `null` and nothing else says nothing about what it is otherwise.
fn settled(ty: Ty) -> Ty {
    match ty {
        Ty::Null => Ty::Any,
        Ty::Arr(item) => Ty::Arr(Box::new(settled(*item))),
        Ty::Map(item) => Ty::Map(Box::new(settled(*item))),
        Ty::Obj(props) => Ty::Obj(props.into_iter().map(|p| Prop { ty: settled(p.ty), ..p }).collect()),
        Ty::Union(all) => Ty::Union(all.into_iter().map(|ty| if ty == Ty::Null { ty } else { settled(ty) }).collect()),
        other => other,
    }
}

fn has_members(ty: &Ty) -> bool {
    match ty {
        Ty::Obj(props) => !props.is_empty(),
        Ty::Map(item) => !matches!(**item, Ty::Any),
        Ty::Arr(item) => has_members(item),
        Ty::Union(all) => all.iter().any(has_members),
        _ => false,
    }
}

fn members(ty: &Ty) -> usize {
    match ty {
        Ty::Obj(props) => props.iter().map(|p| 1 + members(&p.ty)).sum(),
        Ty::Arr(item) | Ty::Map(item) => members(item),
        Ty::Union(all) => all.iter().map(members).sum(),
        _ => 0,
    }
}

fn pasted_schema(survey: &Survey) -> Option<Value> {
    let mains = survey.found.iter().filter(|found| found.role == Role::Main);
    mains.filter_map(|found| found.expr.literal()).find_map(|value| pasted::unwrapped(&value))
}
