//! `GET user/info`, `POST user/profile` (contract 7.1, 7.4).

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Change, Profile};
use crate::access::{Auth, permissions};
use crate::app::App;
use crate::http::envelope::Envelope;
use crate::http::{Body, Data, Reply};

/// The routes of profiles, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(info)).routes(routes!(update))
}

/// A user's profile.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserInfo {
    /// Decimal digits.
    #[schema(example = "1")]
    user_id: String,
    name: String,
    email: String,
    /// URL of the picture; may be empty.
    avatar: String,
    /// The same URL, under its older name.
    avatar_url: String,
    /// The portrait that the server keeps up to date; read-only.
    bio: String,
    /// What the user wrote about themselves.
    self_introduction: String,
    /// Level 0 to 10.
    profile_completeness: i32,
    /// Route of the home page.
    route: String,
    cover: String,
    video: String,
    /// `avatar`, `cover` or `video`.
    layout: String,
    /// Whether the user has a voice: chose one for `tts/generate`.
    has_voice: bool,
    /// `normal`, `warned` or `suspended`.
    account_status: String,
}

impl From<Profile> for UserInfo {
    fn from(p: Profile) -> Self {
        Self {
            profile_completeness: super::level(&p),
            user_id: p.user_id.to_string(),
            name: p.name,
            email: p.email,
            avatar_url: p.avatar.clone(),
            avatar: p.avatar,
            bio: p.bio,
            self_introduction: p.self_introduction,
            route: p.route,
            cover: p.cover,
            video: p.video,
            layout: p.layout,
            has_voice: p.has_voice,
            account_status: p.account_status,
        }
    }
}

/// The caller's profile.
#[utoipa::path(get, path = "/secondme/user/info", tag = "User",
    security(("token" = ["userinfo"])), responses((status = 200, body = Envelope<UserInfo>)))]
async fn info(State(app): State<App>, auth: Auth<permissions::UserInfo>) -> Reply<UserInfo> {
    Ok(Data(super::get(app.store(), auth.caller.user_id).await?.into()))
}

/// A partial update: absent fields stay as they are, `""` clears `avatar`, `cover` and `about_me`.
#[derive(Debug, Deserialize, ToSchema)]
pub struct UpdateProfile {
    /// 1 to 50 characters.
    name: Option<String>,
    /// A URL, at most 2000 characters.
    avatar: Option<String>,
    /// A URL, at most 2000 characters.
    cover: Option<String>,
    /// At most 500 characters. Also `aboutMe` and `selfIntroduction`.
    #[serde(alias = "aboutMe", alias = "selfIntroduction")]
    about_me: Option<String>,
    /// 1 to 50 letters, digits, `-`, `_`; unique. Also `originRoute` and `route`.
    #[serde(alias = "originRoute", alias = "route")]
    origin_route: Option<String>,
}

/// The profile after an update, with both spellings of the renamed fields.
#[derive(Debug, Serialize, ToSchema)]
pub struct UpdatedProfile {
    name: String,
    avatar: String,
    cover: String,
    about_me: String,
    #[serde(rename = "aboutMe")]
    about_me_camel: String,
    origin_route: String,
    #[serde(rename = "originRoute")]
    origin_route_camel: String,
    /// Full URL of the home page.
    homepage: String,
}

/// Changes the caller's profile, all fields or none.
#[utoipa::path(post, path = "/secondme/user/profile", tag = "User", request_body = UpdateProfile,
    security(("token" = ["userinfo"])), responses((status = 200, body = Envelope<UpdatedProfile>)))]
async fn update(
    State(app): State<App>,
    auth: Auth<permissions::UserInfo>,
    Body(body): Body<UpdateProfile>,
) -> Reply<UpdatedProfile> {
    let change = Change {
        name: body.name,
        avatar: body.avatar,
        cover: body.cover,
        self_introduction: body.about_me,
        route: body.origin_route,
    };
    let p = super::update(&app, auth.caller.user_id, &change).await?;
    Ok(Data(UpdatedProfile {
        homepage: format!("{}/{}", app.public_url(), p.route),
        name: p.name,
        avatar: p.avatar,
        cover: p.cover,
        about_me_camel: p.self_introduction.clone(),
        about_me: p.self_introduction,
        origin_route_camel: p.route.clone(),
        origin_route: p.route,
    }))
}
