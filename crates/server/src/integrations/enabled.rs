//! Skills that a user switched on for their own avatar: while it talks with its owner, it may call them. `extensions/enabled` (ours).
//!
//! Visitors' conversations are not meant: what an app knows about the owner is not for others to ask.

use axum::extract::State;
use secondme_llm::Tool;
use secondme_store::{Store, StoreError, params, sql};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extensions::http::FlatSkill;
use super::headers;
use super::manifest::Action;
use super::registry::{self, Released};
use crate::access::{Auth, Caller, Kind, permissions};
use crate::app::App;
use crate::error::{ApiError, Code, Problem, Result};
use crate::http::envelope::Envelope;
use crate::http::{Body, Data, Reply};

/// The routes, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, change))
}

/// Something that an avatar may call.
#[derive(Clone, Debug)]
pub struct Offered {
    /// As the model knows it; its name is unique among those that are offered.
    pub tool: Tool,
    /// Whose it is.
    pub skill: Released,
    /// What it does.
    pub action: Action,
}

/// What the user's avatar may call, as far as it fits: nothing for most users.
///
/// # Errors
/// Storage failures only.
pub async fn offered(app: &App, user_id: i64) -> Result<Vec<Offered>> {
    let max = app.config().integrations.chat_tools_max;
    let mut offered: Vec<Offered> = Vec::new();
    if max == 0 || app.config().integrations.chat_calls_max == 0 {
        return Ok(offered);
    }
    for skill in skills(app, user_id).await? {
        for action in &skill.manifest.actions {
            let name = name(&skill.manifest.skill.key, &action.name);
            if offered.len() == max || offered.iter().any(|other| other.tool.name == name) {
                continue;
            }
            let description = format!("{} ({})", action.description.trim(), skill.manifest.skill.display_name.trim());
            let tool = Tool { name, description, parameters: parameters(action, &skill.schemas) };
            offered.push(Offered { tool, skill: skill.clone(), action: action.clone() });
        }
    }
    Ok(offered)
}

/// The skills that the user switched on and that are still there.
async fn skills(app: &App, user_id: i64) -> Result<Vec<Released>> {
    let mut skills = Vec::new();
    for id in ids(app.store(), user_id).await? {
        match registry::released(app, &id).await {
            Ok(skill) => skills.push(skill),
            Err(error) if error.code() == Code::SkillUnknown => {}
            Err(error) => return Err(error),
        }
    }
    Ok(skills)
}

/// Models take 64 letters, digits, `_` and `-`.
fn name(skill: &str, action: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    format!("{skill}_{action}").chars().map(plain).take(64).collect()
}

/// The schema of an action's parameters: what its template asks for, and what of the tool's arguments the template leaves open.
fn parameters(action: &Action, schemas: &Map<String, Value>) -> Value {
    let tool = schemas.get(&action.tool_name).cloned().unwrap_or_else(|| json!({"type": "object"}));
    if action.payload_template.is_empty() {
        return tool;
    }
    let known = tool["properties"].as_object().cloned().unwrap_or_default();
    let template = Value::Object(action.payload_template.clone()).to_string();
    let mut required: Vec<&str> = headers::placeholders(&template);
    required.sort_unstable();
    required.dedup();
    let mut properties = Map::new();
    for name in &required {
        let schema = known.get(*name).cloned().unwrap_or_else(|| json!({"type": "string"}));
        properties.insert((*name).to_owned(), schema);
    }
    for (name, schema) in known {
        if !action.payload_template.contains_key(&name) {
            properties.entry(name).or_insert(schema);
        }
    }
    json!({"type": "object", "properties": properties, "required": required})
}

async fn ids(store: &Store, user_id: i64) -> std::result::Result<Vec<String>, StoreError> {
    let ids = sql!("SELECT integration_id FROM enabled_skills WHERE user_id = $1 ORDER BY enabled_at, integration_id");
    store.all(ids, params![user_id]).await?.iter().map(|row| row.get("integration_id")).collect()
}

/// Switches a released skill on or off.
///
/// # Errors
/// `skill.not_found`.
pub async fn set(app: &App, user_id: i64, key: &str, enabled: bool) -> Result<()> {
    let skill = registry::released(app, key).await?;
    let mut tx = app.store().write().await?;
    if enabled {
        let on = sql!(
            "INSERT INTO enabled_skills (user_id, integration_id, enabled_at) VALUES ($1, $2, $3)
             ON CONFLICT (user_id, integration_id) DO NOTHING"
        );
        tx.run(on, params![user_id, &skill.integration_id, app.now()]).await?;
    } else {
        let off = sql!("DELETE FROM enabled_skills WHERE user_id = $1 AND integration_id = $2");
        tx.run(off, params![user_id, &skill.integration_id]).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Skills that the avatar may call.
#[derive(Debug, Serialize, ToSchema)]
pub struct EnabledSkills {
    skills: Vec<FlatSkill>,
}

/// A switch.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct EnableSkill {
    /// The skill's key.
    skill_key: String,
    /// On or off.
    enabled: bool,
}

/// An app must not decide what its user's avatar does.
fn own(caller: &Caller) -> Result<()> {
    match caller.grant.kind {
        Kind::Personal | Kind::ApiKey => Ok(()),
        _ => Err(ApiError::new(Code::OauthTokenInvalid).arg("this needs the user's own token")),
    }
}

/// The skills that the caller's avatar may call while it talks with them.
#[utoipa::path(get, path = "/secondme/extensions/enabled", tag = "Extensions",
    security(("token" = [])), responses((status = 200, body = Envelope<EnabledSkills>)))]
async fn list(State(app): State<App>, auth: Auth<permissions::AnyUser>) -> Reply<EnabledSkills> {
    own(&auth.caller)?;
    let skills = skills(&app, auth.caller.user_id).await?;
    Ok(Data(EnabledSkills { skills: skills.iter().map(FlatSkill::from).collect() }))
}

/// Switches a released skill on or off for the caller's avatar. It is called only while the app behind it is authorized, too.
#[utoipa::path(post, path = "/secondme/extensions/enabled", tag = "Extensions", request_body = EnableSkill,
    security(("token" = [])), responses((status = 200, body = Envelope<EnabledSkills>)))]
async fn change(
    State(app): State<App>,
    auth: Auth<permissions::AnyUser>,
    Body(body): Body<EnableSkill>,
) -> Reply<EnabledSkills> {
    own(&auth.caller)?;
    if body.skill_key.is_empty() {
        return Err(ApiError::invalid("skillKey", &Problem::Required));
    }
    set(&app, auth.caller.user_id, &body.skill_key, body.enabled).await?;
    let skills = skills(&app, auth.caller.user_id).await?;
    Ok(Data(EnabledSkills { skills: skills.iter().map(FlatSkill::from).collect() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_what_the_template_leaves_open() {
        let schema = json!({"type": "object", "properties": {"list": {"type": "string"}, "limit": {"type": "integer"}, "done": {"type": "boolean"}}});
        let schemas = json!({"todo_list": schema}).as_object().cloned().unwrap();
        let template = json!({"list": "{{name}}", "limit": 5}).as_object().cloned().unwrap();
        let mut action = Action { tool_name: "todo_list".into(), payload_template: template, ..Action::default() };
        assert_eq!(
            parameters(&action, &schemas),
            json!({"type": "object", "properties": {"name": {"type": "string"}, "done": {"type": "boolean"}}, "required": ["name"]})
        );
        action.payload_template.clear();
        assert_eq!(parameters(&action, &schemas), schema);
        action.tool_name = "other".into();
        assert_eq!(parameters(&action, &schemas), json!({"type": "object"}));
        assert_eq!(name("to.do", "list all"), "to_do_list_all");
    }
}
