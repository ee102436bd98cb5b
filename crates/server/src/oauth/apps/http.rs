//! The public catalogue (contract 4.10): apps that asked to be listed, for everybody.

use axum::extract::State;
use secondme_kit::Page;
use secondme_kit::clock::iso;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Application, Listing};
use crate::app::App;
use crate::error::{ApiError, Code};
use crate::http::envelope::Envelope;
use crate::http::extract::lenient;
use crate::http::{Data, Path, Query, Reply};

/// The routes of the catalogue, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(catalogue)).routes(routes!(public))
}

/// Which page of a list.
#[derive(Debug, Default, Deserialize)]
pub struct PageQuery {
    #[serde(default, deserialize_with = "lenient", alias = "pageNo")]
    page: Option<i64>,
    #[serde(default, deserialize_with = "lenient", alias = "pageSize")]
    page_size: Option<i64>,
}

impl PageQuery {
    /// The page; 20 entries unless asked for otherwise.
    pub fn page(&self) -> Page {
        Page::new(self.page, self.page_size, 20)
    }
}

/// What everybody may see of an app.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicApp {
    app_id: String,
    app_name: String,
    app_description: String,
    /// Whether it stands in the catalogue.
    listed: bool,
    created_at: String,
    #[serde(flatten)]
    listing: Listing,
}

impl From<Application> for PublicApp {
    fn from(app: Application) -> Self {
        Self {
            app_id: app.app_id,
            app_name: app.name,
            app_description: app.description,
            listed: app.listing_status == "listed",
            created_at: iso(app.created_at),
            listing: app.listing,
        }
    }
}

/// A page of the catalogue.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Catalogue {
    list: Vec<PublicApp>,
    total: i64,
    page: i64,
    page_size: i64,
    has_more: bool,
}

/// The apps that are listed, the newest first.
#[utoipa::path(get, path = "/applications/external/public/list", tag = "Applications",
    params(("page" = Option<i64>, Query, description = "From 1."),
        ("page_size" = Option<i64>, Query, description = "At most 100; 20 by default.")),
    security(()), responses((status = 200, body = Envelope<Catalogue>)))]
async fn catalogue(State(app): State<App>, Query(query): Query<PageQuery>) -> Reply<Catalogue> {
    let page = query.page();
    let (apps, total) = super::listed(app.store(), page).await?;
    let list = apps.into_iter().map(PublicApp::from).collect();
    Ok(Data(Catalogue { list, total, page: page.number, page_size: page.size, has_more: page.has_more(total) }))
}

/// One approved app, as its consent page shows it.
#[utoipa::path(get, path = "/applications/external/{appId}/public", tag = "Applications",
    params(("appId" = String, Path, description = "The app.")),
    security(()), responses((status = 200, body = Envelope<PublicApp>)))]
async fn public(State(app): State<App>, Path(app_id): Path<String>) -> Reply<PublicApp> {
    let found = super::by_id(app.store(), &app_id).await?.filter(|found| found.check_status().is_ok());
    found.map(PublicApp::from).map(Data).ok_or_else(|| ApiError::new(Code::AppNotFound))
}
