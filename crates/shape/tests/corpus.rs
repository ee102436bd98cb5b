//! Every control of the corpus gives the shape that its reader would expect. The expectations are in a short hand:
//! "str" "int" "num" "bool" "null" "any" "obj" "scalar"; `{"$enum": […]}`, `{"$or": […]}`, `{"$arr": …}`, `{"$map": …}`,
//! `{"$int": [a, b]}`, `{"$num": [a, b]}`, `{"$raw": schema}`; any other object is an object, with `key?` for an optional key.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use secondme_shape::{MAX_ITEMS, MAX_STRING, check, shape, validate};
use serde_json::{Map, Value, json};
use std::{fs, path::Path};

fn any(depth: usize) -> Value {
    let mut kinds = vec![];
    if depth > 0 {
        kinds.push(json!({"type": "object", "additionalProperties": any(depth - 1), "maxProperties": MAX_ITEMS}));
        kinds.push(json!({"type": "array", "items": any(depth - 1), "maxItems": MAX_ITEMS}));
    }
    kinds.extend([word("str"), word("num"), word("bool"), word("null")]);
    json!({"anyOf": kinds})
}

fn word(word: &str) -> Value {
    match word {
        "str" => json!({"type": "string", "maxLength": MAX_STRING}),
        "int" => json!({"type": "integer"}),
        "num" => json!({"type": "number"}),
        "bool" => json!({"type": "boolean"}),
        "null" => json!({"type": "null"}),
        "any" => any(1),
        "anything" => any(3),
        "obj" => expand(&json!({"$map": "any"})),
        "scalar" => expand(&json!({"$or": ["str", "num", "bool"]})),
        other => panic!("no such word: {other}"),
    }
}

fn expand(want: &Value) -> Value {
    let Value::Object(map) = want else { return word(want.as_str().unwrap()) };
    if let Some((key, value)) = map.iter().next().filter(|(key, _)| key.starts_with('$')) {
        return match key.as_str() {
            "$enum" if value.as_array().unwrap().iter().all(Value::is_string) => {
                json!({"type": "string", "enum": value})
            }
            "$enum" => json!({"enum": value}),
            "$or" => json!({"anyOf": value.as_array().unwrap().iter().map(expand).collect::<Vec<_>>()}),
            "$arr" => json!({"type": "array", "items": expand(value), "maxItems": MAX_ITEMS}),
            "$map" => json!({"type": "object", "additionalProperties": expand(value), "maxProperties": MAX_ITEMS}),
            "$int" => json!({"type": "integer", "minimum": value[0], "maximum": value[1]}),
            "$num" => json!({"type": "number", "minimum": value[0], "maximum": value[1]}),
            "$raw" => value.clone(),
            other => panic!("no such key: {other}"),
        };
    }
    let name = |key: &str| key.trim_end_matches('?').to_owned();
    let properties: Map<_, _> = map.iter().map(|(key, value)| (name(key), expand(value))).collect();
    let required: Vec<_> = map.keys().filter(|key| !key.ends_with('?')).collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn text(case: &Value) -> String {
    match &case["text"] {
        Value::Array(lines) => lines.iter().map(|line| line.as_str().unwrap()).collect::<Vec<_>>().join("\n"),
        text => text.as_str().unwrap().to_owned(),
    }
}

fn cases() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read =
        |path: &std::path::PathBuf| serde_json::from_str::<Vec<Value>>(&fs::read_to_string(path).unwrap()).unwrap();
    files.iter().flat_map(read).collect()
}

/// The order of the members counts: it is the order in which the model writes.
fn same(a: &Value, b: &Value) -> bool {
    let (a, b) = (a.to_string(), b.to_string());
    a == b
}

#[test]
fn every_control_gives_the_expected_shape() {
    let mut wrong = vec![];
    let cases = cases();
    for case in &cases {
        let (text, want) = (text(case), expand(&case["want"]));
        let got = shape(&text);
        let understood = case["want"] != "anything";
        let fallback = case.get("fallback").cloned();
        if !same(&got.schema, &want) || got.understood != understood || got.fallback != fallback {
            let (got_fallback, notes) = (&got.fallback, &got.notes);
            wrong.push(format!(
                "\n{text}\n  want {want} {fallback:?}\n  got  {} {got_fallback:?} {notes:?}",
                got.schema
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn the_corpus_is_large_enough_and_the_contract_accepts_it() {
    let cases = cases();
    assert!(cases.len() >= 150, "{} controls", cases.len());
    let texts: std::collections::BTreeSet<_> = cases.iter().map(text).collect();
    assert_eq!(texts.len(), cases.len(), "a control stands there twice");
    for case in &cases {
        assert_eq!(check(&text(case), 20, 8000), Ok(()), "{}", text(case));
    }
}

#[test]
fn fallbacks_have_the_shape() {
    for case in cases() {
        let got = shape(&text(&case));
        if let Some(fallback) = got.fallback {
            assert_eq!(validate(&got.schema, &fallback), Ok(()));
        }
    }
}
