//! What is learnt about a request while it is answered, for the inspector of its app. Nothing here is a token, a secret, or
//! what somebody wrote: values that are not known to be harmless are replaced before they get here.

use std::sync::{Arc, Mutex, PoisonError};

use axum::http::Extensions;
use serde_json::{Map, Value};

/// Fields whose values are words of the protocol and may be shown.
const PLAIN: [&str; 26] = [
    "grant_type",
    "grantType",
    "response_type",
    "code_challenge_method",
    "scope",
    "scopes",
    "model",
    "stream",
    "enableWebSearch",
    "page",
    "pageNo",
    "page_size",
    "pageSize",
    "limit",
    "max_tokens",
    "maxTokens",
    "temperature",
    "sortBy",
    "sort",
    "order",
    "memoryType",
    "contentType",
    "contentItems",
    "eventType",
    "action",
    "lang",
];
/// Longer values are not words of the protocol.
const PLAIN_MAX: usize = 120;
const DEPTH_MAX: usize = 5;
const ENTRIES_MAX: usize = 40;
const ITEMS_MAX: usize = 2;

/// Notes about one request. Cheap to clone; all clones are the same notes.
#[derive(Clone, Debug, Default)]
pub struct Trace(Arc<Mutex<Facts>>);

/// What was learnt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The app's id, or the Client ID that it claims.
    pub app: Option<String>,
    /// The user it acts for.
    pub user_id: Option<i64>,
    /// The kind of token.
    pub token_kind: &'static str,
    /// The token's scopes.
    pub scopes: String,
    /// The scope that the route needs.
    pub needs: &'static str,
    /// The body, redacted.
    pub body: String,
}

/// A request that was answered.
#[derive(Clone, Debug)]
pub struct Seen {
    /// What was learnt meanwhile.
    pub facts: Facts,
    /// `x-request-id`.
    pub request_id: String,
    /// When it came, in milliseconds since the Unix epoch.
    pub at: i64,
    /// `POST`.
    pub method: String,
    /// The route's pattern.
    pub route: String,
    /// The path as it was asked for.
    pub path: String,
    /// The query, redacted.
    pub query: String,
    /// The content type of the request.
    pub media: String,
    /// What the client calls itself.
    pub agent: String,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The error's sub code; empty: none.
    pub sub_code: &'static str,
    /// The error's message, without quoted values.
    pub message: String,
    /// Until the answer began, in microseconds.
    pub micros: i64,
}

impl Trace {
    /// The notes of a request, when it is one that is looked at.
    pub fn of(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }

    /// Adds to the notes.
    pub fn note(&self, add: impl FnOnce(&mut Facts)) {
        add(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Adds the body of a request whose app is known.
    pub fn note_body(&self, bytes: &[u8], max: usize) {
        let mut facts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if facts.app.is_some() && bytes.len() <= max {
            facts.body = redacted_json(bytes);
        }
    }

    /// Adds a form; the Client ID in it says whose request this is, when no token does.
    pub fn note_form(&self, fields: &Map<String, Value>) {
        let claimed = ["client_id", "clientId"].iter().find_map(|name| fields.get(*name)?.as_str());
        let mut facts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if facts.app.is_none() {
            facts.app = claimed.filter(|id| id.len() <= 64).map(str::to_owned);
        }
        if facts.app.is_some() {
            facts.body = redact("", &Value::Object(fields.clone()), 0).to_string();
        }
    }

    /// What was learnt.
    pub fn facts(&self) -> Facts {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A body without its values.
pub fn redacted_json(bytes: &[u8]) -> String {
    match serde_json::from_slice::<Value>(bytes) {
        Ok(value) => redact("", &value, 0).to_string(),
        Err(_) if bytes.is_empty() => String::new(),
        Err(_) => "\"not JSON\"".to_owned(),
    }
}

/// A query without its values.
pub fn redacted_query(query: &str) -> String {
    let pairs = url::form_urlencoded::parse(query.as_bytes()).take(ENTRIES_MAX);
    let shown = pairs.map(|(name, value)| match redact(&name, &Value::String(value.into_owned()), 0) {
        Value::String(value) => format!("{name}={value}"),
        other => format!("{name}={other}"),
    });
    shown.collect::<Vec<_>>().join("&")
}

/// A message without what it quotes: a parser's complaint quotes the value that it could not read.
pub fn unquoted(message: &str) -> String {
    let parts: Vec<&str> = message.split('"').collect();
    let shown = parts.iter().enumerate().map(|(at, part)| if at % 2 == 1 { "…" } else { part });
    shown.collect::<Vec<_>>().join("\"").chars().take(400).collect()
}

fn redact(name: &str, value: &Value, depth: usize) -> Value {
    let plain = PLAIN.contains(&name);
    match value {
        Value::Null | Value::Bool(_) => value.clone(),
        Value::Number(_) if plain => value.clone(),
        Value::Number(_) => Value::from(0),
        Value::String(text) if plain && text.len() <= PLAIN_MAX => value.clone(),
        Value::String(text) => format!("<{}>", text.chars().count()).into(),
        Value::Array(_) | Value::Object(_) if depth >= DEPTH_MAX => "<…>".into(),
        Value::Array(items) => {
            let mut shown: Vec<Value> =
                items.iter().take(ITEMS_MAX).map(|item| redact(name, item, depth + 1)).collect();
            if items.len() > ITEMS_MAX {
                shown.push(format!("<{} more>", items.len() - ITEMS_MAX).into());
            }
            shown.into()
        }
        Value::Object(members) => {
            let shown = members.iter().take(ENTRIES_MAX);
            let name = |name: &String| name.chars().take(64).collect::<String>();
            shown.map(|(key, value)| (name(key), redact(key, value, depth + 1))).collect::<Map<_, _>>().into()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn only_words_of_the_protocol_are_kept() {
        let body = json!({"message": "my secret plan", "model": "secondme/nano", "maxTokens": 20, "latitude": 38.7,
            "enableWebSearch": true, "images": [{"url": "https://a"}, {"url": "b"}, {"url": "c"}], "sessionId": null});
        let shown = redacted_json(body.to_string().as_bytes());
        let wanted = json!({"message": "<14>", "model": "secondme/nano", "maxTokens": 20, "latitude": 0,
            "enableWebSearch": true, "images": [{"url": "<9>"}, {"url": "<1>"}, "<1 more>"], "sessionId": null});
        assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), wanted);
        assert_eq!(redacted_query("pageNo=2&keyword=my+mother&sign=abc"), "pageNo=2&keyword=<9>&sign=<3>");
        assert_eq!(
            unquoted("`a`: invalid type: string \"my pass\", expected i64"),
            "`a`: invalid type: string \"…\", expected i64"
        );
        assert_eq!(redacted_json(b"{\"message\": \"half"), "\"not JSON\"");
    }

    #[test]
    fn a_form_names_its_app_and_hides_its_secret() {
        let trace = Trace::default();
        let form = json!({"grant_type": "authorization_code", "client_id": "c-1", "client_secret": "hush", "code": "lba_ac_x"});
        trace.note_form(form.as_object().unwrap());
        let facts = trace.facts();
        assert_eq!(facts.app.as_deref(), Some("c-1"));
        assert!(facts.body.contains("authorization_code") && !facts.body.contains("hush"), "{}", facts.body);
        assert!(!facts.body.contains("lba_ac_x"));
    }

    proptest! {
        #[test]
        fn what_people_write_is_never_kept(text in "[a-z]{6,40}", key in "[a-z]{3,10}") {
            prop_assume!(!PLAIN.contains(&key.as_str()));
            let body = json!({ &key: &text, "list": [{ &key: &text }] }).to_string();
            let value = format!("\"{text}\"");
            prop_assert!(!redacted_json(body.as_bytes()).contains(&value));
        }
    }
}
