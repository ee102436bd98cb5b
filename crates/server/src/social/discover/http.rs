//! `GET discover/users` (contract 18.5), also as `GET discover` (13.8); `POST discover/place/forget` (ours).

use axum::extract::State;
use secondme_kit::Page;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Circle, Discovered, Person, Place};
use crate::access::{Auth, permissions};
use crate::app::App;
use crate::error::{ApiError, Lang, Problem, Result};
use crate::http::envelope::Envelope;
use crate::http::extract::lenient;
use crate::http::{Data, Query, Reply};
use crate::users::profile;

/// The routes of discovery, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(users)).routes(routes!(users_by_old_name)).routes(routes!(forget_place))
}

/// Which people.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct DiscoverQuery {
    /// From 1. Also `page`.
    #[serde(alias = "page", default, deserialize_with = "lenient")]
    #[param(value_type = Option<i64>)]
    page_no: Option<i64>,
    /// At most 100, default 20. Also `page_size`.
    #[serde(alias = "page_size", default, deserialize_with = "lenient")]
    #[param(value_type = Option<i64>)]
    page_size: Option<i64>,
    /// Degrees. With `latitude` it shares the caller's place, to about a kilometre, for 30 days.
    #[serde(default, deserialize_with = "lenient")]
    #[param(value_type = Option<f64>)]
    longitude: Option<f64>,
    /// Degrees.
    #[serde(default, deserialize_with = "lenient")]
    #[param(value_type = Option<f64>)]
    latitude: Option<f64>,
    /// `NEARBY` (within `searchRadius`), `FRIENDS` (friends of friends); anything else: everybody.
    #[serde(alias = "circle_type")]
    circle_type: Option<String>,
}

impl DiscoverQuery {
    fn place(&self) -> Result<Option<Place>> {
        match (self.latitude, self.longitude) {
            (Some(latitude), Some(longitude)) => Ok(Some(Place { latitude, longitude })),
            (None, None) => Ok(None),
            (None, Some(_)) => Err(ApiError::invalid("latitude", &Problem::Required)),
            (Some(_), None) => Err(ApiError::invalid("longitude", &Problem::Required)),
        }
    }

    fn circle(&self) -> Circle {
        match self.circle_type.as_deref().map(str::to_ascii_uppercase).as_deref() {
            Some("NEARBY") => Circle::Nearby,
            Some("FRIENDS") => Circle::FriendsOfFriends,
            _ => Circle::Everybody,
        }
    }
}

/// A page of people.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct People {
    users: Vec<PersonRow>,
    /// In kilometres: who is nearer counts for more.
    search_radius: f64,
    total_count: i64,
    page_no: i64,
    page_size: i64,
    total_pages: i64,
    has_more: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PersonRow {
    user_id: String,
    username: String,
    avatar: String,
    route: String,
    /// Whole kilometres; null unless both shared a place.
    distance: Option<f64>,
    /// From 0 to 100.
    match_score: i64,
    /// Their first public interest.
    title: String,
    /// Why they are shown.
    hook: String,
    brief_introduction: String,
    /// `none`, `pending` (the caller invited), `invited` (they did) or `friend`.
    friend_status: String,
    common_friends: Vec<CommonFriendRow>,
    /// Completeness of their profile, in percent.
    completion_percentage: i32,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CommonFriendRow {
    user_id: String,
    name: String,
    avatar: String,
}

const INTRODUCTION_CHARS: usize = 140;

impl PersonRow {
    fn new(person: Person, lang: Lang) -> Self {
        let hook = hook(&person, lang);
        let p = person.profile;
        let common = person.common_friends.into_iter().map(|f| CommonFriendRow {
            user_id: f.id.to_string(),
            name: f.name,
            avatar: f.avatar,
        });
        Self {
            completion_percentage: profile::level(&p) * 10,
            user_id: p.user_id.to_string(),
            username: p.name,
            avatar: p.avatar,
            route: p.route,
            distance: person.distance_km,
            match_score: person.match_score,
            title: person.title,
            hook,
            brief_introduction: p.self_introduction.chars().take(INTRODUCTION_CHARS).collect(),
            friend_status: person.friend_status,
            common_friends: common.collect(),
        }
    }
}

/// The reason in words, from public things alone.
fn hook(person: &Person, lang: Lang) -> String {
    let names: Vec<&str> = person.shared.iter().take(3).map(|s| s.name.as_str()).collect();
    if !names.is_empty() {
        return match lang {
            Lang::En => format!("You are both into {}", names.join(", ")),
            Lang::Zh => format!("你们都喜欢{}", names.join("、")),
        };
    }
    if let Some(memory) = &person.memory {
        let said: String = memory.chars().take(80).collect();
        return match lang {
            Lang::En => format!("In their own words: {said}"),
            Lang::Zh => format!("TA 说过：{said}"),
        };
    }
    if let Some(friend) = person.common_friends.first() {
        return match lang {
            Lang::En => format!("You both know {}", friend.name),
            Lang::Zh => format!("你们都认识{}", friend.name),
        };
    }
    match (person.distance_km, lang) {
        (Some(km), Lang::En) => format!("About {km} km away"),
        (Some(km), Lang::Zh) => format!("距离约 {km} 公里"),
        (None, _) => person.title.clone(),
    }
}

impl People {
    fn new(found: Discovered, page: Page, radius: f64, lang: Lang) -> Self {
        Self {
            users: found.people.into_iter().map(|person| PersonRow::new(person, lang)).collect(),
            search_radius: radius,
            total_count: found.total,
            page_no: page.number,
            page_size: page.size,
            total_pages: (found.total + page.size - 1) / page.size,
            has_more: page.has_more(found.total),
        }
    }
}

/// People for whoever has a token of any kind.
pub(crate) async fn people(app: &App, user_id: i64, query: &DiscoverQuery, lang: Lang) -> Result<People> {
    let page = Page::new(query.page_no, query.page_size, 20);
    let found = super::find(app, user_id, query.place()?, query.circle(), page).await?;
    Ok(People::new(found, page, app.config().social.radius_km, lang))
}

/// People who share interests with the caller, the best match first.
#[utoipa::path(get, path = "/secondme/discover/users", tag = "Friends", params(DiscoverQuery),
    security(("token" = ["discover"])), responses((status = 200, body = Envelope<People>)))]
async fn users(
    State(app): State<App>,
    auth: Auth<permissions::Discover>,
    lang: Lang,
    Query(query): Query<DiscoverQuery>,
) -> Reply<People> {
    people(&app, auth.caller.user_id, &query, lang).await.map(Data)
}

/// The same, under a name that one client calls.
#[utoipa::path(get, path = "/secondme/discover", tag = "Friends", params(DiscoverQuery),
    security(("token" = ["discover"])), responses((status = 200, body = Envelope<People>)))]
async fn users_by_old_name(
    State(app): State<App>,
    auth: Auth<permissions::Discover>,
    lang: Lang,
    Query(query): Query<DiscoverQuery>,
) -> Reply<People> {
    people(&app, auth.caller.user_id, &query, lang).await.map(Data)
}

/// Forgets the place that the caller shared.
#[utoipa::path(post, path = "/secondme/discover/place/forget", tag = "Friends",
    security(("token" = ["discover"])), responses((status = 200, body = Envelope<Value>)))]
async fn forget_place(State(app): State<App>, auth: Auth<permissions::Discover>) -> Reply<Value> {
    super::forget_place(&app, auth.caller.user_id).await?;
    Ok(Data(Value::Null))
}
