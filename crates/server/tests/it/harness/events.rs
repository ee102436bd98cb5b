//! Reads a stream as the strictest of the known clients does (contract 23.1).

use serde_json::Value;

/// One frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The name of its event line; empty for deltas and the end.
    pub name: String,
    /// The payload; `[DONE]` is a JSON string here.
    pub data: Value,
}

impl Event {
    pub fn delta(&self) -> Option<&str> {
        if self.name.is_empty() { self.data["choices"][0]["delta"]["content"].as_str() } else { None }
    }

    pub fn is_done(&self) -> bool {
        self.data == "[DONE]"
    }
}

/// Parses a whole stream, and checks every byte of its framing.
pub fn events(text: &str) -> Vec<Event> {
    assert!(!text.contains('\r'), "a carriage return in {text:?}");
    assert!(text.ends_with("\n\n"), "the last frame is cut: {text:?}");
    let mut events = Vec::new();
    for frame in text.split("\n\n").filter(|f| !f.is_empty()) {
        if frame.starts_with(':') {
            continue;
        }
        let lines: Vec<&str> = frame.split('\n').collect();
        let (name, data) = match lines.as_slice() {
            [data] => ("", *data),
            [name, data] => (name.strip_prefix("event: ").unwrap_or_else(|| panic!("{frame:?}")), *data),
            _ => panic!("a frame of {} lines: {frame:?}", lines.len()),
        };
        let data = data.strip_prefix("data: ").unwrap_or_else(|| panic!("{frame:?}"));
        assert!(!data.starts_with(' ') && !name.starts_with(' '), "two spaces in {frame:?}");
        let data = if data == "[DONE]" { Value::from(data) } else { serde_json::from_str(data).unwrap() };
        if name.is_empty() && data != "[DONE]" {
            assert!(data["choices"].as_array().is_some_and(|c| c.len() == 1 && c[0]["delta"].is_object()), "{data}");
            assert!(data.get("sessionId").is_none());
        }
        events.push(Event { name: name.to_owned(), data });
    }
    assert_eq!(events.iter().filter(|e| e.is_done()).count(), 1, "exactly one [DONE]: {text}");
    assert!(events.last().is_some_and(Event::is_done), "[DONE] is the last frame");
    events
}
