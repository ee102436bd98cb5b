//! A client of apps' MCP servers (Streamable HTTP, JSON-RPC 2.0), through the protected door to addresses that others chose.
//!
//! Written here and not taken from a library, because every request must pass that door, one call is all there is to a connection,
//! and small endpoints that answer `tools/list` and `tools/call` without a handshake are to work, too (contract 6.4).

use std::time::Duration;

use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;
use url::Url;

use crate::app::App;
use crate::http::outbound::{Answer, Ask, OutboundError, Reach};

/// The newest version of the protocol that is spoken here.
pub const VERSION: &str = "2025-11-25";
const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const PROTOCOL: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// Pages of a list of tools that are read.
const PAGES_MAX: usize = 10;
const METHOD_NOT_FOUND: i64 = -32601;

/// Where a server is, and what every request to it carries.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its address.
    pub url: Url,
    /// Headers of every request.
    pub headers: HeaderMap,
    /// Longest everything may take together.
    pub timeout: Duration,
}

/// A tool of a server.
#[derive(Clone, Debug)]
pub struct RemoteTool {
    /// Its name.
    pub name: String,
    /// When to use it.
    pub description: String,
    /// The JSON Schema of its arguments.
    pub input_schema: Value,
}

/// Why there is no result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CallError {
    /// The server could not be reached, or took too long.
    #[error("{0}")]
    Unreachable(#[from] OutboundError),
    /// It answered with an HTTP error.
    #[error("the server answered with status {0}")]
    Status(u16),
    /// It answered with something else than JSON-RPC.
    #[error("the server gave no JSON-RPC answer: {0}")]
    Protocol(&'static str),
    /// It answered with a JSON-RPC error.
    #[error("{message} ({code})")]
    Rpc {
        /// Its number.
        code: i64,
        /// Its words.
        message: String,
    },
}

/// A connection: after the handshake, if the server knows one.
pub struct Client<'a> {
    app: &'a App,
    endpoint: Endpoint,
    deadline: Instant,
    session: Option<HeaderValue>,
    version: Option<HeaderValue>,
    next_id: i64,
    /// What the server calls itself.
    pub server: String,
}

impl<'a> Client<'a> {
    /// Shakes hands. A server that knows no `initialize` is asked without.
    ///
    /// # Errors
    /// Everything else that the server, or its absence, says.
    pub async fn connect(app: &'a App, endpoint: Endpoint) -> Result<Self, CallError> {
        let deadline = Instant::now() + endpoint.timeout;
        let server = String::new();
        let mut this = Self { app, endpoint, deadline, session: None, version: None, next_id: 1, server };
        let about = json!({
            "protocolVersion": VERSION,
            "capabilities": {},
            "clientInfo": {"name": "secondme-server", "version": env!("CARGO_PKG_VERSION")},
        });
        let said = match this.send("initialize", about).await {
            Ok(said) => said,
            Err(CallError::Rpc { code: METHOD_NOT_FOUND, .. }) => return Ok(this),
            Err(error) => return Err(error),
        };
        this.version = said["protocolVersion"].as_str().and_then(|text| HeaderValue::from_str(text).ok());
        this.server = said["serverInfo"]["name"].as_str().unwrap_or_default().chars().take(100).collect();
        // It has no answer, and whether it was understood shows in what follows.
        let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        this.post(&note).await?;
        Ok(this)
    }

    /// The version that the server chose.
    pub fn version(&self) -> Option<&str> {
        self.version.as_ref().and_then(|version| version.to_str().ok())
    }

    /// Its tools.
    ///
    /// # Errors
    /// What the server says.
    pub async fn tools(&mut self) -> Result<Vec<RemoteTool>, CallError> {
        let (mut tools, mut cursor) = (Vec::new(), Value::Null);
        for _ in 0..PAGES_MAX {
            let params = if cursor.is_null() { json!({}) } else { json!({"cursor": cursor}) };
            let said = self.send("tools/list", params).await?;
            let list = said["tools"].as_array().ok_or(CallError::Protocol("tools/list has no list of tools"))?;
            tools.extend(list.iter().filter_map(tool));
            cursor = said["nextCursor"].clone();
            if cursor.is_null() {
                break;
            }
        }
        Ok(tools)
    }

    /// Calls a tool; what it gave is a `CallToolResult`.
    ///
    /// # Errors
    /// What the server says.
    pub async fn call(&mut self, name: &str, arguments: &Value) -> Result<Value, CallError> {
        self.send("tools/call", json!({"name": name, "arguments": arguments})).await
    }

    /// Ends the server's session, if it made one. It may also forget it by itself.
    pub async fn close(mut self) {
        if self.session.is_some() {
            let ask = self.ask(Method::DELETE, Vec::new());
            let _ = self.app.outbound().send(Ask { timeout: Duration::from_secs(2).min(ask.timeout), ..ask }).await;
            self.session = None;
        }
    }

    async fn send(&mut self, method: &str, params: Value) -> Result<Value, CallError> {
        let id = self.next_id;
        self.next_id += 1;
        let answer = self.post(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})).await?;
        if let Some(session) = answer.headers.get(SESSION) {
            self.session = Some(session.clone());
        }
        read(id, &answer)
    }

    async fn post(&self, message: &Value) -> Result<Answer, CallError> {
        let ask = self.ask(Method::POST, message.to_string().into_bytes());
        Ok(self.app.outbound().send(ask).await?)
    }

    fn ask(&self, method: Method, body: Vec<u8>) -> Ask {
        let limits = &self.app.config().integrations;
        let mut headers = self.endpoint.headers.clone();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        for (name, value) in [(SESSION, &self.session), (PROTOCOL, &self.version)] {
            if let Some(value) = value {
                headers.insert(name, value.clone());
            }
        }
        Ask {
            method,
            headers,
            reach: Reach::allowing_private(limits.allow_private),
            timeout: self.deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1)),
            max_bytes: limits.answer_max_bytes,
            ..Ask::post(self.endpoint.url.clone(), body)
        }
    }
}

fn tool(value: &Value) -> Option<RemoteTool> {
    Some(RemoteTool {
        name: value["name"].as_str()?.to_owned(),
        description: value["description"].as_str().unwrap_or_default().to_owned(),
        input_schema: value.get("inputSchema").cloned().unwrap_or_else(|| json!({"type": "object"})),
    })
}

/// The result of request `id` in an answer.
fn read(id: i64, answer: &Answer) -> Result<Value, CallError> {
    if answer.cut {
        return Err(CallError::Protocol("the answer is too large"));
    }
    let kind = answer.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let text = String::from_utf8_lossy(&answer.body);
    let messages = if kind.starts_with("text/event-stream") { events(&text) } else { parse(&text) };
    let ours = messages.into_iter().find(|message| {
        let said = message.get("result").is_some() || message.get("error").is_some();
        // An error that came before the request was understood has no id.
        said && (message["id"] == id || message["id"].is_null())
    });
    match ours {
        Some(message) => match message.get("error").filter(|error| !error.is_null()) {
            None => Ok(message["result"].clone()),
            // Who is not let in is told apart by the status.
            Some(_) if matches!(answer.status.as_u16(), 401 | 403) => Err(CallError::Status(answer.status.as_u16())),
            Some(error) => Err(CallError::Rpc {
                code: error["code"].as_i64().unwrap_or(-32603),
                message: error["message"].as_str().unwrap_or("no message").chars().take(500).collect(),
            }),
        },
        None if answer.status != StatusCode::OK => Err(CallError::Status(answer.status.as_u16())),
        None => Err(CallError::Protocol("there is no answer to the request in it")),
    }
}

fn parse(text: &str) -> Vec<Value> {
    match serde_json::from_str(text) {
        Ok(Value::Array(messages)) => messages,
        Ok(message) => vec![message],
        Err(_) => Vec::new(),
    }
}

/// The messages of an event stream.
fn events(text: &str) -> Vec<Value> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let data = |event: &str| {
        let lines = event.lines().filter_map(|line| line.strip_prefix("data:"));
        lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
    };
    text.split("\n\n").flat_map(|event| parse(&data(event))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn answer(status: u16, kind: &str, body: &str) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_str(kind).unwrap());
        let (status, url) = (StatusCode::from_u16(status).unwrap(), Url::parse("https://app.example/mcp").unwrap());
        Answer { status, headers, body: body.to_owned().into(), cut: false, url }
    }

    #[test]
    fn answers_come_as_json_or_as_events() {
        let body = r#"{"jsonrpc":"2.0","id":3,"result":{"ok":true}}"#;
        assert_eq!(read(3, &answer(200, "application/json", body)), Ok(json!({"ok": true})));
        let stream = format!(
            ": hello\n\nevent: message\ndata: {{\"jsonrpc\":\"2.0\",\"method\":\"progress\"}}\r\n\r\ndata: {body}\n\n"
        );
        assert_eq!(read(3, &answer(200, "text/event-stream", &stream)), Ok(json!({"ok": true})));
        assert!(matches!(read(4, &answer(200, "application/json", body)), Err(CallError::Protocol(_))));
        assert_eq!(read(3, &answer(404, "text/html", "<p>")), Err(CallError::Status(404)));
        let error = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32602,"message":"no"}}"#;
        assert_eq!(
            read(3, &answer(400, "application/json", error)),
            Err(CallError::Rpc { code: -32602, message: "no".into() })
        );
        assert_eq!(read(3, &answer(401, "application/json", error)), Err(CallError::Status(401)));
    }

    proptest! {
        #[test]
        fn any_answer_is_survived(kind in prop_oneof!["application/json", "text/event-stream"], body in ".{0,200}") {
            let _ = read(1, &answer(200, &kind, &body));
        }
    }
}
