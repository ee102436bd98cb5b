//! Released skills as users and their agents meet them (contract 6.1–6.3): catalogue, files for agents, and calls.

mod files;
pub mod http;

use secondme_kit::Page;
use serde_json::{Map, Value, json};

use super::bridge::{self, Place, Question, Refusal};
use super::client::CallError;
use super::headers;
use super::registry::{self, Released};
use crate::app::App;
use crate::error::{Lang, Result};
use crate::oauth::apps::{self, Application};

pub use files::files;

/// An app with its skills.
#[derive(Clone, Debug)]
pub struct AppSkills {
    /// The app.
    pub app: Application,
    /// Where it is found.
    pub place: Place,
    /// Its released skills.
    pub skills: Vec<Released>,
}

/// A page of the catalogue: apps with skills first, then those that are listed; and how many there are.
///
/// # Errors
/// Storage failures only.
pub async fn catalogue(app: &App, page: Page) -> Result<(Vec<AppSkills>, i64)> {
    let (ids, total) = registry::apps(app, page).await?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        if let Some(application) = apps::by_id(app.store(), &id).await? {
            let skills = registry::released_of(app, std::slice::from_ref(&id)).await?;
            let scopes = scopes(&skills);
            found.push(AppSkills { place: bridge::place(app, &application, &scopes), app: application, skills });
        }
    }
    Ok((found, total))
}

fn scopes(skills: &[Released]) -> Vec<String> {
    let mut scopes: Vec<String> = skills.iter().flat_map(|s| s.manifest.oauth.required_scopes.clone()).collect();
    scopes.sort_unstable();
    scopes.dedup();
    scopes
}

/// A call as JSON-RPC has it.
#[derive(Clone, Debug, Default)]
pub struct Rpc {
    /// Echoed.
    pub id: Value,
    /// `initialize`, `ping`, `tools/list`, `tools/call`, or an action or tool by its name.
    pub method: String,
    /// Its parameters.
    pub params: Map<String, Value>,
}

/// An error as JSON-RPC has it.
struct RpcError {
    code: i64,
    message: String,
    data: Value,
}

impl RpcError {
    fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: Value::Null }
    }

    fn data(self, data: Value) -> Self {
        Self { data, ..self }
    }
}

const UNAUTHORIZED: i64 = -32010;
const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;
const FAILED: i64 = -32000;

/// Answers a call: `result` or `error`, never anything else. `own`: the token that the caller came with.
///
/// # Errors
/// `skill.not_found`.
pub async fn rpc(app: &App, user_id: i64, key: &str, own: Option<&str>, rpc: Rpc) -> Result<Value> {
    let skill = registry::released(app, key).await?;
    let id = rpc.id.clone();
    Ok(match answer(app, user_id, &skill, own, rpc).await {
        Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        Err(RpcError { code, message, data }) => {
            json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message, "data": data}})
        }
    })
}

async fn answer(
    app: &App,
    user_id: i64,
    skill: &Released,
    own: Option<&str>,
    rpc: Rpc,
) -> std::result::Result<Value, RpcError> {
    let max = app.config().integrations.arguments_max_bytes;
    if Value::Object(rpc.params.clone()).to_string().len() > max {
        return Err(RpcError::new(INVALID_PARAMS, format!("the parameters are larger than {max} bytes")));
    }
    let manifest = &skill.manifest;
    let ask = |question| async move { bridge::ask(app, user_id, skill, own, question).await.map_err(refused) };
    let action = manifest.actions.iter().find(|action| action.name == rpc.method);
    match rpc.method.as_str() {
        "initialize" => Ok(about(skill)),
        "ping" => Ok(json!({})),
        "tools/list" => Ok(ask(Question::Tools).await?),
        "tools/call" => {
            let name = rpc.params.get("name").and_then(Value::as_str).unwrap_or_default();
            let none = Value::Object(Map::new());
            let arguments = rpc.params.get("arguments").filter(|value| !value.is_null()).unwrap_or(&none);
            if !arguments.is_object() {
                return Err(RpcError::new(INVALID_PARAMS, "`arguments` must be an object"));
            }
            if !manifest.mcp.tool_allow.iter().any(|tool| tool == name) {
                return Err(RpcError::new(INVALID_PARAMS, format!("there is no tool `{name}`")));
            }
            Ok(ask(Question::Call(name, arguments)).await?)
        }
        _ if action.is_some() || manifest.mcp.tool_allow.contains(&rpc.method) => {
            let template = action.map(|action| action.payload_template.clone()).unwrap_or_default();
            let tool = action.map_or(rpc.method.as_str(), |action| &action.tool_name);
            let arguments = headers::arguments(&template, &rpc.params);
            plain(ask(Question::Call(tool, &arguments)).await?)
        }
        method => Err(RpcError::new(METHOD_NOT_FOUND, format!("there is no method `{method}`"))),
    }
}

fn about(skill: &Released) -> Value {
    let manifest = &skill.manifest;
    json!({
        "protocolVersion": super::client::VERSION,
        "capabilities": {"tools": {}},
        "serverInfo": {"name": manifest.skill.key, "title": manifest.skill.display_name, "version": skill.number.to_string()},
        "instructions": manifest.prompts.activation_short,
    })
}

/// What a tool gave, without the protocol around it: its structured content, the JSON or else the text that it said.
fn plain(result: Value) -> std::result::Result<Value, RpcError> {
    if result["isError"] == true {
        return Err(RpcError::new(FAILED, text_of(&result)));
    }
    if result["structuredContent"].is_object() {
        return Ok(result["structuredContent"].clone());
    }
    let text = text_of(&result);
    let parsed = serde_json::from_str::<Value>(&text).ok().filter(|value| value.is_object() || value.is_array());
    Ok(parsed.unwrap_or(result))
}

/// The texts of a tool's result.
pub fn text_of(result: &Value) -> String {
    let parts = result["content"].as_array().map(Vec::as_slice).unwrap_or_default();
    parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n")
}

fn refused(refusal: Refusal) -> RpcError {
    let named = |word: &str| json!({"businessCode": format!("third_party_agent.{word}")});
    match refusal {
        Refusal::Unauthorized { place } => {
            let mut data = named("oauth.authorization_required");
            data["appStoreUrl"] = place.app_store_url.into();
            data["authorizeUrl"] = place.authorize_url.into();
            RpcError::new(UNAUTHORIZED, "The user has not authorized this app").data(data)
        }
        Refusal::Call(CallError::Rpc { code, message }) => RpcError::new(code, message),
        Refusal::Call(error @ CallError::Status(401 | 403)) => {
            RpcError::new(FAILED, error.to_string()).data(named("mcp.refused"))
        }
        Refusal::Call(error @ CallError::Unreachable(_)) => {
            RpcError::new(FAILED, error.to_string()).data(named("mcp.unreachable"))
        }
        Refusal::Call(error) => RpcError::new(FAILED, error.to_string()).data(named("mcp.failed")),
        Refusal::Other(error) => {
            tracing::warn!(cause = %error, "a call to an app failed");
            RpcError::new(FAILED, error.message(Lang::En)).data(json!({"businessCode": error.code().row().sub_code}))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_lose_the_protocol_around_them() {
        let text = |text: &str| json!({"content": [{"type": "text", "text": text}]});
        assert_eq!(plain(text("{\"a\": 1}")).ok(), Some(json!({"a": 1})));
        assert_eq!(plain(text("plain words")).ok(), Some(text("plain words")));
        assert_eq!(plain(json!({"content": [], "structuredContent": {"b": 2}})).ok(), Some(json!({"b": 2})));
        let failed = plain(json!({"isError": true, "content": [{"type": "text", "text": "no such list"}]}));
        assert_eq!(failed.err().map(|error| (error.code, error.message)), Some((FAILED, "no such list".to_owned())));
    }
}
