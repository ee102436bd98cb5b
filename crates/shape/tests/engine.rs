//! Every schema that is made stays in the published subset, and the engine's library turns it into a token mask.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use llguidance::api::ParserLimits;
use llguidance::{GrammarBuilder, JsonCompileOptions};
use secondme_shape::shape;
use serde_json::Value;
use std::fs;

const SUBSET: [&str; 15] = [
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "enum",
    "const",
    "anyOf",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "maxProperties",
];

fn texts() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus");
    let files = fs::read_dir(folder).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
    let cases = files.flat_map(|text| serde_json::from_str::<Vec<Value>>(&text).unwrap());
    let text = |case: Value| match &case["text"] {
        Value::Array(lines) => lines.iter().map(|line| line.as_str().unwrap()).collect::<Vec<_>>().join("\n"),
        text => text.as_str().unwrap().to_owned(),
    };
    cases.map(text).chain(["nothing at all".to_owned()]).collect()
}

#[test]
fn llguidance_takes_every_schema() {
    for text in texts() {
        let schema = shape(&text).schema;
        let builder = GrammarBuilder::new(None, ParserLimits::default());
        if let Err(why) = JsonCompileOptions::default().json_to_llg(builder, schema.clone()) {
            panic!("{why}: {schema}");
        }
    }
}

#[test]
fn every_keyword_is_in_the_subset_and_everything_is_bounded() {
    for text in texts() {
        bounded(&shape(&text).schema);
    }
}

fn bounded(schema: &Value) {
    let map = schema.as_object().unwrap();
    for key in map.keys() {
        assert!(SUBSET.contains(&key.as_str()), "{key} in {schema}");
    }
    match map.get("type").and_then(Value::as_str) {
        Some("string") => assert!(map.contains_key("maxLength") || map.contains_key("enum"), "{schema}"),
        Some("array") => assert!(map.contains_key("maxItems"), "{schema}"),
        Some("object") => {
            assert!(map["additionalProperties"] == false || map.contains_key("maxProperties"), "{schema}")
        }
        Some("number" | "integer" | "boolean" | "null") => {}
        None => assert!(["anyOf", "enum", "const"].iter().any(|key| map.contains_key(*key)), "{schema}"),
        Some(other) => panic!("type {other}"),
    }
    let inner = map.get("properties").and_then(Value::as_object).into_iter().flat_map(|all| all.values());
    let inner = inner.chain(map.get("anyOf").and_then(Value::as_array).into_iter().flatten());
    let extra = map.get("additionalProperties").filter(|extra| extra.is_object());
    inner.chain(map.get("items")).chain(extra).for_each(bounded);
}
