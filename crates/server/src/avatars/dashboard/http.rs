//! `GET avatar/dashboard` (contract 17.11).

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Bucket, Wanted};
use crate::access::{Auth, permissions};
use crate::app::App;
use crate::avatars::center::http::required;
use crate::avatars::interactions::Traffic;
use crate::avatars::monetization::Access;
use crate::http::envelope::Envelope;
use crate::http::extract::lenient;
use crate::http::{Data, Query, Reply};

/// The route of dashboards, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(dashboard))
}

/// What is to be counted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct DashboardQuery {
    /// Required.
    #[serde(default, deserialize_with = "lenient")]
    #[param(value_type = i64)]
    avatar_id: Option<i64>,
    /// Milliseconds; default 30 days before `to`.
    #[serde(default, deserialize_with = "lenient")]
    #[param(value_type = Option<i64>)]
    from: Option<i64>,
    /// Milliseconds; default now.
    #[serde(default, deserialize_with = "lenient")]
    #[param(value_type = Option<i64>)]
    to: Option<i64>,
    /// `auto` (default), `hour`, `day`, `week` or `month`.
    interval: Option<String>,
    /// IANA name of the zone whose days are meant; default `avatars.time_zone` of the configuration.
    timezone: Option<String>,
}

/// Over the whole time.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Visitors who came.
    unique_visitor_count: i64,
    /// Visitors who said something.
    message_user_count: i64,
    /// The second of the first, in ten-thousandths.
    message_conversion_rate_bp: i64,
    /// Messages of visitors.
    message_count: i64,
    /// Always 0: this server has no till.
    paid_user_count: i64,
    /// Always 0.
    paid_order_count: i64,
    /// Always 0.
    gross_income_unit_amount: i64,
}

impl From<Traffic> for Summary {
    fn from(t: Traffic) -> Self {
        Self {
            unique_visitor_count: t.visitors,
            message_user_count: t.talkers,
            message_conversion_rate_bp: (t.talkers * 10_000).checked_div(t.visitors).unwrap_or(0),
            message_count: t.messages,
            paid_user_count: 0,
            paid_order_count: 0,
            gross_income_unit_amount: 0,
        }
    }
}

/// A part of the time.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrendBucket {
    bucket_start: i64,
    bucket_end: i64,
    label: String,
    /// Visitors who never came before it.
    new_user_count: i64,
    /// Visitors who had come before it.
    returning_user_count: i64,
    message_user_count: i64,
    message_count: i64,
    /// Messages per visitor who said something.
    avg_message_count: f64,
    paid_order_count: i64,
    gross_income_unit_amount: i64,
}

impl From<Bucket> for TrendBucket {
    fn from(bucket: Bucket) -> Self {
        let t = bucket.traffic;
        Self {
            bucket_start: bucket.from,
            bucket_end: bucket.to,
            label: bucket.label,
            new_user_count: t.new_visitors,
            returning_user_count: t.visitors - t.new_visitors,
            message_user_count: t.talkers,
            message_count: t.messages,
            avg_message_count: if t.talkers == 0 { 0.0 } else { t.messages as f64 / t.talkers as f64 },
            paid_order_count: 0,
            gross_income_unit_amount: 0,
        }
    }
}

/// An avatar's numbers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DashboardObject {
    avatar_id: i64,
    avatar_title: String,
    /// `FREE`, `SPONSORED` or `PAID`.
    access_type: &'static str,
    /// `hour`, `day`, `week` or `month`.
    interval: &'static str,
    /// Now: everything is counted when it is asked for.
    data_updated_at: i64,
    summary: Summary,
    trend: Vec<TrendBucket>,
}

/// An avatar's numbers over a time, with their trend.
#[utoipa::path(get, path = "/secondme/avatar/dashboard", tag = "Avatar", params(DashboardQuery),
    security(("token" = ["avatar.read"])), responses((status = 200, body = Envelope<DashboardObject>)))]
async fn dashboard(
    State(app): State<App>,
    auth: Auth<permissions::AvatarRead>,
    Query(query): Query<DashboardQuery>,
) -> Reply<DashboardObject> {
    let wanted = Wanted {
        avatar_id: required(query.avatar_id, "avatarId")?,
        from: query.from,
        to: query.to,
        interval: query.interval,
        time_zone: query.timezone,
    };
    let found = super::get(&app, auth.caller.user_id, &wanted).await?;
    Ok(Data(DashboardObject {
        avatar_id: found.avatar.id,
        access_type: Access::of(&found.avatar.monetization).word(),
        avatar_title: found.avatar.title,
        interval: found.interval.word(),
        data_updated_at: app.now(),
        summary: found.summary.into(),
        trend: found.trend.into_iter().map(Into::into).collect(),
    }))
}
