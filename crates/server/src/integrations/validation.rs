//! Whether a version works: its manifest against its app, and its endpoint by really asking it.

use secondme_kit::clock::iso;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::bridge;
use super::client::{CallError, Client, RemoteTool};
use super::manifest::{Fault, Manifest};
use super::registry::Version;
use crate::access::Requested;
use crate::app::App;
use crate::error::Result;
use crate::oauth::apps;

/// What a validation found.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Whether the version may be released.
    pub valid: bool,
    /// ISO 8601, UTC.
    pub checked_at: String,
    /// Where it was asked.
    pub endpoint: String,
    /// What the server calls itself.
    pub server_name: String,
    /// The protocol's version that it chose; `null` when it knows no handshake.
    pub protocol_version: Option<String>,
    /// Every tool that it has.
    pub tools: Vec<String>,
    /// The JSON Schemas of the arguments of those that may be called.
    #[serde(default)]
    #[schema(value_type = Value)]
    pub input_schemas: Map<String, Value>,
    /// What must be put right.
    pub errors: Vec<Fault>,
    /// What may be meant so.
    pub warnings: Vec<Fault>,
}

/// Larger schemas are not kept: models would not read them.
const SCHEMA_MAX_BYTES: usize = 16_384;

impl Report {
    fn new(app: &App, manifest: &Manifest) -> Self {
        Self {
            valid: false,
            checked_at: iso(app.now()),
            endpoint: manifest.endpoint().to_owned(),
            server_name: String::new(),
            protocol_version: None,
            tools: Vec::new(),
            input_schemas: Map::new(),
            errors: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn error(&mut self, path: &str, message: impl ToString) {
        self.errors.push(Fault { path: path.to_owned(), message: message.to_string() });
    }

    fn warn(&mut self, path: &str, message: impl ToString) {
        self.warnings.push(Fault { path: path.to_owned(), message: message.to_string() });
    }
}

/// Validates a version in the name of its developer.
///
/// # Errors
/// Storage failures only; what is wrong with the version is in the report.
pub async fn validate(app: &App, developer: i64, version: &Version) -> Result<Report> {
    let manifest = &version.manifest;
    let mut report = Report::new(app, manifest);
    report.errors = registered(app, developer, manifest).await?;
    let secrets = version.secrets(app);
    let names: Vec<&str> = secrets.keys().map(String::as_str).collect();
    report.errors.extend(manifest.faults(&app.config().integrations, &names));
    if report.errors.is_empty() {
        let token = bridge::exchange(app, developer, manifest, None).await?;
        match bridge::endpoint(app, manifest, &token, &secrets) {
            Ok(endpoint) => {
                let path =
                    if manifest.env_bindings.release.enabled { "envBindings.release.endpoint" } else { "mcp.endpoint" };
                match ask(app, endpoint, &mut report).await {
                    Ok(tools) => compare(manifest, &tools, &mut report),
                    Err(CallError::Status(status @ (401 | 403))) => {
                        report.error("mcp.authMode", format!("the server refused the call with status {status}"));
                    }
                    Err(error) => report.error(path, error),
                }
                without_token(app, manifest, &mut report).await;
            }
            Err(error) => report.error("mcp.headersTemplate", error),
        }
    }
    report.valid = report.errors.is_empty();
    Ok(report)
}

/// What of the manifest is about the app behind it.
///
/// # Errors
/// Storage failures only.
pub async fn registered(app: &App, developer: i64, manifest: &Manifest) -> Result<Vec<Fault>> {
    let fault = |path: &str, message: &str| vec![Fault { path: path.to_owned(), message: message.to_owned() }];
    if manifest.oauth.app_id.is_empty() {
        return Ok(Vec::new());
    }
    let Some(known) = apps::by_id(app.store(), &manifest.oauth.app_id).await?.filter(|a| a.owner == Some(developer))
    else {
        return Ok(fault("oauth.appId", "is no application of yours"));
    };
    for (at, name) in manifest.oauth.required_scopes.iter().enumerate() {
        let asked = Requested::from_names([name.as_str()]);
        if asked.is_ok_and(|asked| asked.within(known.allowed_set()).is_err()) {
            return Ok(fault(&format!("oauth.requiredScopes[{at}]"), "is not among the application's allowed scopes"));
        }
    }
    Ok(Vec::new())
}

async fn ask(
    app: &App,
    endpoint: super::client::Endpoint,
    report: &mut Report,
) -> std::result::Result<Vec<RemoteTool>, CallError> {
    let mut client = Client::connect(app, endpoint).await?;
    report.server_name.clone_from(&client.server);
    report.protocol_version = client.version().map(str::to_owned);
    let tools = client.tools().await;
    client.close().await;
    tools
}

/// An endpoint that is to know its callers should refuse those who do not say who they are.
async fn without_token(app: &App, manifest: &Manifest, report: &mut Report) {
    if !report.errors.is_empty() || manifest.mcp.auth_mode == "none" {
        return;
    }
    let bare = Manifest {
        mcp: super::manifest::Mcp { headers_template: Map::new(), auth_mode: "none".into(), ..manifest.mcp.clone() },
        ..manifest.clone()
    };
    let Ok(endpoint) = bridge::endpoint(app, &bare, "", &Default::default()) else { return };
    let answered = match Client::connect(app, endpoint).await {
        Ok(mut client) => client.tools().await.is_ok(),
        Err(_) => false,
    };
    if answered {
        report.warn("mcp.authMode", "the server lists its tools for callers who do not say who they are, too");
    }
}

fn compare(manifest: &Manifest, tools: &[RemoteTool], report: &mut Report) {
    report.tools = tools.iter().map(|tool| tool.name.clone()).collect();
    let allowed = tools.iter().filter(|tool| manifest.mcp.tool_allow.contains(&tool.name));
    let small =
        allowed.filter(|tool| tool.input_schema.is_object() && tool.input_schema.to_string().len() <= SCHEMA_MAX_BYTES);
    report.input_schemas = small.map(|tool| (tool.name.clone(), tool.input_schema.clone())).collect();
    let find = |name: &str| tools.iter().find(|tool| tool.name == name);
    for (at, name) in manifest.mcp.tool_allow.iter().enumerate() {
        if find(name).is_none() {
            report.error(&format!("mcp.toolAllow[{at}]"), format!("the server has no tool `{name}`"));
        }
    }
    for (at, action) in manifest.actions.iter().enumerate() {
        let Some(tool) = find(&action.tool_name) else {
            report.error(&format!("actions[{at}].toolName"), format!("the server has no tool `{}`", action.tool_name));
            continue;
        };
        let Some(known) = tool.input_schema["properties"].as_object() else { continue };
        for name in action.payload_template.keys().filter(|name| !known.contains_key(*name)) {
            let path = format!("actions[{at}].payloadTemplate.{name}");
            report.warn(&path, format!("the tool `{}` has no argument of this name", tool.name));
        }
    }
}

/// A report as the database keeps it.
pub fn to_json(report: &Report) -> String {
    // Plain data; serialising it does not fail.
    serde_json::to_value(report).unwrap_or(Value::Null).to_string()
}
