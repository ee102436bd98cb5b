//! `avatar/skills/available`, `avatar/custom-skills/list|create`, `avatar/skill-create` (contract 17.5, 17.15, 17.16).

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::definition::Raw;
use super::{CustomSkill, NewSkill, OFFICIAL, SCENE, WEB};
use crate::access::{Auth, permissions};
use crate::app::App;
use crate::chat::search;
use crate::error::{ApiError, Code, Lang, Problem, Result};
use crate::http::envelope::Envelope;
use crate::http::{Body, Data, Query, Reply};

/// The routes of skills, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(available)).routes(routes!(list)).routes(routes!(create))
}

/// Which scene is meant.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct SceneQuery {
    /// `avatar_chat`, which is the default.
    scene_mode: Option<String>,
}

impl SceneQuery {
    fn scene(&self) -> Result<&'static str> {
        match self.scene_mode.as_deref() {
            None | Some(SCENE) => Ok(SCENE),
            Some(_) => Err(ApiError::invalid("sceneMode", &Problem::Expected("`avatar_chat`", " `avatar_chat`"))),
        }
    }
}

/// A skill that every avatar can have.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AvailableSkill {
    skill_key: &'static str,
    display_name: &'static str,
    description: &'static str,
    /// Whether this server is set up for it; an avatar can be given it anyway.
    enabled: bool,
}

/// The official skills.
#[derive(Debug, Serialize, ToSchema)]
pub struct AvailableSkills {
    skills: Vec<AvailableSkill>,
}

/// The skills that every avatar can have.
#[utoipa::path(get, path = "/secondme/avatar/skills/available", tag = "Avatar", params(SceneQuery),
    security(("token" = ["avatar.read"])), responses((status = 200, body = Envelope<AvailableSkills>)))]
async fn available(
    State(app): State<App>,
    _: Auth<permissions::AvatarRead>,
    lang: Lang,
    Query(query): Query<SceneQuery>,
) -> Reply<AvailableSkills> {
    query.scene()?;
    let skill = |o: super::Official| AvailableSkill {
        skill_key: o.key,
        display_name: lang.pick(o.name.0, o.name.1),
        description: lang.pick(o.about.0, o.about.1),
        enabled: o.key != WEB || search::is_configured(&app.config().search),
    };
    Ok(Data(AvailableSkills { skills: OFFICIAL.into_iter().map(skill).collect() }))
}

/// A custom skill of the caller.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomSkillObject {
    /// Decimal digits.
    id: String,
    /// `avatar_custom_…`
    skill_key: String,
    title: String,
    description: String,
    when_to_use: String,
    version: String,
    /// `avatar_chat`
    scene_mode: &'static str,
    scene_modes: Vec<String>,
    /// `md_text`
    source_type: &'static str,
    /// `valid`
    status: &'static str,
}

impl From<CustomSkill> for CustomSkillObject {
    fn from(skill: CustomSkill) -> Self {
        Self {
            id: skill.id.to_string(),
            skill_key: skill.skill_key,
            title: skill.title,
            description: skill.description,
            when_to_use: skill.when_to_use,
            version: skill.version,
            scene_mode: SCENE,
            scene_modes: skill.scene_modes,
            source_type: MD_TEXT,
            status: "valid",
        }
    }
}

const MD_TEXT: &str = "md_text";

/// The caller's custom skills.
#[utoipa::path(get, path = "/secondme/avatar/custom-skills/list", tag = "Avatar", params(SceneQuery),
    security(("token" = ["avatar.read"])), responses((status = 200, body = Envelope<Vec<CustomSkillObject>>)))]
async fn list(
    State(app): State<App>,
    auth: Auth<permissions::AvatarRead>,
    Query(query): Query<SceneQuery>,
) -> Reply<Vec<CustomSkillObject>> {
    let skills = super::list(&app, auth.caller.user_id, query.scene()?).await?;
    Ok(Data(skills.into_iter().map(Into::into).collect()))
}

/// A skill in Markdown. `name` and `description` of its front matter win over the fields.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkillFields {
    title: Option<String>,
    description: Option<String>,
    when_to_use: Option<String>,
    /// Default `1.0.0`.
    version: Option<String>,
    /// `avatar_chat`
    scene_mode: Option<String>,
    /// `["avatar_chat"]`
    scene_modes: Option<Vec<String>>,
    /// Required.
    content_markdown: Option<String>,
}

impl SkillFields {
    /// The checked skill.
    pub(in crate::avatars) fn read(self, app: &App) -> Result<NewSkill> {
        NewSkill::read(
            app,
            Raw {
                title: self.title,
                description: self.description,
                when_to_use: self.when_to_use,
                version: self.version,
                scene_mode: self.scene_mode,
                scene_modes: self.scene_modes,
                content: self.content_markdown,
            },
        )
    }
}

/// A custom skill to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateSkill {
    /// `md_text`, required.
    source_type: Option<String>,
    /// Refused.
    #[serde(alias = "source_url", alias = "md_url", alias = "mdUrl")]
    source_url: Option<String>,
    #[serde(flatten)]
    fields: SkillFields,
}

impl CreateSkill {
    fn read(self, app: &App) -> Result<NewSkill> {
        if self.source_url.is_some() || self.source_type.as_deref() != Some(MD_TEXT) {
            return Err(ApiError::new(Code::SkillSource));
        }
        self.fields.read(app)
    }
}

/// Makes a custom skill.
#[utoipa::path(post, path = "/secondme/avatar/custom-skills/create", tag = "Avatar", request_body = CreateSkill,
    security(("token" = ["avatar.write"])), responses((status = 200, body = Envelope<CustomSkillObject>)))]
async fn create(
    State(app): State<App>,
    auth: Auth<permissions::AvatarWrite>,
    Body(body): Body<CreateSkill>,
) -> Reply<CustomSkillObject> {
    let new = body.read(&app)?;
    Ok(Data(super::create(&app, auth.caller.user_id, &new).await?.into()))
}
