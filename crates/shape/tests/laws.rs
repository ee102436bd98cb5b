//! Laws of the reader: it never panics, it is quick on hostile texts, and a shape that is written in any of the usual styles
//! is read back as the same shape.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use secondme_shape::{MAX_ITEMS, MAX_STRING, shape, validate};
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// What a developer has in mind before writing it down.
#[derive(Clone, Debug)]
enum Want {
    Text,
    Truth,
    Number,
    Whole,
    Range(i32, i32),
    Choice(Vec<String>),
    Nullable(Box<Want>),
    List(Box<Want>),
    Object(Vec<(String, bool, Want)>),
}

#[derive(Clone, Copy, Debug)]
enum Style {
    Json,
    Quoted,
    TypeScript,
    Chinese,
    Python,
}

impl Want {
    fn schema(&self) -> Value {
        match self {
            Self::Text => json!({"type": "string", "maxLength": MAX_STRING}),
            Self::Truth => json!({"type": "boolean"}),
            Self::Number => json!({"type": "number"}),
            Self::Whole => json!({"type": "integer"}),
            Self::Range(a, b) => json!({"type": "integer", "minimum": a, "maximum": b}),
            Self::Choice(all) => json!({"type": "string", "enum": all}),
            Self::Nullable(inner) => json!({"anyOf": [inner.schema(), {"type": "null"}]}),
            Self::List(inner) => json!({"type": "array", "items": inner.schema(), "maxItems": MAX_ITEMS}),
            Self::Object(fields) => {
                let all: Map<_, _> = fields.iter().map(|(key, _, want)| (key.clone(), want.schema())).collect();
                let required: Vec<_> = fields.iter().filter(|f| !f.1).map(|f| f.0.clone()).collect();
                json!({"type": "object", "properties": all, "required": required, "additionalProperties": false})
            }
        }
    }

    fn written(&self, style: Style) -> String {
        let pick = |words: [&str; 5]| words[style as usize].to_owned();
        match self {
            Self::Text => pick(["string", "\"string\"", "string", "字符串", "str"]),
            Self::Truth => pick(["boolean", "\"true|false\"", "boolean", "布尔值", "bool"]),
            Self::Number => pick(["number", "\"number\"", "number", "数字", "float"]),
            Self::Whole => pick(["int", "\"integer\"", "integer", "整数", "int"]),
            Self::Range(a, b) => pick(["A-B", "\"integer, A to B\"", "A ~ B", "A到B的整数", "A..B"])
                .replace('A', &a.to_string())
                .replace('B', &b.to_string()),
            Self::Choice(all) => match style {
                Style::Json | Style::TypeScript => {
                    all.iter().map(|s| format!("\"{s}\"")).collect::<Vec<_>>().join(" | ")
                }
                Style::Quoted => format!("\"{}\"", all.join("|")),
                Style::Chinese => all.iter().map(|s| format!("“{s}”")).collect::<Vec<_>>().join("或"),
                Style::Python => {
                    format!("Literal[{}]", all.iter().map(|s| format!("'{s}'")).collect::<Vec<_>>().join(", "))
                }
            },
            Self::Nullable(inner) => match style {
                Style::Python => format!("Optional[{}]", inner.written(style)),
                Style::Quoted => format!("\"{} or null\"", inner.written(style).trim_matches('"')),
                Style::Chinese => format!("{}（可为空）", inner.written(style)),
                _ => format!("{} | null", inner.written(style)),
            },
            Self::List(inner) => match style {
                Style::TypeScript => format!("Array<{}>", inner.written(style)),
                Style::Python => format!("List[{}]", inner.written(style)),
                Style::Chinese => format!("［{}］", inner.written(style)),
                _ => format!("[{}]", inner.written(style)),
            },
            Self::Object(fields) => object(fields, style),
        }
    }

    fn instance(&self, seed: usize) -> Value {
        match self {
            Self::Text => json!("文 text".repeat(seed % 5)),
            Self::Truth => json!(seed.is_multiple_of(2)),
            Self::Number => json!(f64::from(u16::try_from(seed % 1000).unwrap()) / 7.0),
            Self::Whole => json!(seed % 1000),
            Self::Range(a, b) => json!(if seed.is_multiple_of(2) { a } else { b }),
            Self::Choice(all) => json!(all[seed % all.len()]),
            Self::Nullable(inner) => {
                if seed.is_multiple_of(2) {
                    Value::Null
                } else {
                    inner.instance(seed / 2)
                }
            }
            Self::List(inner) => (0..seed % 4).map(|n| inner.instance(seed / 3 + n)).collect(),
            Self::Object(fields) => {
                let kept = fields.iter().enumerate().filter(|(n, f)| !f.1 || (seed + n).is_multiple_of(2));
                Value::Object(kept.map(|(n, f)| (f.0.clone(), f.2.instance(seed / 2 + n))).collect())
            }
        }
    }
}

fn object(fields: &[(String, bool, Want)], style: Style) -> String {
    let one = |(key, optional, want): &(String, bool, Want)| {
        let value = want.written(style);
        let mark = if *optional { "?" } else { "" };
        match style {
            Style::Json => format!("\"{key}\"{mark}: {value}"),
            Style::Quoted if *optional => format!("\"{key}\": {value} // optional\n"),
            Style::Quoted => format!("\"{key}\": {value}"),
            Style::TypeScript => format!("  {key}{mark}: {value}"),
            Style::Chinese if *optional => format!("“{key}”：{value}（可选）"),
            Style::Chinese => format!("“{key}”：{value}"),
            Style::Python if *optional => format!("'{key}': {value}  # optional\n"),
            Style::Python => format!("'{key}': {value}"),
        }
    };
    let all: Vec<_> = fields.iter().map(one).collect();
    match style {
        Style::TypeScript => format!("{{\n{};\n}}", all.join(";\n")),
        Style::Chinese => format!("｛{}｝", all.join("，")),
        _ => format!("{{{}}}", all.join(", ")),
    }
}

fn key() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "name", "is_ok", "userId", "score_2", "note", "city", "like", "标题", "情绪", "原因", "q1", "total",
    ])
    .prop_map(str::to_owned)
}

fn choices() -> impl Strategy<Value = Vec<String>> {
    let words = vec!["like", "dislike", "neutral", "buy", "sell", "very_good", "A", "喜欢", "不喜欢", "中立", "x-1"];
    prop::sample::subsequence(words, 2..5).prop_map(|all| all.into_iter().map(str::to_owned).collect())
}

fn leaf() -> impl Strategy<Value = Want> {
    prop_oneof![
        Just(Want::Text),
        Just(Want::Truth),
        Just(Want::Number),
        Just(Want::Whole),
        (-1..5_i32, 6..200_i32).prop_map(|(a, b)| Want::Range(a, b)),
        choices().prop_map(Want::Choice),
    ]
}

fn fields(value: impl Strategy<Value = Want>) -> impl Strategy<Value = Want> {
    prop::collection::vec((key(), any::<bool>(), value), 1..5).prop_map(|mut fields| {
        let mut seen = std::collections::BTreeSet::new();
        fields.retain(|(key, ..)| seen.insert(key.clone()));
        Want::Object(fields)
    })
}

fn want() -> impl Strategy<Value = Want> {
    let value = leaf().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![inner.clone().prop_map(|want| Want::List(Box::new(want))), fields(inner)]
    });
    let value = prop_oneof![4 => value, 1 => leaf().prop_map(|want| Want::Nullable(Box::new(want)))];
    fields(value)
}

fn style() -> impl Strategy<Value = Style> {
    prop::sample::select(vec![Style::Json, Style::Quoted, Style::TypeScript, Style::Chinese, Style::Python])
}

/// Texts made of the pieces that the reader reacts to.
fn pieces() -> impl Strategy<Value = String> {
    let words = vec![
        "{",
        "}",
        "[",
        "]",
        "{{",
        "}}",
        "(",
        ")",
        "<",
        ">",
        "\"",
        "'",
        "“",
        "”",
        "｛",
        "｝",
        ":",
        "：",
        ",",
        "，",
        "|",
        "/",
        "//",
        "#",
        "/*",
        "*/",
        "\n",
        " ",
        "...",
        "\"a\"",
        "a",
        "string",
        "true",
        "null",
        "0-10",
        "type X = ",
        "interface Y ",
        "\\",
        "\\\"",
        "```",
        "[]",
        "Array<",
        "or",
        "或",
        "optional",
        "one of ",
        "\"type\": \"object\"",
        "\"$ref\": \"#\"",
        "\"properties\": {",
        "喜欢",
        "-",
        "?",
        "\u{0}",
        "😀",
        "fallback",
    ];
    prop::collection::vec(prop::sample::select(words), 0..120).prop_map(|all| all.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 600 } else { 20_000 }))]

    #[test]
    fn what_is_written_is_read_back(want in want(), style in style()) {
        let text = format!("Output only JSON of this form:\n{}\nNothing else.", want.written(style));
        let got = shape(&text);
        prop_assert_eq!(got.schema.to_string(), want.schema().to_string(), "{}\n{:?}", text, got.notes);
        prop_assert!(got.understood);
    }

    #[test]
    fn instances_have_the_shape_and_others_have_not(want in want(), style in style(), seed in 0..10_000_usize) {
        let got = shape(&format!("仅输出 JSON：\n{}", want.written(style)));
        let mut instance = want.instance(seed);
        prop_assert_eq!(validate(&got.schema, &instance), Ok(()));
        instance.as_object_mut().unwrap().insert("unasked".to_owned(), json!(1));
        prop_assert!(validate(&got.schema, &instance).is_err());
    }

    #[test]
    fn a_pasted_schema_is_read_back(want in want()) {
        let text = format!("Follow this JSON Schema:\n```json\n{}\n```", want.schema());
        prop_assert_eq!(shape(&text).schema.to_string(), want.schema().to_string());
    }

    #[test]
    fn an_example_admits_itself(want in want(), seed in 0..10_000_usize) {
        let example = want.instance(seed);
        let got = shape(&format!("Output JSON like this example:\n{example}"));
        prop_assert_eq!(validate(&got.schema, &example), Ok(()), "{}", got.schema);
    }

    #[test]
    fn no_text_is_a_problem(text in prop_oneof![pieces(), any::<String>(), "\\PC{0,300}"]) {
        let got = shape(&text);
        prop_assert!(validate(&got.schema, &json!({})).err().is_none_or(|why| !why.starts_with("schema:")), "{}", got.schema);
        if let Some(fallback) = got.fallback {
            prop_assert_eq!(validate(&got.schema, &fallback), Ok(()));
        }
    }
}

#[test]
fn hostile_texts_are_quick() {
    let pieces = [
        "{",
        "[",
        "{\"a\":",
        "{a:",
        "[{",
        "{{",
        "(",
        "\"",
        "“",
        "'",
        "{\"a\": \"",
        "{a: b, ",
        "{\"a\": 1, // ",
        "a: string # ",
        "// , ",
        "{\"a\":[1,",
        "<",
        "{<a>:",
        "|",
        "/",
        "{\"a\": x | ",
        "type A = ",
        "type A = {b: A}\n",
        "interface A {b: A, c: A}\n",
        "Array<",
        "{a: Array<",
        "one of a, b ",
        "a: 0-10 ",
        "{\"a\":1}",
        "{\"a\":1}\n{b: string}\n",
        "{\"type\":\"object\",\"properties\":{\"a\":",
        "{\"a\": string} a ",
        "，",
        "\\\"",
        "{\\\"",
        "{} ",
        "[{}]",
        "{\"a\": {\"a\": {}}}",
        "-",
        "1-",
        "是",
        "一",
        "{一: ",
    ];
    for piece in pieces {
        let open: String = piece.chars().cycle().take(8000).collect();
        let closed: String = open.chars().take(7000).chain("}]\"} ".chars().cycle().take(1000)).collect();
        let inside = format!("{{\"a\": {} }}", open.chars().take(7900).collect::<String>());
        for text in [open, closed, inside] {
            let begun = Instant::now();
            let got = shape(&text);
            let took = begun.elapsed();
            let limit = Duration::from_millis(if cfg!(debug_assertions) { 1500 } else { 100 });
            assert!(took < limit, "{took:?} for {piece:?}");
            assert!(got.schema.to_string().len() < 1_000_000, "{piece:?} made a huge schema");
        }
    }
}

#[test]
fn references_that_lead_to_themselves_end() {
    let text = r##"{"$schema": "x", "type": "object", "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#"}}}, "required": ["name", "children"]}"##;
    let got = shape(text);
    assert!(got.understood);
    let tree = json!({"name": "a", "children": [{"name": "b", "children": []}]});
    assert_eq!(validate(&got.schema, &tree), Ok(()));
    let never = r##"{"type": "object", "properties": {"a": {"$ref": "#"}, "b": {"$ref": "https://example.com/x"}}, "required": ["a"]}"##;
    assert!(!shape(never).understood, "nothing can satisfy it");
}

#[test]
fn deep_structures_are_any_value() {
    let deep = |n: usize| format!("Output {}boolean{} only", "{\"a\": ".repeat(n), "}".repeat(n));
    assert!(shape(&deep(16)).understood);
    assert!(!shape(&deep(17)).understood);
}
