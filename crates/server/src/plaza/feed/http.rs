//! `GET plaza/feed` (contract 13.6).

use axum::extract::State;
use secondme_kit::Page;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::walk::Slice;
use super::{Ask, Feed, Sort};
use crate::access::{Auth, permissions};
use crate::app::App;
use crate::error::{ApiError, Problem, Result};
use crate::http::envelope::Envelope;
use crate::http::extract::lenient;
use crate::http::{Data, Query, Reply};
use crate::plaza::posts::http::PostBody;
use crate::plaza::posts::{CONTENT_TYPES, PUBLIC};

/// The routes of the feed, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(feed))
}

/// Which page of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct SliceQuery {
    /// From 1. Also `pageNo`.
    #[serde(alias = "pageNo", default, deserialize_with = "lenient")]
    #[param(value_type = Option<i64>)]
    page: Option<i64>,
    /// At most 100, default 20. Also `page_size`.
    #[serde(alias = "page_size", default, deserialize_with = "lenient")]
    #[param(value_type = Option<i64>)]
    page_size: Option<i64>,
    /// `nextCursor` of the page before (ours). It goes before `page`.
    cursor: Option<String>,
}

impl SliceQuery {
    pub(in crate::plaza) fn slice(&self) -> Result<Slice> {
        Slice::new(Page::new(self.page, self.page_size, 20), self.cursor.as_deref())
    }
}

/// Which posts.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct FeedQuery {
    /// From 1. Also `pageNo`.
    #[serde(alias = "pageNo", default, deserialize_with = "lenient")]
    #[param(value_type = Option<i64>)]
    page: Option<i64>,
    /// At most 100, default 20. Also `page_size`.
    #[serde(alias = "page_size", default, deserialize_with = "lenient")]
    #[param(value_type = Option<i64>)]
    page_size: Option<i64>,
    /// `nextCursor` of the page before (ours). It goes before `page`.
    cursor: Option<String>,
    /// `featured` or `timeline`; absent: the posts of friends, or the timeline for who has none.
    #[serde(alias = "sort_mode")]
    sort_mode: Option<String>,
    /// Words that must all appear, English or Chinese. A search looks at everybody's posts.
    keyword: Option<String>,
    /// `public` (all), `discussion`, `ama` or `info`. Also `contentType`.
    #[serde(rename = "type", alias = "contentType")]
    content_type: Option<String>,
    /// Route of a home page: only that person's posts.
    #[serde(alias = "circle_route")]
    circle_route: Option<String>,
}

impl FeedQuery {
    fn parts(self) -> Result<(Ask, Slice)> {
        let slice = Slice::new(Page::new(self.page, self.page_size, 20), self.cursor.as_deref())?;
        let ask = Ask {
            sort: sort(self.sort_mode.as_deref())?,
            keyword: self.keyword,
            content_type: content_type(self.content_type.as_deref())?,
            circle_route: self.circle_route,
        };
        Ok((ask, slice))
    }
}

fn sort(word: Option<&str>) -> Result<Sort> {
    match word {
        None => Ok(Sort::Friends),
        Some("featured") => Ok(Sort::Featured),
        Some("timeline") => Ok(Sort::Timeline),
        Some(_) => {
            Err(ApiError::invalid("sortMode", &Problem::Expected("featured or timeline", " featured 或 timeline")))
        }
    }
}

fn content_type(word: Option<&str>) -> Result<Option<&'static str>> {
    let Some(word) = word.filter(|word| *word != PUBLIC) else { return Ok(None) };
    let known = CONTENT_TYPES.into_iter().find(|known| *known == word).map(Some);
    let problem = Problem::Expected("public, discussion, ama or info", " public、discussion、ama 或 info");
    known.ok_or_else(|| ApiError::invalid("type", &problem))
}

/// A page of a feed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FeedPage {
    items: Vec<PostBody>,
    /// Posts in this feed. Of a search the newest 1000 matches are counted.
    total: i64,
    page: i64,
    page_size: i64,
    has_more: bool,
    content_type_counts: ContentTypeCounts,
    /// For `cursor`: where the next page begins (ours).
    next_cursor: Option<String>,
}

/// The same feed by kind of content.
#[derive(Debug, Default, Serialize, ToSchema)]
struct ContentTypeCounts {
    discussion: i64,
    ama: i64,
    info: i64,
}

impl FeedPage {
    fn new(feed: Feed, slice: &Slice) -> Self {
        let count = |kind: &str| feed.counts.iter().find(|(word, _)| word == kind).map_or(0, |(_, n)| *n);
        let [discussion, ama, info] = CONTENT_TYPES.map(count);
        Self {
            total: feed.total,
            page: slice.number,
            page_size: slice.size,
            has_more: feed.next.is_some(),
            content_type_counts: ContentTypeCounts { discussion, ama, info },
            next_cursor: feed.next.map(|cursor| cursor.to_string()),
            items: feed.items.into_iter().map(Into::into).collect(),
        }
    }
}

/// Posts for the caller.
#[utoipa::path(get, path = "/secondme/plaza/feed", tag = "Plaza", params(FeedQuery),
    security(("token" = ["plaza.read"])), responses((status = 200, body = Envelope<FeedPage>)))]
async fn feed(
    State(app): State<App>,
    auth: Auth<permissions::PlazaRead>,
    Query(query): Query<FeedQuery>,
) -> Reply<FeedPage> {
    page(&app, auth.caller.user_id, query).await.map(Data)
}

/// The same for whoever has a token of another kind.
pub(crate) async fn page(app: &App, reader: i64, query: FeedQuery) -> Result<FeedPage> {
    let (ask, slice) = query.parts()?;
    let feed = super::page(app, reader, &ask, &slice).await?;
    Ok(FeedPage::new(feed, &slice))
}
