//! JSON schemas as rows of a table: one per field, nested ones indented.

use serde_json::Value;

/// Deeper fields are left out; also ends schemas that contain themselves.
const DEPTH_MAX: usize = 3;

/// One field of a body.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::pages) struct Field {
    pub(in crate::pages) name: String,
    /// How deep it is nested, for the indentation.
    pub(in crate::pages) depth: usize,
    pub(in crate::pages) kind: String,
    pub(in crate::pages) required: bool,
    pub(in crate::pages) description: String,
}

/// Follows `$ref`, and picks the schema out of "this or null".
pub(super) fn resolve<'v>(root: &'v Value, schema: &'v Value) -> &'v Value {
    let mut schema = schema;
    for _ in 0..8 {
        let variants = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array());
        let real = variants.map(|all| all.iter().filter(|v| v["type"] != "null").collect::<Vec<_>>());
        schema = match (schema["$ref"].as_str(), real.as_deref()) {
            (Some(reference), _) => match reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer)) {
                Some(target) => target,
                None => return schema,
            },
            (None, Some([only])) => only,
            (None, _) => return schema,
        };
    }
    schema
}

/// The properties of an object and whether each is required; those of all parts of an `allOf`.
pub(super) fn properties<'v>(root: &'v Value, schema: &'v Value) -> Vec<(&'v str, &'v Value, bool)> {
    let schema = resolve(root, schema);
    let required = |name: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|r| r == name));
    let own = schema["properties"].as_object().into_iter().flatten();
    let own = own.map(|(name, value)| (name.as_str(), value, required(name)));
    let parts = schema["allOf"].as_array().into_iter().flatten();
    own.chain(parts.flat_map(|part| properties(root, part))).collect()
}

/// Every field of an object, or of the entries of a list, with its nested fields after it.
pub(super) fn fields(root: &Value, schema: &Value) -> Vec<Field> {
    let mut out = Vec::new();
    collect(root, schema, 0, &mut out);
    out
}

fn collect(root: &Value, schema: &Value, depth: usize, out: &mut Vec<Field>) {
    if depth > DEPTH_MAX {
        return;
    }
    for (name, value, required) in properties(root, schema) {
        out.push(Field {
            name: name.to_owned(),
            depth,
            kind: kind(root, value),
            required,
            description: description(root, value),
        });
        collect(root, entries(root, value), depth + 1, out);
    }
}

/// What a list is made of; anything else is itself.
fn entries<'v>(root: &'v Value, schema: &'v Value) -> &'v Value {
    let resolved = resolve(root, schema);
    if resolved["items"].is_object() { resolve(root, &resolved["items"]) } else { resolved }
}

/// The type in a word or two: `string`, `integer or null`, `list of object`.
pub(super) fn kind(root: &Value, schema: &Value) -> String {
    let resolved = resolve(root, schema);
    let variants = schema["oneOf"].as_array().into_iter().flatten();
    let mut nullable = variants.clone().any(|variant| variant["type"] == "null");
    let names: Vec<&str> = match &resolved["type"] {
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        Value::String(one) => vec![one.as_str()],
        _ if resolved["properties"].is_object() || resolved["allOf"].is_array() => vec!["object"],
        _ => vec!["any"],
    };
    nullable |= names.contains(&"null");
    let name = names.into_iter().find(|name| *name != "null").unwrap_or("any");
    let name = match name {
        "array" => format!("list of {}", kind(root, &resolved["items"])),
        name => name.to_owned(),
    };
    if nullable { format!("{name} or null") } else { name }
}

/// The description with what else the schema says: allowed values, default, example.
pub(super) fn description(root: &Value, schema: &Value) -> String {
    let resolved = resolve(root, schema);
    let mut parts: Vec<String> = Vec::new();
    if let Some(text) = schema["description"].as_str().or_else(|| resolved["description"].as_str()) {
        parts.push(text.trim().to_owned());
    }
    if let Some(values) = resolved["enum"].as_array() {
        parts.push(format!("One of {}.", values.iter().map(code).collect::<Vec<_>>().join(", ")));
    }
    for (member, word) in
        [("default", "Default"), ("example", "Example"), ("minimum", "At least"), ("maximum", "At most")]
    {
        let value = &schema[member];
        if !value.is_null() && value != "" {
            parts.push(format!("{word} {}.", code(value)));
        }
    }
    parts.join(" ")
}

fn code(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    }
}

/// A small value that fits the schema, for an example request: the required fields, or the first one.
pub(super) fn example(root: &Value, name: &str, schema: &Value, depth: usize) -> Value {
    let resolved = resolve(root, schema);
    if let Some(given) = [schema, resolved].into_iter().map(|s| &s["example"]).find(|example| !example.is_null()) {
        return given.clone();
    }
    if let Some(first) = resolved["enum"].as_array().and_then(|all| all.first()) {
        return first.clone();
    }
    match kind(root, schema).split(' ').next() {
        Some("string") => format!("<{name}>").into(),
        Some("integer" | "number") => 1.into(),
        Some("boolean") => true.into(),
        Some("list") if depth < DEPTH_MAX => vec![example(root, name, &resolved["items"], depth + 1)].into(),
        Some("object") if depth < DEPTH_MAX => {
            let all = properties(root, resolved);
            let any_required = all.iter().any(|(_, _, required)| *required);
            let wanted =
                all.into_iter().enumerate().filter(|(i, (_, _, required))| *required || (!any_required && *i == 0));
            wanted.map(|(_, (name, value, _))| (name.to_owned(), example(root, name, value, depth + 1))).collect()
        }
        _ => Value::Object(serde_json::Map::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document() -> Value {
        json!({"components": {"schemas": {
            "Node": {"type": "object", "required": ["name"], "properties": {
                "name": {"type": "string", "description": "What it is called."},
                "size": {"type": ["integer", "null"], "default": 3},
                "next": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Node"}]},
                "tags": {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}}}}}}})
    }

    #[test]
    fn fields_are_listed_with_their_nested_ones_and_an_end() {
        let root = document();
        let fields = fields(&root, &json!({"$ref": "#/components/schemas/Node"}));
        let first: Vec<_> =
            fields.iter().take(4).map(|f| (f.name.as_str(), f.depth, f.kind.as_str(), f.required)).collect();
        let wanted = [
            ("name", 0, "string", true),
            ("size", 0, "integer or null", false),
            ("next", 0, "object or null", false),
            ("name", 1, "string", true),
        ];
        assert_eq!(first, wanted);
        assert_eq!(fields[1].description, "Default `3`.");
        assert_eq!(fields.last().unwrap().kind, "list of string");
        assert_eq!(fields.iter().map(|f| f.depth).max(), Some(DEPTH_MAX));
    }

    #[test]
    fn an_example_has_what_is_required() {
        let root = document();
        assert_eq!(example(&root, "node", &json!({"$ref": "#/components/schemas/Node"}), 0), json!({"name": "<name>"}));
        assert_eq!(
            example(&root, "x", &json!({"properties": {"a": {"type": "integer"}, "b": {}}}), 0),
            json!({"a": 1})
        );
    }
}
