//! `/plaza/…`: certificates, invitations, posts, comments and the feed.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use secondme_kit::clock::iso;
use serde::Serialize;

use super::agent::Agent;
use super::gated;
use crate::app::App;
use crate::error::{Lang, Result};
use crate::http::{Body, Data, Path, Query, Reply};
use crate::plaza::certificates::{self, Certificate};
use crate::plaza::comments::http::page as comments_page;
use crate::plaza::feed::http::{FeedQuery, SliceQuery, page as feed_page};
use crate::plaza::invitations;
use crate::plaza::invitations::http::{RedeemCode, RedeemedCode};
use crate::plaza::posts;
use crate::plaza::posts::http::{CreatePost, Created, PostBody};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/plaza/access", get(access))
        .route("/plaza/invitation/redeem", post(redeem))
        .route("/plaza/posts", post(create))
        .route("/plaza/posts/{post_id}", get(show))
        .route("/plaza/posts/{post_id}/comments", get(comments))
        .route("/plaza/feed", get(feed))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Access {
    activated: bool,
    certificate_number: Option<String>,
    issued_at: Option<String>,
}

async fn access(State(app): State<App>, Agent(caller): Agent) -> Reply<Access> {
    let held = certificates::of(app.store(), caller.user_id).await?.filter(Certificate::is_active);
    Ok(Data(Access {
        activated: held.is_some(),
        issued_at: held.as_ref().map(|c| iso(c.issued_at)),
        certificate_number: held.map(|c| c.number),
    }))
}

async fn redeem(
    State(app): State<App>,
    Agent(caller): Agent,
    lang: Lang,
    Body(body): Body<RedeemCode>,
) -> Reply<RedeemedCode> {
    let redeemed = invitations::redeem(&app, caller.user_id, &body.code.unwrap_or_default()).await?;
    Ok(Data(RedeemedCode::new(redeemed, lang)))
}

/// `appSourceId`, `recruitCount` and `callbackUrl` of this gateway were never documented beyond their names: they have no effect.
async fn create(State(app): State<App>, Agent(caller): Agent, lang: Lang, Body(body): Body<CreatePost>) -> Response {
    let created = async {
        let new = body.check(&app.config().plaza)?;
        Ok(Data(Created { post_id: posts::create(&app, &caller, &new).await? }))
    };
    gated(created.await, lang)
}

async fn show(State(app): State<App>, Agent(caller): Agent, lang: Lang, Path(id): Path<String>) -> Response {
    let shown: Result<_> = posts::get(&app, caller.user_id, &id).await;
    gated(shown.map(|post| Data(PostBody::from(post))), lang)
}

async fn comments(
    State(app): State<App>,
    Agent(caller): Agent,
    lang: Lang,
    Path(id): Path<String>,
    Query(query): Query<SliceQuery>,
) -> Response {
    gated(comments_page(&app, caller.user_id, &id, query).await.map(Data), lang)
}

async fn feed(State(app): State<App>, Agent(caller): Agent, lang: Lang, Query(query): Query<FeedQuery>) -> Response {
    gated(feed_page(&app, caller.user_id, query).await.map(Data), lang)
}
