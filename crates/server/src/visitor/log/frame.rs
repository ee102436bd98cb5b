//! A frame: the documented members (contract 15.3), then ours, which documented clients ignore.

use axum::extract::ws::Utf8Bytes;
use serde::Serialize;
use serde_json::{Map, Value};

use super::Frame;

/// The avatar speaks: the only sender that documented clients read.
pub const AVATAR: &str = "umm";
/// The owner speaks in person.
pub const HUMAN: &str = "human";
/// What the visitor said, for their other sockets and for the owner.
pub const VISITOR: &str = "visitor";
/// Something happened: see the member `event`.
pub const SYSTEM: &str = "system";
/// The `index` of the frame that ends a reply.
pub const END: i64 = -1;

/// A frame that has no number yet.
#[derive(Clone, Debug)]
pub struct Draft<'a> {
    /// Who speaks.
    pub sender: &'static str,
    /// The message it is part of.
    pub message_id: &'a str,
    /// The documented `index`.
    pub position: i64,
    /// The text.
    pub answer: &'a str,
    /// Further members, as JSON; empty: none.
    pub extra: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    sender: &'a str,
    session_id: &'a str,
    index: i64,
    multiple_data: [Piece<'a>; 1],
    cursor: i64,
    message_id: &'a str,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Piece<'a> {
    single_data_type: &'static str,
    modal: Modal<'a>,
}

#[derive(Serialize)]
struct Modal<'a> {
    answer: &'a str,
}

impl<'a> Draft<'a> {
    /// A piece of a reply.
    pub fn piece(message_id: &'a str, position: i64, answer: &'a str) -> Self {
        Self { sender: AVATAR, message_id, position, answer, extra: String::new() }
    }

    /// The end of a reply.
    pub fn end(message_id: &'a str) -> Self {
        Self::piece(message_id, END, "")
    }

    /// A whole message of a person.
    pub fn whole(sender: &'static str, message_id: &'a str, text: &'a str) -> Self {
        Self { sender, message_id, position: 0, answer: text, extra: String::new() }
    }

    /// Something that happened.
    pub fn event(message_id: &'a str, mut about: Map<String, Value>, name: &str) -> Self {
        about.insert("event".to_owned(), name.into());
        Self { sender: SYSTEM, message_id, position: 0, answer: "", extra: Value::Object(about).to_string() }
    }

    /// The frame with its number.
    pub fn frame(&self, session_id: &str, seq: i64) -> Frame {
        let wire = Wire {
            sender: self.sender,
            session_id,
            index: self.position,
            multiple_data: [Piece { single_data_type: "text", modal: Modal { answer: self.answer } }],
            cursor: seq,
            message_id: self.message_id,
            extra: serde_json::from_str(&self.extra).unwrap_or_default(),
        };
        // Serialising plain texts and numbers does not fail.
        let text = serde_json::to_string(&wire).unwrap_or_default();
        Frame { seq, text: Utf8Bytes::from(text), ends: self.position == END }
    }
}

/// A stored sender as the constant it was written from.
pub(super) fn sender(word: &str) -> &'static str {
    [AVATAR, HUMAN, VISITOR].into_iter().find(|known| *known == word).unwrap_or(SYSTEM)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_frame_has_the_documented_members_first() {
        let frame = Draft::piece("vmsg_1", 0, "Hello! I am...").frame("6ff56704", 7);
        let documented = r#"{"sender":"umm","sessionId":"6ff56704","index":0,"multipleData":[{"singleDataType":"text","modal":{"answer":"Hello! I am..."}}],"#;
        assert_eq!(frame.text.as_str(), format!(r#"{documented}"cursor":7,"messageId":"vmsg_1"}}"#));
        let end = Draft::end("vmsg_1").frame("s", 8);
        let end: Value = serde_json::from_str(end.text.as_str()).unwrap();
        assert_eq!((&end["index"], &end["multipleData"][0]["modal"]["answer"]), (&json!(-1), &json!("")));
    }

    #[test]
    fn an_event_is_nothing_that_documented_clients_read() {
        let frame = Draft::event("", Map::new(), "takeover").frame("s", 1);
        let frame: Value = serde_json::from_str(frame.text.as_str()).unwrap();
        assert_eq!((&frame["sender"], &frame["event"]), (&json!("system"), &json!("takeover")));
    }
}
