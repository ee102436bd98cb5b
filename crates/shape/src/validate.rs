//! Whether a value has the shape.

use serde_json::Value;

/// Checks a value against a schema that [`crate::shape`] made. Nothing is fetched: a reference outside the schema is a problem.
///
/// # Errors
/// `path: problem` of the first problem, with the path as a JSON pointer.
pub fn validate(schema: &Value, value: &Value) -> Result<(), String> {
    let checker = jsonschema::options().build(schema).map_err(|problem| format!("schema: {problem}"))?;
    checker.validate(value).map_err(|problem| {
        let mut text = format!("{}: {problem}", problem.instance_path());
        if let Some((cut, _)) = text.char_indices().nth(400) {
            text.truncate(cut);
        }
        text
    })
}
