//! Finding the one JSON document in what a model said: with a fence around it, or prose before and after it.

use serde_json::Value;

/// The first text that is a whole JSON object or array; a text that is nothing but one JSON value of any kind.
pub(super) fn json(text: &str) -> Option<Value> {
    let trimmed = text.trim();
    if let Ok(value) = serde_json::from_str(trimmed) {
        return Some(value);
    }
    // Every start is tried once; a document that begins inside another one is not looked for.
    let mut at = 0;
    while let Some(found) = trimmed[at..].find(['{', '[']) {
        let start = at + found;
        let mut documents = serde_json::Deserializer::from_str(&trimmed[start..]).into_iter::<Value>();
        match documents.next() {
            Some(Ok(value)) => return Some(value),
            _ => at = start + 1,
        }
        if at > MAX_SEARCH {
            return None;
        }
    }
    None
}

/// How far into an answer a document may begin, in bytes: tries further in would cost more than they find.
const MAX_SEARCH: usize = 20_000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json as value;

    #[test]
    fn fences_and_prose_are_stripped() {
        for text in [
            r#"{"a": true}"#,
            "```json\n{\"a\": true}\n```",
            "Sure! Here it is: {\"a\": true}. Anything else?",
            "{not json} but {\"a\": true}",
        ] {
            assert_eq!(json(text), Some(value!({"a": true})), "{text}");
        }
        assert_eq!(json("true"), Some(value!(true)));
        for text in ["", "no", "{\"a\": tr", "```"] {
            assert_eq!(json(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in any::<String>()) {
            let _ = json(&text);
        }
    }
}
