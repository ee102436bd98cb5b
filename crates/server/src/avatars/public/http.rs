//! `avatar/public/{shareCode}`, `avatar/wxapp-qrcode` and the images behind it (contract 17.9, 17.13).

use axum::Router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use secondme_kit::clock::plain;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::qr;
use crate::access::{Auth, permissions};
use crate::app::App;
use crate::avatars::center::http::{AvatarRef, MODES, Modes, some};
use crate::avatars::center::{self, Avatar};
use crate::error::{ApiError, Code, Result};
use crate::http::envelope::Envelope;
use crate::http::{Data, Path, Query, Reply};

/// The routes of public faces, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(public)).routes(routes!(qrcode))
}

/// The images, from the root.
pub fn images() -> Router<App> {
    Router::new().route("/avatars/qrcode/{file}", get(image))
}

/// What everybody may know of an avatar.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicAvatar {
    /// The `avatarId`.
    id: i64,
    share_code: String,
    /// The avatar's title.
    name: String,
    modes: Modes,
    /// Its own cover, or that of its owner's profile.
    cover_url: Option<String>,
    /// The first message for visitors.
    opening: Option<String>,
    welcome_note: Option<String>,
    /// Who pays, and what it would cost; this server sells nothing.
    monetization: Value,
    /// Conversations with visitors.
    interaction_count: i64,
    /// Looks of others at this.
    view_count: i64,
    /// `YYYY-MM-DD HH:MM:SS`, UTC.
    created_at: String,
    owner_user_id: i64,
    owner_route: String,
    owner_username: String,
    owner_avatar: String,
}

impl PublicAvatar {
    fn new(avatar: Avatar, interaction_count: i64) -> Self {
        let mut monetization = avatar.monetization.clone();
        if let Some(members) = monetization.as_object_mut() {
            members.remove("agreementAccepted");
        }
        Self {
            id: avatar.id,
            modes: MODES,
            cover_url: some(avatar.cover()),
            opening: some(&avatar.opening),
            welcome_note: some(&avatar.welcome_note),
            monetization,
            interaction_count,
            view_count: avatar.view_count,
            created_at: plain(avatar.created_at),
            owner_user_id: avatar.user_id,
            share_code: avatar.share_code,
            name: avatar.title,
            owner_route: avatar.owner_route,
            owner_username: avatar.owner_name,
            owner_avatar: avatar.owner_picture,
        }
    }
}

/// Anybody's avatar, by its share code.
#[utoipa::path(get, path = "/secondme/avatar/public/{shareCode}", tag = "Avatar", params(("shareCode" = String, Path)),
    security(("token" = ["avatar.read"])), responses((status = 200, body = Envelope<PublicAvatar>)))]
async fn public(
    State(app): State<App>,
    auth: Auth<permissions::AvatarRead>,
    Path(share_code): Path<String>,
) -> Reply<PublicAvatar> {
    let (avatar, conversations) = super::look(&app, Some(auth.caller.user_id), &share_code).await?;
    Ok(Data(PublicAvatar::new(avatar, conversations)))
}

/// Where the QR code is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QrCode {
    /// A PNG that anybody with this URL can fetch.
    qrcode_url: String,
    /// The same as SVG.
    qrcode_svg_url: String,
    /// What the code says.
    share_url: String,
}

/// The QR code of an avatar's share link; ready at once.
#[utoipa::path(get, path = "/secondme/avatar/wxapp-qrcode", tag = "Avatar", params(AvatarRef),
    security(("token" = ["avatar.read"])), responses((status = 200, body = Envelope<QrCode>)))]
async fn qrcode(
    State(app): State<App>,
    auth: Auth<permissions::AvatarRead>,
    Query(query): Query<AvatarRef>,
) -> Reply<QrCode> {
    let avatar = center::get(&app, auth.caller.user_id, query.id()?).await?;
    let image = |kind: &str| format!("{}/avatars/qrcode/{}.{kind}", app.public_url(), avatar.share_code);
    Ok(Data(QrCode { qrcode_url: image("png"), qrcode_svg_url: image("svg"), share_url: avatar.share_url(&app) }))
}

/// `{shareCode}.png` or `{shareCode}.svg`.
async fn image(State(app): State<App>, Path(file): Path<String>) -> Result<Response> {
    let unknown = || ApiError::new(Code::AvatarUnknown);
    let (share_code, kind) = file.rsplit_once('.').ok_or_else(unknown)?;
    let avatar = center::by_share_code(&app, share_code).await?.ok_or_else(unknown)?;
    let link = avatar.share_url(&app);
    let (media_type, bytes) = match kind {
        "png" => ("image/png", qr::png(&link)?),
        "svg" => ("image/svg+xml", qr::svg(&link)?.into_bytes()),
        _ => return Err(unknown()),
    };
    let headers = [
        (CONTENT_TYPE, media_type),
        (CACHE_CONTROL, "public, max-age=3600"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
    ];
    Ok((headers, bytes).into_response())
}
