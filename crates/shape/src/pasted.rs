//! A JSON Schema pasted whole: recognised, then made anew in the subset and within the bounds of the made ones.
//! References are written out; where a reference leads back to itself the branch ends after a few rounds.

use crate::read::DEPTH;
use crate::ty::{MAX_ITEMS, MAX_STRING, any};
use serde_json::{Map, Value, json};

const TYPES: [&str; 7] = ["object", "array", "string", "number", "integer", "boolean", "null"];
const DEFINING: [&str; 9] = ["type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref", "properties", "items"];
const ANNOTATIONS: [&str; 12] = [
    "title",
    "description",
    "$schema",
    "$id",
    "id",
    "$comment",
    "default",
    "examples",
    "example",
    "deprecated",
    "$defs",
    "definitions",
];
const KNOWN: [&str; 20] = [
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "enum",
    "const",
    "anyOf",
    "oneOf",
    "allOf",
    "$ref",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "nullable",
];
/// Nodes that a schema may have when its references are written out.
const NODES: usize = 2000;
const ROUNDS: usize = 3;

/// The schema inside a value, when the value is one or wraps one as `response_format` and tools do.
pub(crate) fn unwrapped(value: &Value) -> Option<Value> {
    let map = value.as_object()?;
    if is_schema(map) {
        return Some(value.clone());
    }
    ["schema", "json_schema", "parameters", "input_schema"].iter().filter_map(|key| map.get(*key)).find_map(unwrapped)
}

fn is_schema(map: &Map<String, Value>) -> bool {
    let typed = map.get("type").is_some_and(|t| match t {
        Value::String(t) => TYPES.contains(&t.as_str()),
        Value::Array(all) => all.iter().all(|t| t.as_str().is_some_and(|t| TYPES.contains(&t))),
        _ => false,
    });
    let defines =
        |v: &Value| v.as_object().is_some_and(|m| m.is_empty() || DEFINING.iter().any(|key| m.contains_key(*key)));
    let properties =
        map.get("properties").and_then(Value::as_object).is_some_and(|m| !m.is_empty() && m.values().all(defines));
    let items = map.get("items").is_some_and(defines);
    map.contains_key("$schema")
        || properties
        || (typed && items)
        || (map.contains_key("$defs") && map.contains_key("$ref"))
}

/// The same schema, bounded and in the subset; nothing when nothing could satisfy it or it is too large.
pub(crate) fn safe(schema: &Value, notes: &mut Vec<String>) -> Option<Value> {
    let mut maker = Maker { root: schema, notes, nodes: 0, refs: vec![] };
    let out = maker.node(schema, 0)?;
    if maker.nodes > NODES {
        notes.push("the schema is too large when its references are written out".to_owned());
        return None;
    }
    Some(out)
}

struct Maker<'a> {
    root: &'a Value,
    notes: &'a mut Vec<String>,
    nodes: usize,
    refs: Vec<String>,
}

impl Maker<'_> {
    /// Nothing means that no value fits (a reference without end).
    fn node(&mut self, schema: &Value, depth: usize) -> Option<Value> {
        self.nodes += 1;
        if self.nodes > NODES {
            return None;
        }
        if depth >= DEPTH {
            self.note("nested too deep");
            return None;
        }
        let Some(map) = schema.as_object() else {
            return (schema != &Value::Bool(false)).then(|| any(1));
        };
        for key in map.keys().filter(|key| !KNOWN.contains(&key.as_str()) && !ANNOTATIONS.contains(&key.as_str())) {
            self.note(&format!("`{}` is not supported", key.chars().take(40).collect::<String>()));
        }
        let out = self.defined(map, depth)?;
        let nullable = map.get("nullable") == Some(&Value::Bool(true));
        Some(if nullable { json!({"anyOf": [out, {"type": "null"}]}) } else { out })
    }

    fn defined(&mut self, map: &Map<String, Value>, depth: usize) -> Option<Value> {
        if let Some(target) = map.get("$ref") {
            return self.reference(target.as_str()?, depth);
        }
        if let Some(value) = map.get("const") {
            return Some(json!({"const": value}));
        }
        if let Some(Value::Array(values)) = map.get("enum") {
            let strings = values.iter().all(Value::is_string);
            return Some(if strings { json!({"type": "string", "enum": values}) } else { json!({"enum": values}) });
        }
        if let Some(Value::Array(all)) = map.get("anyOf").or_else(|| map.get("oneOf")) {
            return self.any_of(map, all, depth);
        }
        if let Some(Value::Array(all)) = map.get("allOf") {
            return self.all_of(map, all, depth);
        }
        match map.get("type") {
            Some(Value::Array(types)) => {
                let kinds: Vec<_> =
                    types.iter().filter_map(Value::as_str).filter_map(|t| self.typed(t, map, depth)).collect();
                one_or_any_of(kinds)
            }
            Some(Value::String(kind)) => self.typed(kind, map, depth),
            _ if map.contains_key("properties") => self.typed("object", map, depth),
            _ if map.contains_key("items") => self.typed("array", map, depth),
            _ => Some(any(1)),
        }
    }

    fn any_of(&mut self, map: &Map<String, Value>, all: &[Value], depth: usize) -> Option<Value> {
        if map.contains_key("oneOf") {
            self.note("`oneOf` was read as `anyOf`");
        }
        if map.contains_key("properties") {
            self.note("`properties` beside alternatives were left aside");
        }
        let all: Vec<_> = all.iter().filter_map(|schema| self.node(schema, depth + 1)).collect();
        one_or_any_of(all)
    }

    /// Objects are merged; anything else is read as its first part.
    fn all_of(&mut self, map: &Map<String, Value>, all: &[Value], depth: usize) -> Option<Value> {
        let mut merged = map.clone();
        merged.remove("allOf");
        for part in all {
            let Some(part) = self.resolved(part).as_object().cloned() else { continue };
            for (key, value) in part {
                match (merged.get_mut(&key), value) {
                    (Some(Value::Object(old)), Value::Object(new)) if key == "properties" => old.extend(new),
                    (Some(Value::Array(old)), Value::Array(new)) if key == "required" => old.extend(new),
                    (Some(_), _) => {}
                    (None, value) => {
                        merged.insert(key, value);
                    }
                }
            }
        }
        self.defined(&merged, depth + 1)
    }

    fn resolved<'b>(&'b self, schema: &'b Value) -> &'b Value {
        let target = schema.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix('#'));
        target.and_then(|pointer| self.root.pointer(pointer)).unwrap_or(schema)
    }

    fn reference(&mut self, target: &str, depth: usize) -> Option<Value> {
        let Some(schema) = target.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer)) else {
            self.note("a reference out of the schema was read as any value");
            return Some(any(1));
        };
        if self.refs.iter().filter(|seen| *seen == target).count() >= ROUNDS {
            self.note("a reference to itself was ended after a few rounds");
            return None;
        }
        let schema = schema.clone();
        self.refs.push(target.to_owned());
        let out = self.node(&schema, depth + 1);
        self.refs.pop();
        out
    }

    fn typed(&mut self, kind: &str, map: &Map<String, Value>, depth: usize) -> Option<Value> {
        match kind {
            "object" => self.object(map, depth),
            "array" => Some(self.array(map, depth)),
            "string" => Some(string(map)),
            "number" | "integer" => Some(number(kind, map)),
            "boolean" | "null" => Some(json!({"type": kind})),
            _ => Some(any(1)),
        }
    }

    fn object(&mut self, map: &Map<String, Value>, depth: usize) -> Option<Value> {
        let Some(Value::Object(properties)) =
            map.get("properties").filter(|p| p.as_object().is_some_and(|p| !p.is_empty()))
        else {
            let values = match map.get("additionalProperties") {
                Some(schema @ Value::Object(_)) => self.node(schema, depth + 1)?,
                _ => any(1),
            };
            return Some(json!({"type": "object", "additionalProperties": values, "maxProperties": MAX_ITEMS}));
        };
        if map.get("additionalProperties").is_some_and(|extra| extra != &Value::Bool(false)) {
            self.note("only the named properties are allowed");
        }
        let asked: Vec<&str> =
            map.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let (mut all, mut required) = (Map::new(), vec![]);
        for (key, schema) in properties {
            let must = asked.contains(&key.as_str());
            match self.node(schema, depth + 1) {
                Some(schema) => {
                    all.insert(key.clone(), schema);
                    required.extend(must.then(|| key.clone()));
                }
                None if must => return None,
                None => {}
            }
        }
        Some(json!({"type": "object", "properties": all, "required": required, "additionalProperties": false}))
    }

    fn array(&mut self, map: &Map<String, Value>, depth: usize) -> Value {
        let items = match map.get("items") {
            Some(Value::Array(all)) => one_or_any_of(all.iter().filter_map(|s| self.node(s, depth + 1)).collect()),
            Some(schema) => self.node(schema, depth + 1),
            None => Some(any(1)),
        };
        let bound = |key: &str| map.get(key).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
        let max = bound("maxItems").map_or(MAX_ITEMS, |n| n.min(MAX_ITEMS));
        let Some(items) = items else { return json!({"type": "array", "maxItems": 0}) };
        let mut out = json!({"type": "array", "items": items, "maxItems": max});
        if let (Some(min), Some(out)) = (bound("minItems").filter(|n| *n > 0), out.as_object_mut()) {
            out.insert("minItems".to_owned(), json!(min.min(max)));
        }
        out
    }

    fn note(&mut self, text: &str) {
        if self.notes.len() < 32 && !self.notes.iter().any(|note| note == text) {
            self.notes.push(text.to_owned());
        }
    }
}

fn one_or_any_of(mut all: Vec<Value>) -> Option<Value> {
    match all.len() {
        0 => None,
        1 => all.pop(),
        _ => Some(json!({"anyOf": all})),
    }
}

fn string(map: &Map<String, Value>) -> Value {
    let bound = |key: &str| map.get(key).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    let max = bound("maxLength").map_or(MAX_STRING, |n| n.min(MAX_STRING));
    let mut out = json!({"type": "string", "maxLength": max});
    if let (Some(min), Some(out)) = (bound("minLength").filter(|n| *n > 0), out.as_object_mut()) {
        out.insert("minLength".to_owned(), json!(min.min(max)));
    }
    out
}

/// Exclusive bounds of integers become inclusive ones; those of other numbers lose the edge.
fn number(kind: &str, map: &Map<String, Value>) -> Value {
    let mut out = Map::new();
    out.insert("type".to_owned(), kind.into());
    for (inclusive, exclusive, step) in [("minimum", "exclusiveMinimum", 1), ("maximum", "exclusiveMaximum", -1)] {
        let strict = map.get(exclusive);
        let moved = strict
            .and_then(Value::as_i64)
            .filter(|_| kind == "integer")
            .and_then(|n| n.checked_add(step))
            .map(Value::from);
        let bound = moved
            .or_else(|| strict.filter(|n| n.is_number()).cloned())
            .or_else(|| map.get(inclusive).filter(|n| n.is_number()).cloned());
        if let Some(bound) = bound {
            out.insert(inclusive.to_owned(), bound);
        }
    }
    Value::Object(out)
}
