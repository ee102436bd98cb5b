//! `GET certificate/` (contract 13.1).

use axum::extract::State;
use secondme_kit::clock::iso;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Certificate;
use crate::access::{Auth, permissions};
use crate::app::App;
use crate::error::{ApiError, Code, Problem};
use crate::http::envelope::Envelope;
use crate::http::{Data, Query, Reply};

/// The routes of certificates, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show))
}

/// Whose certificate.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct CertificateQuery {
    /// Decimal digits.
    #[param(required = true)]
    user_id: Option<String>,
}

/// Whether somebody holds a certificate, and which.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    has_certificate: bool,
    /// The same, under the name of the older gateway.
    activated: bool,
    certificate: Option<CertificateBody>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CertificateBody {
    id: i64,
    /// `CERT-YYYYMMDD-NNN`.
    certificate_number: String,
    user_id: String,
    /// ISO 8601, UTC.
    issued_at: String,
    /// `active`, or `revoked` by the operator.
    status: String,
    name: String,
    avatar: String,
}

impl From<Option<Certificate>> for Holder {
    fn from(certificate: Option<Certificate>) -> Self {
        let active = certificate.as_ref().is_some_and(Certificate::is_active);
        let certificate = certificate.map(|c| CertificateBody {
            id: c.id,
            certificate_number: c.number,
            user_id: c.user_id.to_string(),
            issued_at: iso(c.issued_at),
            status: c.status,
            name: c.name,
            avatar: c.avatar,
        });
        Self { has_certificate: active, activated: active, certificate }
    }
}

/// The certificate of any user: it is a badge, not a secret.
#[utoipa::path(get, path = "/certificate", tag = "Plaza", params(CertificateQuery),
    security(("token" = [])), responses((status = 200, body = Envelope<Holder>)))]
async fn show(
    State(app): State<App>,
    _: Auth<permissions::AnyUser>,
    Query(query): Query<CertificateQuery>,
) -> Reply<Holder> {
    let user_id = query.user_id.ok_or_else(|| ApiError::invalid("userId", &Problem::Required))?;
    let user_id = user_id.trim().parse().map_err(|_| ApiError::new(Code::UserInvalidId))?;
    Ok(Data(super::of(app.store(), user_id).await?.into()))
}
