//! The operations of an OpenAPI document, grouped by tag, with a command line for each.

use std::fmt::Write;

use serde_json::Value;

use super::schema::{self, Field};

/// The operations of one tag.
pub(in crate::pages) struct Group {
    pub(in crate::pages) name: String,
    pub(in crate::pages) operations: Vec<Operation>,
}

impl Group {
    /// Its name in addresses.
    pub(in crate::pages) fn slug(&self) -> String {
        slug(&self.name)
    }
}

/// A tag's name in addresses.
fn slug(tag: &str) -> String {
    tag.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}

/// One method of one path.
pub(in crate::pages) struct Operation {
    /// For links within the page of its tag.
    pub(in crate::pages) anchor: String,
    /// The page of its tag.
    pub(in crate::pages) part: String,
    pub(in crate::pages) method: String,
    pub(in crate::pages) path: String,
    /// The path without what all paths begin with.
    pub(in crate::pages) short: String,
    pub(in crate::pages) summary: String,
    pub(in crate::pages) description: String,
    pub(in crate::pages) access: Access,
    pub(in crate::pages) parameters: Vec<Parameter>,
    pub(in crate::pages) body: Option<Content>,
    pub(in crate::pages) responses: Vec<Answer>,
    pub(in crate::pages) curl: String,
    /// A small body that fits.
    pub(in crate::pages) example: Value,
    /// Whether the answer is a stream of events.
    pub(in crate::pages) streams: bool,
}

impl Operation {
    /// The content type of its body; empty: it has none.
    pub(in crate::pages) fn media(&self) -> &str {
        self.body.as_ref().map_or("", |body| body.media.as_str())
    }
}

/// What a caller must bring.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::pages) enum Access {
    /// Nothing.
    Public,
    /// Any access token.
    Token,
    /// A token with these scopes.
    Scopes(Vec<String>),
}

/// A parameter of path, query or headers.
pub(in crate::pages) struct Parameter {
    pub(in crate::pages) name: String,
    pub(in crate::pages) place: String,
    pub(in crate::pages) kind: String,
    pub(in crate::pages) required: bool,
    pub(in crate::pages) description: String,
}

/// A body.
pub(in crate::pages) struct Content {
    pub(in crate::pages) media: String,
    pub(in crate::pages) kind: String,
    pub(in crate::pages) fields: Vec<Field>,
}

/// One possible answer.
pub(in crate::pages) struct Answer {
    pub(in crate::pages) status: String,
    pub(in crate::pages) description: String,
    pub(in crate::pages) content: Option<Content>,
}

/// All of them, in the order of the document.
pub(in crate::pages) fn groups(root: &Value) -> Vec<Group> {
    let shared = shared_beginning(root);
    let mut groups: Vec<Group> = Vec::new();
    for (path, item) in root["paths"].as_object().into_iter().flatten() {
        for method in ["get", "post", "put", "patch", "delete"] {
            let operation = &item[method];
            if !operation.is_object() {
                continue;
            }
            let tag = operation["tags"][0].as_str().unwrap_or("Other");
            let mut operation = read(root, method, path, operation);
            operation.short = path[shared..].to_owned();
            operation.part = slug(tag);
            match groups.iter_mut().find(|group| group.name == tag) {
                Some(group) => group.operations.push(operation),
                None => groups.push(Group { name: tag.to_owned(), operations: vec![operation] }),
            }
        }
    }
    groups
}

/// The length of the whole segments that all paths begin with.
fn shared_beginning(root: &Value) -> usize {
    let mut paths = root["paths"].as_object().into_iter().flatten().map(|(path, _)| path.as_str());
    let first = paths.next().unwrap_or_default();
    let shared = paths.fold(first, |shared, path| {
        let same = shared.bytes().zip(path.bytes()).take_while(|(a, b)| a == b).count();
        &shared[..shared.floor_char_boundary(same)]
    });
    shared.rfind('/').unwrap_or_default()
}

fn read(root: &Value, method: &str, path: &str, operation: &Value) -> Operation {
    let text = |field: &str| operation[field].as_str().unwrap_or_default().trim().to_owned();
    let body = schema::resolve(root, &operation["requestBody"]);
    let responses = operation["responses"].as_object().into_iter().flatten();
    let anchor: String =
        format!("{method}{path}").chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    Operation {
        anchor,
        part: String::new(),
        method: method.to_owned(),
        path: path.to_owned(),
        short: path.to_owned(),
        summary: text("summary"),
        description: text("description"),
        access: access(operation, root),
        parameters: parameters(root, operation),
        body: content(root, body),
        responses: responses.map(|(status, answer)| answer_of(root, status, answer)).collect(),
        curl: curl(root, method, path, operation),
        example: example(root, body),
        streams: streams(operation),
    }
}

fn example(root: &Value, body: &Value) -> Value {
    let content = body["content"].as_object().and_then(|all| all.values().next());
    content.map_or(Value::Null, |content| schema::example(root, "body", &content["schema"], 0))
}

fn streams(operation: &Value) -> bool {
    operation["responses"]["200"]["content"]["text/event-stream"].is_object()
}

/// The operation's own `security`, else the document's.
fn access(operation: &Value, root: &Value) -> Access {
    let rules = operation["security"].as_array().or_else(|| root["security"].as_array());
    let Some(rule) = rules.and_then(|rules| rules.iter().find_map(|r| r.as_object()?.values().next())) else {
        return Access::Public;
    };
    let scopes: Vec<String> =
        rule.as_array().into_iter().flatten().filter_map(|s| s.as_str().map(str::to_owned)).collect();
    if scopes.is_empty() { Access::Token } else { Access::Scopes(scopes) }
}

fn parameters(root: &Value, operation: &Value) -> Vec<Parameter> {
    let all = operation["parameters"].as_array().into_iter().flatten();
    let read = |parameter: &Value| {
        let text = |field: &str| parameter[field].as_str().unwrap_or_default().trim().to_owned();
        let more = schema::description(root, &parameter["schema"]);
        Parameter {
            name: text("name"),
            place: text("in"),
            kind: schema::kind(root, &parameter["schema"]),
            required: parameter["required"] == true,
            description: format!("{} {more}", text("description")).trim().to_owned(),
        }
    };
    all.map(|parameter| read(schema::resolve(root, parameter))).collect()
}

fn content(root: &Value, holder: &Value) -> Option<Content> {
    let (media, content) = holder["content"].as_object()?.iter().next()?;
    let schema = payload(root, &content["schema"]);
    Some(Content { media: media.clone(), kind: schema::kind(root, schema), fields: schema::fields(root, schema) })
}

/// The envelope is the same everywhere: only `data` is worth showing.
fn payload<'v>(root: &'v Value, schema: &'v Value) -> &'v Value {
    let properties = schema::properties(root, schema);
    let names: Vec<&str> = properties.iter().map(|(name, _, _)| *name).collect();
    match names.as_slice() {
        ["code", "message", "data"] => properties[2].1,
        _ => schema,
    }
}

fn answer_of(root: &Value, status: &str, answer: &Value) -> Answer {
    let answer = schema::resolve(root, answer);
    let description = answer["description"].as_str().unwrap_or_default().trim().to_owned();
    Answer { status: status.to_owned(), description, content: content(root, answer) }
}

/// A command line that can be copied; `$SECONDME` is the server, `$TOKEN` an access token.
fn curl(root: &Value, method: &str, path: &str, operation: &Value) -> String {
    let mut out = String::from("curl");
    out.push_str(if streams(operation) { " -N" } else { "" });
    out.push_str(if method == "get" || method == "post" { "" } else { " -X " });
    out.push_str(if method == "get" || method == "post" { "" } else { method });
    let _ = write!(out, " \"$SECONDME{path}{}\"", query(root, operation));
    if access(operation, root) != Access::Public {
        out.push_str(" \\\n  -H \"Authorization: Bearer $TOKEN\"");
    }
    out.push_str(&body(root, method, operation));
    out
}

fn query(root: &Value, operation: &Value) -> String {
    let all = parameters(root, operation);
    let wanted: Vec<String> =
        all.iter().filter(|p| p.place == "query" && p.required).map(|p| format!("{0}=<{0}>", p.name)).collect();
    if wanted.is_empty() { String::new() } else { format!("?{}", wanted.join("&")) }
}

fn body(root: &Value, method: &str, operation: &Value) -> String {
    let body = schema::resolve(root, &operation["requestBody"]);
    let Some((media, content)) = body["content"].as_object().and_then(|all| all.iter().next()) else {
        return if method == "post" { " -X POST".to_owned() } else { String::new() };
    };
    let example = schema::example(root, "body", &content["schema"], 0);
    if media == "application/x-www-form-urlencoded" {
        let pairs = example.as_object().into_iter().flatten();
        let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        return pairs
            .map(|(name, value)| format!(" \\\n  -d {}", quoted(&format!("{name}={}", plain(value)))))
            .collect();
    }
    format!(" \\\n  -H 'Content-Type: {media}' \\\n  -d {}", quoted(&example.to_string()))
}

/// As one word for a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document() -> Value {
        json!({"paths": {
            "/api/chat": {"post": {"tags": ["Chat"], "summary": "Talks.", "security": [{"token": ["chat.write"]}],
                "requestBody": {"content": {"application/json": {"schema": {"properties": {"message": {"type": "string", "example": "it's me"}}}}}},
                "responses": {"200": {"description": "Frames", "content": {"text/event-stream": {"schema": {"type": "string"}}}}}}},
            "/api/me": {"get": {"tags": ["User"], "security": [{"token": []}], "parameters": [{"name": "id", "in": "query", "required": true, "schema": {"type": "integer"}}],
                "responses": {"200": {"description": "", "content": {"application/json": {"schema": {"properties":
                    {"code": {"type": "integer"}, "message": {"type": "string"}, "data": {"properties": {"name": {"type": "string"}}}}}}}}}}},
            "/api/open": {"get": {"tags": ["User"], "security": [{}], "responses": {}}}}})
    }

    #[test]
    fn operations_are_grouped_and_know_who_may_call_them() {
        let groups = groups(&document());
        let names: Vec<_> = groups.iter().map(|group| (group.name.as_str(), group.operations.len())).collect();
        assert_eq!(names, [("Chat", 1), ("User", 2)]);
        assert_eq!(
            (groups[0].operations[0].path.as_str(), groups[0].operations[0].short.as_str()),
            ("/api/chat", "/chat")
        );
        assert_eq!(groups[0].operations[0].access, Access::Scopes(vec!["chat.write".to_owned()]));
        assert_eq!(groups[1].operations[0].access, Access::Token);
        assert_eq!(groups[1].operations[1].access, Access::Public);
        let fields = &groups[1].operations[0].responses[0].content.as_ref().unwrap().fields;
        assert_eq!(fields.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["name"]);
    }

    #[test]
    fn a_command_line_can_be_copied() {
        let groups = groups(&document());
        let chat = "curl -N \"$SECONDME/api/chat\" \\\n  -H \"Authorization: Bearer $TOKEN\" \\\n  \
                    -H 'Content-Type: application/json' \\\n  -d '{\"message\":\"it'\\''s me\"}'";
        assert_eq!(groups[0].operations[0].curl, chat);
        assert_eq!(
            groups[1].operations[0].curl,
            "curl \"$SECONDME/api/me?id=<id>\" \\\n  -H \"Authorization: Bearer $TOKEN\""
        );
        assert_eq!(groups[1].operations[1].curl, "curl \"$SECONDME/api/open\"");
    }
}
