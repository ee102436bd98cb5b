//! From a JSON body to events: both spellings, mixed too; limits; what is missing is filled in; unknown fields stay.

use secondme_kit::Millis;
use serde_json::{Map, Value};

use super::{NewEvent, USUAL, key};
use crate::access::Caller;
use crate::config::Memory;
use crate::error::{ApiError, Problem, Result};

type Object = Map<String, Value>;

const TOP: [(&str, &str); 9] = [
    ("display_text", "displayText"),
    ("action_label", "actionLabel"),
    ("event_time", "eventTime"),
    ("event_desc", "eventDesc"),
    ("idempotency_key", "idempotencyKey"),
    ("signal_type", "signalType"),
    ("semantic_type", "semanticType"),
    ("entity_key", "entityKey"),
    ("cta_eligible", "ctaEligible"),
];
const REF: [(&str, &str); 3] =
    [("object_type", "objectType"), ("object_id", "objectId"), ("content_preview", "contentPreview")];
const SNAPSHOT: [(&str, &str); 1] = [("captured_at", "capturedAt")];
/// The longest time we understand: the year 9999, in milliseconds.
const LATEST: i64 = 253_402_300_799_999;
const GENERATED_MAX_CHARS: usize = 200;

/// The events of a body: one, or an array of them. The flag says which it was.
///
/// # Errors
/// `invalid.param` with the path of the first field that is missing or breaks its limit.
pub fn parse(body: Value, caller: &Caller, limits: &Memory, now: Millis) -> Result<(Vec<NewEvent>, bool)> {
    let one = |value: Value, at: String| match value {
        Value::Object(fields) => Reader { at, limits }.event(fields, caller, now),
        _ => Err(ApiError::invalid(if at.is_empty() { "body" } else { &at }, &Problem::Expected("an object", "对象"))),
    };
    match body {
        Value::Array(entries) if entries.is_empty() => Err(ApiError::invalid("body", &Problem::Required)),
        Value::Array(entries) if entries.len() > limits.events_max => {
            Err(ApiError::invalid("body", &Problem::TooMany(limits.events_max)))
        }
        Value::Array(entries) => {
            let events = entries.into_iter().enumerate().map(|(n, entry)| one(entry, format!("[{n}].")));
            Ok((events.collect::<Result<_>>()?, true))
        }
        single => Ok((vec![one(single, String::new())?], false)),
    }
}

/// Reads one event; knows where in the body it stands.
struct Reader<'a> {
    at: String,
    limits: &'a Memory,
}

impl Reader<'_> {
    fn event(&self, fields: Object, caller: &Caller, now: Millis) -> Result<NewEvent> {
        let limits = self.limits;
        let mut body = camel(fields, &TOP);
        let mut channel = self.object(&mut body, "channel")?;
        let kind = self.required(&channel, "channel.kind", limits.word_max_chars)?;
        let channel_id = self.text(&channel, "channel.id", limits.label_max_chars)?.map(str::to_owned);
        self.text(&channel, "channel.url", limits.url_max_chars)?;
        let named = self.text(&channel, "channel.platform", limits.word_max_chars)?.map(str::to_owned);
        self.is_object(&channel, "channel.meta")?;
        let platform = caller.grant.client_id.clone().or(named).unwrap_or_default();
        channel.insert("platform".to_owned(), platform.clone().into());
        let label = self.text(&body, "actionLabel", limits.label_max_chars)?.unwrap_or_default().to_owned();
        let action = self.required(&body, "action", limits.word_max_chars)?;
        let (refs, evidence) = self.refs(&mut body, &platform, caller.grant.client_id.is_some())?;
        let supplied = self.text(&body, "idempotencyKey", limits.label_max_chars)?;
        let dedup_key = key::of(supplied, &platform, &evidence.object_type, &evidence.object_id, caller.user_id);
        for (field, max) in [
            ("eventDesc", limits.display_max_chars),
            ("signalType", limits.word_max_chars),
            ("semanticType", limits.word_max_chars),
            ("entityKey", limits.label_max_chars),
        ] {
            self.text(&body, field, max)?;
        }
        self.is_object(&body, "payload")?;
        let shown = self.text(&body, "displayText", limits.display_max_chars)?.map(str::to_owned);
        let display_text = shown.unwrap_or_else(|| evidence.display(&action, &label));
        let (importance, event_time) = (self.importance(&body)?, self.time(&body, "eventTime")?.unwrap_or(now));
        body.insert("channel".to_owned(), channel.into());
        body.insert("refs".to_owned(), refs.into());
        Ok(NewEvent {
            dedup_key,
            text: evidence.searchable(&display_text, &label),
            channel: channel_id.map(|id| format!("{platform}/{kind}/{id}")),
            platform,
            action,
            action_label: label,
            display_text,
            importance,
            event_time,
            body,
        })
    }

    fn refs(&self, body: &mut Object, platform: &str, through_app: bool) -> Result<(Vec<Value>, Evidence)> {
        let Some(Value::Array(entries)) = body.remove("refs") else {
            return Err(self.refuse("refs", &Problem::Expected("a list with at least one entry", "至少一项的列表")));
        };
        if entries.is_empty() {
            return Err(self.refuse("refs", &Problem::Expected("a list with at least one entry", "至少一项的列表")));
        }
        if entries.len() > self.limits.refs_max {
            return Err(self.refuse("refs", &Problem::TooMany(self.limits.refs_max)));
        }
        let mut evidence = Evidence::default();
        let mut refs = Vec::with_capacity(entries.len());
        for (n, entry) in entries.into_iter().enumerate() {
            let reader = Reader { at: format!("{}refs[{n}].", self.at), limits: self.limits };
            let Value::Object(fields) = entry else {
                return Err(self.refuse(&format!("refs[{n}]"), &Problem::Expected("an object", "对象")));
            };
            let mut fields = camel(fields, &REF);
            reader.reference(&mut fields, &mut evidence)?;
            if through_app || !fields.contains_key("platform") {
                fields.insert("platform".to_owned(), platform.into());
            }
            refs.push(Value::Object(fields));
        }
        Ok((refs, evidence))
    }

    fn reference(&self, fields: &mut Object, evidence: &mut Evidence) -> Result<()> {
        let limits = self.limits;
        let object_type = self.required(fields, "objectType", limits.word_max_chars)?;
        let object_id = self.required(fields, "objectId", limits.label_max_chars)?;
        if evidence.object_type.is_empty() {
            (evidence.object_type, evidence.object_id) = (object_type, object_id);
        }
        self.text(fields, "platform", limits.word_max_chars)?;
        self.text(fields, "url", limits.url_max_chars)?;
        if self.text(fields, "type", limits.word_max_chars)?.is_none() {
            fields.insert("type".to_owned(), "external_action".into());
        }
        let preview = self.text(fields, "contentPreview", limits.display_max_chars)?.map(str::to_owned);
        self.is_object(fields, "snapshot")?;
        if let Some(Value::Object(snapshot)) = fields.remove("snapshot") {
            let snapshot = camel(snapshot, &SNAPSHOT);
            evidence.texts.push(self.required(&snapshot, "snapshot.text", limits.snapshot_max_chars)?);
            self.time(&snapshot, "snapshot.capturedAt")?;
            self.text(&snapshot, "snapshot.hash", limits.label_max_chars)?;
            fields.insert("snapshot".to_owned(), snapshot.into());
        } else {
            evidence.texts.extend(preview);
        }
        Ok(())
    }

    fn object(&self, fields: &mut Object, name: &str) -> Result<Object> {
        match fields.remove(name) {
            Some(Value::Object(inner)) => Ok(camel(inner, &[])),
            _ => Err(self.refuse(name, &Problem::Expected("an object", "对象"))),
        }
    }

    fn is_object(&self, fields: &Object, name: &str) -> Result<()> {
        match fields.get(last(name)) {
            None | Some(Value::Object(_)) => Ok(()),
            Some(_) => Err(self.refuse(name, &Problem::Expected("an object", "对象"))),
        }
    }

    /// A text that may be absent; blank counts as absent. Numbers are taken as ids.
    fn text<'f>(&self, fields: &'f Object, name: &str, max: usize) -> Result<Option<&'f str>> {
        match fields.get(last(name)) {
            None => Ok(None),
            Some(Value::String(text)) if text.len() > max && text.chars().count() > max => {
                Err(self.refuse(name, &Problem::TooLong(max)))
            }
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.trim().is_empty())),
            Some(_) => Err(self.refuse(name, &Problem::Expected("a text", "文本"))),
        }
    }

    fn required(&self, fields: &Object, name: &str, max: usize) -> Result<String> {
        // Ids are numbers on many platforms; the same id as text is the same id.
        if let Some(Value::Number(number)) = fields.get(last(name)).filter(|_| name.ends_with("objectId")) {
            return Ok(number.to_string());
        }
        self.text(fields, name, max)?.map(str::to_owned).ok_or_else(|| self.refuse(name, &Problem::Required))
    }

    fn importance(&self, fields: &Object) -> Result<f64> {
        match fields.get("importance") {
            None => Ok(USUAL),
            Some(value) => value
                .as_f64()
                .filter(|n| (0.0..=1.0).contains(n))
                .ok_or_else(|| self.refuse("importance", &Problem::Expected("a number from 0 to 1", " 0 到 1 的数字"))),
        }
    }

    fn time(&self, fields: &Object, name: &str) -> Result<Option<Millis>> {
        match fields.get(last(name)) {
            None => Ok(None),
            Some(value) => {
                let whole = || value.as_f64().filter(|n| n.fract() == 0.0).map(|n| n as i64);
                let time = value.as_i64().or_else(whole).filter(|at| (0..=LATEST).contains(at));
                let problem = Problem::Expected("a time in milliseconds since 1970", "毫秒时间戳");
                time.map(Some).ok_or_else(|| self.refuse(name, &problem))
            }
        }
    }

    fn refuse(&self, name: &str, problem: &Problem) -> ApiError {
        ApiError::invalid(&format!("{}{name}", self.at), problem)
    }
}

/// What an event's refs say.
#[derive(Default)]
struct Evidence {
    object_type: String,
    object_id: String,
    /// Snapshot or preview of each ref that has one.
    texts: Vec<String>,
}

impl Evidence {
    /// The text shown when the app sent none: the label (or the action in words), and the evidence or what it is about.
    fn display(&self, action: &str, label: &str) -> String {
        let done = if label.is_empty() { in_words(action) } else { label.to_owned() };
        let about = match self.texts.first() {
            Some(text) => cut(text, GENERATED_MAX_CHARS),
            None => format!("{} {}", in_words(&self.object_type).to_lowercase(), self.object_id),
        };
        format!("{done}: {about}")
    }

    /// What can be found: the text shown, and of the evidence what it does not show already.
    fn searchable(&self, display_text: &str, label: &str) -> String {
        let mut text = display_text.to_owned();
        for more in std::iter::once(label).chain(self.texts.iter().map(String::as_str)) {
            if !text.contains(more) {
                text.push('\n');
                text.push_str(more);
            }
        }
        text
    }
}

/// `post_created` → `Post created`.
fn in_words(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    for (n, c) in word.replace(['_', '-', '.'], " ").trim().chars().enumerate() {
        if n == 0 { out.extend(c.to_uppercase()) } else { out.push(c) }
    }
    out
}

/// The first line or so of a text.
fn cut(text: &str, max: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(max) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

/// Renames the known snake_case fields and drops `null`s; of two spellings the first that is not `null` counts.
fn camel(fields: Object, names: &[(&str, &str)]) -> Object {
    let mut out = Object::new();
    for (name, value) in fields {
        if value.is_null() {
            continue;
        }
        let name = names.iter().find(|(snake, _)| *snake == name).map_or(name, |(_, camel)| (*camel).to_owned());
        out.entry(name).or_insert(value);
    }
    out
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}
