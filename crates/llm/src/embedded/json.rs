//! JSON Schema → a mask over tokens, by llguidance.

use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::sampling::LlamaSampler;
use llguidance::api::TopLevelGrammar;
use llguidance::{JsonCompileOptions, Matcher, ParserFactory};
use serde_json::Value;

use crate::ModelError;

/// Makes matchers; holds the vocabulary as a tree, built once per model (0.2 to 0.5 s).
pub(super) struct Grammars(ParserFactory);

impl Grammars {
    pub(super) fn of(model: &LlamaModel) -> Result<Self, ModelError> {
        let vocabulary = LlamaSampler::llguidance_tok_env(model);
        let mut factory = ParserFactory::new_simple(&vocabulary)
            .map_err(|e| ModelError::Broken(format!("no grammars for this vocabulary: {e}")))?;
        factory.quiet();
        Ok(Self(factory))
    }

    /// A matcher for one answer (0.4 to 4.5 ms).
    ///
    /// # Errors
    /// `Unsupported` when the schema is no schema, or one that cannot be enforced.
    pub(super) fn matcher(&self, schema: &Value) -> Result<Matcher, ModelError> {
        if !schema.is_object() {
            return Err(ModelError::Unsupported("the JSON schema is no object".into()));
        }
        let mut schema = schema.clone();
        close(&mut schema);
        // Free white space is what small models lose themselves in.
        JsonCompileOptions { whitespace_flexible: false, ..JsonCompileOptions::default() }.apply_to(&mut schema);
        let grammar = TopLevelGrammar::from_json_schema(schema);
        let matcher = Matcher::new(self.0.create_parser(grammar));
        match matcher.get_error() {
            Some(error) => Err(ModelError::Unsupported(format!("the JSON schema: {}", first_line(&error)))),
            None => Ok(matcher),
        }
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(300).collect()
}

/// Objects that do not say whether they have further properties get none: still valid, and small models stop making them up.
/// Parts of an `allOf` stay open, because closing one would forbid what the others ask for.
fn close(schema: &mut Value) {
    let Value::Object(fields) = schema else { return };
    let silent = !fields.contains_key("additionalProperties")
        && !fields.contains_key("patternProperties")
        && !fields.contains_key("allOf");
    if silent && fields.contains_key("properties") {
        fields.insert("additionalProperties".into(), Value::Bool(false));
    }
    for (word, value) in fields.iter_mut() {
        match (word.as_str(), value) {
            ("properties" | "$defs" | "definitions", Value::Object(named)) => named.values_mut().for_each(close),
            ("anyOf" | "oneOf" | "prefixItems", Value::Array(parts)) => parts.iter_mut().for_each(close),
            ("items", part) => close(part),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn silent_objects_are_closed_and_all_of_is_left_alone() {
        let mut schema = json!({
            "properties": {"a": {"type": "array", "items": {"properties": {"b": {"type": "null"}}}},
                           "c": {"properties": {}, "additionalProperties": true},
                           "d": {"properties": {"x": {}}, "allOf": [{"properties": {"y": {}}}]}}
        });
        close(&mut schema);
        assert_eq!(schema["additionalProperties"], json!(false));
        assert_eq!(schema["properties"]["a"]["items"]["additionalProperties"], json!(false));
        assert_eq!(schema["properties"]["c"]["additionalProperties"], json!(true));
        assert_eq!(schema["properties"]["d"].get("additionalProperties"), None);
        assert_eq!(schema["properties"]["d"]["allOf"][0].get("additionalProperties"), None);
    }
}
