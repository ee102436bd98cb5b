//! `POST invitation/redeem` (contract 13.2); `POST invitation/create`, `GET invitation/list` (ours).

use axum::extract::State;
use secondme_kit::clock::iso;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Invitation, Redeemed};
use crate::access::{Auth, permissions};
use crate::app::App;
use crate::error::Lang;
use crate::http::envelope::Envelope;
use crate::http::{Body, Data, Reply};

/// The routes of invitations, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(redeem)).routes(routes!(create)).routes(routes!(list))
}

/// A code to redeem.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct RedeemCode {
    /// In any case.
    pub(crate) code: Option<String>,
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RedeemedCode {
    code: String,
    /// Decimal digits; empty when the operator invited.
    inviter_user_id: String,
    message: String,
    /// False when the caller held a certificate before: then the code is still unused.
    certificate_issued: bool,
    certificate_number: String,
}

impl RedeemedCode {
    pub(crate) fn new(redeemed: Redeemed, lang: Lang) -> Self {
        let message = if redeemed.issued {
            lang.pick("Welcome to the plaza", "欢迎来到小镇广场")
        } else {
            lang.pick("You hold a certificate already; the code was not used", "你已拥有居民证，邀请码未被使用")
        };
        Self {
            code: redeemed.code,
            inviter_user_id: redeemed.inviter_id.map(|id| id.to_string()).unwrap_or_default(),
            message: message.to_owned(),
            certificate_issued: redeemed.issued,
            certificate_number: redeemed.certificate_number,
        }
    }
}

/// Redeems an invitation code for a certificate.
#[utoipa::path(post, path = "/invitation/redeem", tag = "Plaza", request_body = RedeemCode,
    security(("token" = [])), responses((status = 200, body = Envelope<RedeemedCode>)))]
async fn redeem(
    State(app): State<App>,
    auth: Auth<permissions::AnyUser>,
    lang: Lang,
    Body(body): Body<RedeemCode>,
) -> Reply<RedeemedCode> {
    let redeemed = super::redeem(&app, auth.caller.user_id, &body.code.unwrap_or_default()).await?;
    Ok(Data(RedeemedCode::new(redeemed, lang)))
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct InvitationRow {
    code: String,
    /// ISO 8601, UTC.
    created_at: String,
    redeemed: bool,
    redeemed_at: Option<String>,
    /// Decimal digits.
    redeemed_by: Option<String>,
}

impl From<Invitation> for InvitationRow {
    fn from(i: Invitation) -> Self {
        Self {
            code: i.code,
            created_at: iso(i.created_at),
            redeemed: i.redeemed_at.is_some(),
            redeemed_at: i.redeemed_at.map(iso),
            redeemed_by: i.redeemed_by.map(|id| id.to_string()),
        }
    }
}

/// A new code.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewCode {
    code: String,
    /// Codes that the caller may still make.
    remaining: i64,
}

/// Makes an invitation code. Two at first, and one more for every two guests (as configured).
#[utoipa::path(post, path = "/invitation/create", tag = "Plaza",
    security(("token" = ["plaza.write"])), responses((status = 200, body = Envelope<NewCode>)))]
async fn create(State(app): State<App>, auth: Auth<permissions::PlazaWrite>) -> Reply<NewCode> {
    let (invitation, remaining) = super::create(&app, auth.caller.user_id).await?;
    Ok(Data(NewCode { code: invitation.code, remaining }))
}

/// The caller's codes.
#[derive(Debug, Serialize, ToSchema)]
pub struct Codes {
    items: Vec<InvitationRow>,
    /// Codes that the caller may still make.
    remaining: i64,
}

/// The caller's invitation codes, newest first.
#[utoipa::path(get, path = "/invitation/list", tag = "Plaza",
    security(("token" = ["plaza.read"])), responses((status = 200, body = Envelope<Codes>)))]
async fn list(State(app): State<App>, auth: Auth<permissions::PlazaRead>) -> Reply<Codes> {
    let (items, remaining) = super::list(&app, auth.caller.user_id).await?;
    Ok(Data(Codes { items: items.into_iter().map(Into::into).collect(), remaining }))
}
