//! How long a document can be at the most, from its schema: a document that is sure to fit may stream as it comes.

use serde_json::Value;

/// The most bytes of a document that is valid under `schema` and has no white space but one blank after `:` and `,`; none when
/// that cannot be told. A token is at least one byte, so this bounds tokens, too.
pub(super) fn max_bytes(schema: &Value) -> Option<u32> {
    let length = |value: &Value| u32::try_from(value.to_string().len()).ok();
    if let Some(constant) = schema.get("const") {
        return length(constant);
    }
    if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
        return choices.iter().map(length).try_fold(0, |longest, l| Some(longest.max(l?)));
    }
    if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
        return choices.iter().map(max_bytes).try_fold(0, |longest, l| Some(longest.max(l?)));
    }
    match schema.get("type")?.as_str()? {
        "boolean" => Some(5),
        "null" => Some(4),
        "integer" => {
            let (min, max) = (schema.get("minimum")?.as_i64()?, schema.get("maximum")?.as_i64()?);
            u32::try_from(min.to_string().len().max(max.to_string().len())).ok()
        }
        "object" => object(schema),
        _ => None,
    }
}

fn object(schema: &Value) -> Option<u32> {
    if schema.get("additionalProperties") != Some(&Value::Bool(false)) {
        return None;
    }
    let mut total = 2_u32;
    for (name, property) in schema.get("properties")?.as_object()? {
        let name = u32::try_from(Value::from(name.as_str()).to_string().len()).ok()?;
        total = total.checked_add(name + 4)?.checked_add(max_bytes(property)?)?;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(properties: Value) -> Value {
        json!({"type": "object", "properties": properties, "additionalProperties": false})
    }

    #[test]
    fn small_documents_are_bounded() {
        let schema = object(json!({
            "liked": {"type": "boolean"},
            "intent": {"enum": ["like", "dislike", "neutral"]},
            "score": {"type": "integer", "minimum": 0, "maximum": 10},
        }));
        let longest = json!({"liked": false, "intent": "dislike", "score": 10});
        let bound = max_bytes(&schema).unwrap();
        assert!(longest.to_string().len() <= usize::try_from(bound).unwrap());
        assert!(bound < 80, "{bound}");
    }

    #[test]
    fn what_can_be_long_is_not() {
        for open in [
            json!({}),
            json!({"type": "string", "maxLength": 5}),
            json!({"type": "integer"}),
            json!({"type": "number", "minimum": 0, "maximum": 1}),
            json!({"type": "array", "items": {"type": "boolean"}}),
            json!({"type": "object", "properties": {"a": {"type": "boolean"}}}),
            object(json!({"a": {"type": "string"}})),
        ] {
            assert_eq!(max_bytes(&open), None, "{open}");
        }
    }
}
