//! The smallest value that a JSON Schema allows, for the fake's structured answers.

use serde_json::{Map, Value, json};

/// How deep references and nesting are followed before `null` is given.
const MAX_DEPTH: usize = 32;

/// A small instance of the usual vocabulary: `type`, `enum`, `const`, `default`, `properties`/`required`, `items`/`minItems`,
/// `minLength`, `minimum`/`exclusiveMinimum`/`maximum`, `anyOf`/`oneOf`/`allOf` and local `$ref`. All declared properties are
/// filled in, so that a caller that reads an optional one finds it. `pattern` and `format` are not honoured.
pub fn minimal_instance(schema: &Value) -> Value {
    instance(schema, schema, 0)
}

fn instance(schema: &Value, root: &Value, depth: usize) -> Value {
    if depth > MAX_DEPTH {
        return Value::Null;
    }
    if let Some(fixed) = schema.get("const").or_else(|| schema.get("enum").and_then(|e| e.get(0))) {
        return fixed.clone();
    }
    if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix('#')) {
        return root.pointer(target).map_or(Value::Null, |s| instance(s, root, depth + 1));
    }
    if let Some(first) = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(|any| any.get(0)) {
        return instance(first, root, depth + 1);
    }
    if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
        return merged(parts, root, depth);
    }
    match type_of(schema) {
        "object" => object(schema, root, depth),
        "array" => array(schema, root, depth),
        "string" => Value::String("x".repeat(bound(schema, "minLength"))),
        "boolean" => Value::Bool(false),
        "integer" => number(schema).map_or(json!(0), |n| json!(n.ceil() as i64)),
        "number" => number(schema).map_or(json!(0), |n| json!(n)),
        _ => Value::Null,
    }
}

/// The declared type; a schema without one is guessed from its other words.
fn type_of(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(name)) => name,
        Some(Value::Array(names)) => names.first().and_then(Value::as_str).unwrap_or("null"),
        _ if schema.get("properties").is_some() => "object",
        _ if schema.get("items").is_some() => "array",
        _ => "null",
    }
}

fn object(schema: &Value, root: &Value, depth: usize) -> Value {
    let mut out = Map::new();
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        for (name, property) in properties {
            out.insert(name.clone(), instance(property, root, depth + 1));
        }
    }
    Value::Object(out)
}

fn array(schema: &Value, root: &Value, depth: usize) -> Value {
    let item = schema.get("items").map_or(Value::Null, |items| instance(items, root, depth + 1));
    Value::Array(vec![item; bound(schema, "minItems")])
}

fn merged(parts: &[Value], root: &Value, depth: usize) -> Value {
    let mut out = Map::new();
    for part in parts {
        match instance(part, root, depth + 1) {
            Value::Object(fields) => out.extend(fields),
            other if parts.len() == 1 => return other,
            _ => {}
        }
    }
    Value::Object(out)
}

fn bound(schema: &Value, word: &str) -> usize {
    schema.get(word).and_then(Value::as_u64).map_or(0, |n| usize::try_from(n.min(10_000)).unwrap_or(0))
}

/// The smallest allowed number, when the schema does not allow 0.
fn number(schema: &Value) -> Option<f64> {
    let limit = |word: &str| schema.get(word).and_then(Value::as_f64);
    match (limit("minimum"), limit("exclusiveMinimum"), limit("maximum")) {
        (Some(min), _, _) if min > 0.0 => Some(min),
        (_, Some(min), _) if min >= 0.0 => Some(min.floor() + 1.0),
        (_, _, Some(max)) if max < 0.0 => Some(max.floor()),
        _ => None,
    }
}
