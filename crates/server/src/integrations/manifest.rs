//! A manifest: what a developer says about a skill (contract 5.3). Everything that is wrong with one is found at once, each fault by
//! its path.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;
use utoipa::ToSchema;

use super::headers;
use crate::access::Requested;
use crate::config::Integrations;
use crate::http::outbound::{self, Reach};

/// A skill of an app.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Manifest {
    /// `"1"`.
    pub schema_version: String,
    /// What it is.
    pub skill: Skill,
    /// What agents are told about it.
    pub prompts: Prompts,
    /// What it can do.
    pub actions: Vec<Action>,
    /// Where it does it.
    pub mcp: Mcp,
    /// The app behind it.
    pub oauth: OauthBinding,
    /// Where the released version differs.
    pub env_bindings: EnvBindings,
}

/// What a skill is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Skill {
    /// Unique on this server, for ever.
    pub key: String,
    /// What people read.
    pub display_name: String,
    /// What it is for.
    pub description: String,
    /// Words under which it may be found.
    pub keywords: Vec<String>,
}

/// What agents are told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Prompts {
    /// When to use it, in a sentence.
    pub activation_short: String,
    /// When and how, at length.
    pub activation_long: String,
    /// What the agent should know while using it.
    pub system_summary: String,
}

/// One thing that the skill can do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Action {
    /// What agents call it.
    pub name: String,
    /// When to use it.
    pub description: String,
    /// The tool of the app's MCP server.
    pub tool_name: String,
    /// Arguments that are always sent, and their defaults; `{{name}}` is replaced by the caller's parameter.
    pub payload_template: Map<String, Value>,
    /// How a client may show the result, such as `text`.
    pub display_hint: String,
}

/// The app's MCP server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Mcp {
    /// Streamable HTTP.
    pub endpoint: String,
    /// Longest a call may take; 12000 when absent.
    pub timeout_ms: Option<u64>,
    /// The tools that may be called.
    pub tool_allow: Vec<String>,
    /// Headers of every call, with placeholders.
    pub headers_template: Map<String, Value>,
    /// `none`, `bearer_token` or `header_template`.
    pub auth_mode: String,
}

/// The app that the user authorizes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OauthBinding {
    /// `app_…`, one of the developer's.
    pub app_id: String,
    /// What the user must have granted.
    pub required_scopes: Vec<String>,
}

/// Where the released version differs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct EnvBindings {
    /// Of the released version.
    pub release: Binding,
}

/// An endpoint in place of the manifest's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Binding {
    /// Whether it counts.
    pub enabled: bool,
    /// Streamable HTTP.
    pub endpoint: String,
}

/// Something that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fault {
    /// Such as `mcp.toolAllow[2]`.
    pub path: String,
    /// What is wrong.
    pub message: String,
}

/// The default of `timeoutMs`.
pub const TIMEOUT_MS: u64 = 12_000;

impl Mcp {
    /// Longest a call may take.
    pub fn timeout(&self, limits: &Integrations) -> std::time::Duration {
        std::time::Duration::from_millis(self.timeout_ms.unwrap_or(TIMEOUT_MS).clamp(1, limits.timeout_max_ms))
    }
}

impl Manifest {
    /// Where calls go.
    pub fn endpoint(&self) -> &str {
        let release = &self.env_bindings.release;
        if release.enabled { &release.endpoint } else { &self.mcp.endpoint }
    }

    /// Reads one, and what cannot be read as a fault.
    ///
    /// # Errors
    /// The first member of a wrong type.
    pub fn read(value: &Value) -> Result<Self, Fault> {
        serde_path_to_error::deserialize(value)
            .map_err(|error| Fault { path: error.path().to_string(), message: error.inner().to_string() })
    }

    /// Everything that is wrong with it, without asking anybody.
    pub fn faults(&self, limits: &Integrations, secrets: &[&str]) -> Vec<Fault> {
        let mut faults = Faults::default();
        faults.check(self.schema_version == "1", "schemaVersion", "must be \"1\"");
        self.skill.check(&mut faults);
        self.prompts.check(&mut faults);
        self.check_actions(&mut faults);
        self.check_mcp(limits, &mut faults);
        headers::check(&self.mcp, secrets, &mut faults);
        faults.text("oauth.appId", &self.oauth.app_id, 1, 100);
        for (at, name) in self.oauth.required_scopes.iter().enumerate() {
            let known = Requested::from_names([name.as_str()]).is_ok();
            faults.check(known, &format!("oauth.requiredScopes[{at}]"), "is no scope of this server");
        }
        faults.0
    }

    fn check_actions(&self, faults: &mut Faults) {
        faults.check(!self.actions.is_empty(), "actions", "needs at least one action");
        faults.check(self.actions.len() <= 50, "actions", "has more than 50 entries");
        for (at, action) in self.actions.iter().enumerate() {
            let path = |field: &str| format!("actions[{at}].{field}");
            faults.check(is_name(&action.name), &path("name"), "must be 1 to 64 letters, digits, `_`, `-` or `.`");
            let twice = self.actions[..at].iter().any(|other| other.name == action.name);
            faults.check(!twice, &path("name"), "appears twice");
            faults.text(&path("description"), &action.description, 1, 1_000);
            let allowed = self.mcp.tool_allow.contains(&action.tool_name);
            faults.check(allowed, &path("toolName"), "is not in mcp.toolAllow");
            faults.text(&path("displayHint"), &action.display_hint, 0, 50);
        }
    }

    fn check_mcp(&self, limits: &Integrations, faults: &mut Faults) {
        faults.endpoint("mcp.endpoint", &self.mcp.endpoint, limits);
        let release = &self.env_bindings.release;
        if release.enabled {
            faults.endpoint("envBindings.release.endpoint", &release.endpoint, limits);
        }
        let max = limits.timeout_max_ms;
        let fits = self.mcp.timeout_ms.is_none_or(|ms| (100..=max).contains(&ms));
        faults.check(fits, "mcp.timeoutMs", &format!("must be from 100 to {max}"));
        faults.check(!self.mcp.tool_allow.is_empty(), "mcp.toolAllow", "needs at least one tool");
        faults.check(self.mcp.tool_allow.len() <= 100, "mcp.toolAllow", "has more than 100 entries");
        for (at, tool) in self.mcp.tool_allow.iter().enumerate() {
            let path = format!("mcp.toolAllow[{at}]");
            faults.text(&path, tool, 1, 128);
            faults.check(!self.mcp.tool_allow[..at].contains(tool), &path, "appears twice");
        }
    }
}

impl Skill {
    fn check(&self, faults: &mut Faults) {
        let key = self.key.as_bytes();
        let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(byte);
        let good = (2..=64).contains(&key.len()) && key.iter().all(plain) && key[0].is_ascii_alphanumeric();
        faults.check(
            good,
            "skill.key",
            "must be 2 to 64 lowercase letters, digits, `.`, `_` or `-`, the first a letter or digit",
        );
        faults.text("skill.displayName", &self.display_name, 1, 100);
        faults.text("skill.description", &self.description, 1, 1_000);
        faults.check(self.keywords.len() <= 20, "skill.keywords", "has more than 20 entries");
        for (at, keyword) in self.keywords.iter().enumerate() {
            faults.text(&format!("skill.keywords[{at}]"), keyword, 1, 50);
        }
    }
}

impl Prompts {
    fn check(&self, faults: &mut Faults) {
        faults.text("prompts.activationShort", &self.activation_short, 1, 500);
        faults.text("prompts.activationLong", &self.activation_long, 0, 5_000);
        faults.text("prompts.systemSummary", &self.system_summary, 0, 5_000);
    }
}

fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

/// Faults as they are found.
#[derive(Debug, Default)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    /// Notes a fault unless `good`.
    pub fn check(&mut self, good: bool, path: &str, message: &str) {
        if !good {
            self.0.push(Fault { path: path.to_owned(), message: message.to_owned() });
        }
    }

    fn text(&mut self, path: &str, text: &str, min: usize, max: usize) {
        let chars = text.trim().chars().count();
        self.check(chars >= min, path, "is required");
        self.check(chars <= max, path, &format!("has more than {max} characters"));
    }

    fn endpoint(&mut self, path: &str, text: &str, limits: &Integrations) {
        if text.is_empty() {
            return self.check(false, path, "is required");
        }
        let url = Url::parse(text).ok().filter(|url| text.len() <= 2_000 && url.fragment().is_none());
        let Some(url) = url else { return self.check(false, path, "must be an http or https URL") };
        if let Err(problem) = outbound::check(&url, Reach::allowing_private(limits.allow_private)) {
            self.check(false, path, &problem.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn good() -> Value {
        json!({
            "schemaVersion": "1",
            "skill": {"key": "todo", "displayName": "To-dos", "description": "Lists"},
            "prompts": {"activationShort": "When the user asks for their to-dos"},
            "actions": [{"name": "list", "description": "Lists them", "toolName": "todo_list"}],
            "mcp": {"endpoint": "https://app.example/mcp", "toolAllow": ["todo_list"], "authMode": "bearer_token"},
            "oauth": {"appId": "app_1", "requiredScopes": ["userinfo"]}
        })
    }

    fn paths(value: &Value) -> Vec<String> {
        let manifest = Manifest::read(value).unwrap();
        manifest.faults(&Integrations::default(), &[]).into_iter().map(|fault| fault.path).collect()
    }

    #[test]
    fn a_good_one_has_no_faults() {
        assert!(paths(&good()).is_empty(), "{:?}", paths(&good()));
    }

    #[test]
    fn every_fault_is_named_by_its_path() {
        for (pointer, value, path) in [
            ("/schemaVersion", json!("2"), "schemaVersion"),
            ("/skill/key", json!("To do"), "skill.key"),
            ("/skill/description", json!(" "), "skill.description"),
            ("/actions", json!([]), "actions"),
            ("/actions/0/toolName", json!("other"), "actions[0].toolName"),
            ("/actions/0/name", json!("a b"), "actions[0].name"),
            ("/mcp/endpoint", json!("ftp://x"), "mcp.endpoint"),
            ("/mcp/endpoint", json!("http://127.0.0.1/mcp"), "mcp.endpoint"),
            ("/mcp/endpoint", json!("http://169.254.169.254/"), "mcp.endpoint"),
            ("/mcp/authMode", json!("basic"), "mcp.authMode"),
            ("/oauth/requiredScopes", json!(["profile:read"]), "oauth.requiredScopes[0]"),
            ("/oauth/appId", json!(""), "oauth.appId"),
        ] {
            let mut manifest = good();
            *manifest.pointer_mut(pointer).unwrap() = value;
            assert_eq!(paths(&manifest), [path], "{pointer}");
        }
        let fault = Manifest::read(&json!({"mcp": {"toolAllow": ["a", 1]}})).unwrap_err();
        assert_eq!(fault.path, "mcp.toolAllow[1]");
    }

    proptest! {
        #[test]
        fn any_texts_are_judged_without_a_panic(key in ".{0,80}", endpoint in ".{0,60}", header in ".{0,20}", value in ".{0,40}") {
            let mut manifest = good();
            manifest["skill"]["key"] = key.into();
            manifest["mcp"]["endpoint"] = endpoint.into();
            manifest["mcp"]["authMode"] = "header_template".into();
            manifest["mcp"]["headersTemplate"][header] = value.into();
            let _ = paths(&manifest);
        }
    }
}
