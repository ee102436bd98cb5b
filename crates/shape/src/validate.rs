//! Whether a value has the shape.

use serde_json::Value;

/// Whether a schema from elsewhere is one, and refers to nothing outside.
///
/// # Errors
/// What is wrong with it.
pub fn check_schema(schema: &Value) -> Result<(), String> {
    jsonschema::options().build(schema).map(drop).map_err(|problem| problem.to_string().chars().take(400).collect())
}

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
