//! `POST avatar/skill-create`: an avatar together with its skills, all or nothing (contract 17.5).

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::http::{AvatarFields, AvatarObject};
use super::{Avatar, Definition, create_in};
use crate::access::{Auth, permissions};
use crate::app::App;
use crate::avatars::skills::http::SkillFields;
use crate::avatars::skills::{self, CustomSkill, NewSkill};
use crate::error::{ApiError, Problem, Result};
use crate::http::envelope::Envelope;
use crate::http::{Body, Data, Reply};

/// The route, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(skill_create))
}

/// Skills of a new avatar.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Skills {
    official_skill_keys: Option<Vec<String>>,
    existing_custom_skill_keys: Option<Vec<String>>,
    /// Made with the avatar.
    custom_markdown_skills: Option<Vec<SkillFields>>,
}

/// An avatar with its skills.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SkillCreate {
    #[serde(flatten)]
    fields: AvatarFields,
    skills: Option<Skills>,
}

/// A skill that was made with an avatar.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedSkill {
    skill_key: String,
    title: String,
    /// `md_text`
    source_type: &'static str,
}

/// What was made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkilledAvatar {
    avatar: AvatarObject,
    created_custom_skills: Vec<CreatedSkill>,
    enabled_skill_keys: Vec<String>,
}

/// Makes an avatar with its skills.
#[utoipa::path(post, path = "/secondme/avatar/skill-create", tag = "Avatar", request_body = SkillCreate,
    security(("token" = ["avatar.write"])), responses((status = 200, body = Envelope<SkilledAvatar>)))]
async fn skill_create(
    State(app): State<App>,
    auth: Auth<permissions::AvatarWrite>,
    Body(body): Body<SkillCreate>,
) -> Reply<SkilledAvatar> {
    let (avatar, created) =
        create(&app, auth.caller.user_id, body.fields.into(), body.skills.unwrap_or_default()).await?;
    Ok(Data(SkilledAvatar {
        enabled_skill_keys: avatar.skill_keys.clone(),
        avatar: AvatarObject::new(&app, avatar),
        created_custom_skills: created
            .into_iter()
            .map(|s| CreatedSkill { skill_key: s.skill_key, title: s.title, source_type: "md_text" })
            .collect(),
    }))
}

async fn create(
    app: &App,
    user_id: i64,
    mut definition: Definition,
    wanted: Skills,
) -> Result<(Avatar, Vec<CustomSkill>)> {
    definition.check(app)?;
    if definition.title.is_none() {
        return Err(ApiError::invalid("title", &Problem::Required));
    }
    let new = wanted.custom_markdown_skills.unwrap_or_default();
    let new: Vec<NewSkill> = new.into_iter().map(|skill| skill.read(app)).collect::<Result<_>>()?;
    let mut keys = definition.skill_keys.take().unwrap_or_default();
    keys.extend(wanted.official_skill_keys.unwrap_or_default());
    keys.extend(wanted.existing_custom_skill_keys.unwrap_or_default());
    let mut tx = app.store().write().await?;
    let mut made = Vec::new();
    for skill in &new {
        let skill = skills::create_in(app, &mut tx, user_id, skill).await?;
        keys.push(skill.skill_key.clone());
        made.push(skill);
    }
    let mut once: Vec<String> = Vec::new();
    for key in keys {
        if !once.contains(&key) {
            once.push(key);
        }
    }
    definition.skill_keys = Some(once);
    definition.check(app)?;
    let avatar = create_in(app, &mut tx, user_id, &definition).await?;
    tx.commit().await?;
    Ok((avatar, made))
}
