//! Every route of the server: the API's table of contents.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request};
use axum::routing::get;
use axum::serve::ListenerExt;
use axum::{Extension, Json, Router, ServiceExt, middleware};
use tokio::net::TcpListener;
use tower::util::MapRequest;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::config::Config;
use crate::http::{drain, layers, limits, operations};
use crate::{
    admin, avatars, chat, integrations, legacy, memory, oauth, pages, platform, plaza, social, users, visitor, voice,
};

/// Where the API lives on the server's own origin (HOUSE-RULES "Base path").
pub const BASE: &str = "/gate/lab/api";

/// The API, below [`BASE`].
fn api(config: &Config) -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(oauth::authorize::http::routes())
        .merge(oauth::authorizations::http::routes())
        .merge(platform::forgotten::routes())
        .merge(oauth::apps::http::routes())
        .merge(oauth::console::http::routes())
        .merge(oauth::webhooks::http::routes())
        .merge(oauth::grants::http::routes())
        .merge(oauth::grants::skills::http::routes())
        .merge(oauth::me::routes())
        .merge(users::profile::http::routes())
        .merge(users::shades::routes())
        .merge(memory::events::http::routes())
        .merge(memory::timeline::http::routes())
        .merge(memory::settings::routes())
        .merge(memory::key_memories::http::routes())
        .merge(memory::key_memories::soft::routes())
        .merge(memory::notes::http::routes())
        .merge(users::uploads::http::routes(config))
        .merge(chat::stream::routes(config))
        .merge(chat::act::http::routes())
        .merge(chat::sessions::http::routes())
        .merge(avatars::center::http::routes())
        .merge(avatars::center::skill_create::routes())
        .merge(avatars::api_keys::http::routes())
        .merge(avatars::public::http::routes())
        .merge(avatars::interactions::http::routes())
        .merge(avatars::dashboard::http::routes())
        .merge(avatars::export::http::routes())
        .merge(avatars::evaluations::http::routes())
        .merge(avatars::contract::routes())
        .merge(avatars::skills::http::routes())
        .merge(chat::sources::routes())
        .merge(visitor::sessions::http::routes())
        .merge(visitor::events::routes())
        .merge(visitor::hub::http::routes())
        .merge(visitor::ws_chat::routes())
        .merge(integrations::routes())
        .merge(plaza::routes())
        .merge(social::routes())
        .merge(voice::http::routes(config))
}

/// Browser pages and what operators read, from the root.
fn pages_and_operations(app: &App) -> Router<App> {
    Router::new()
        .merge(legacy::routes())
        .merge(platform::health::routes())
        .merge(platform::openai::routes(app.config()))
        .merge(platform::mcp::routes(app))
        .merge(visitor::socket::routes())
        .merge(platform::bundle::pages::routes())
        .merge(pages::routes())
        .merge(admin::pages::routes())
        .merge(users::accounts::pages::routes())
        .merge(users::uploads::public::routes())
        .merge(oauth::authorize::pages::routes())
        .merge(oauth::standard::routes())
        .merge(oauth::grants::skills::pages::routes())
        .merge(avatars::public::http::images())
        .merge(avatars::evaluations::pages::routes())
}

/// Serves until `app` is told to stop, and all clients are gone.
///
/// # Errors
/// When the listener fails.
pub async fn serve(app: App, listener: TcpListener) -> std::io::Result<()> {
    // Frames of a stream are small: waiting to fill a packet would delay each of them.
    let listener = listener.tap_io(|tcp| {
        if let Err(error) = tcp.set_nodelay(true) {
            tracing::debug!(cause = %error, "TCP_NODELAY was not set");
        }
    });
    let stopping = app.stopping().clone();
    // Paths are made canonical before they are routed.
    let routes = if app.config().server.role == "worker" { operations_only(app) } else { router(app) };
    let service: MapRequest<Router, fn(Request) -> Request> = MapRequest::new(routes, layers::canonical_path);
    let service = ServiceExt::<Request>::into_make_service_with_connect_info::<SocketAddr>(service);
    axum::serve(listener, service).with_graceful_shutdown(async move { stopping.cancelled().await }).await
}

/// What a node answers that only runs jobs.
fn operations_only(app: App) -> Router {
    Router::new()
        .merge(platform::health::routes())
        .fallback(layers::not_found)
        .layer(middleware::from_fn_with_state(app.clone(), layers::edge))
        .with_state(app)
}

fn router(app: App) -> Router {
    let (api, document) = documented(app.config());
    // Serialising plain data to a JSON value does not fail.
    let document = Arc::new(serde_json::to_value(&document).unwrap_or_default());
    let limits = middleware::from_fn_with_state(app.clone(), limits::limit);
    let json = Arc::clone(&document);
    let reference = Extension(pages::docs::Reference(document));
    Router::new()
        // Inside of CORS: an app in a browser may read that it has to wait.
        .merge(api.layer(limits.clone()).layer(layers::open_cors()))
        .merge(pages_and_operations(&app).layer(limits))
        .route("/openapi.json", get(move || async move { Json(json.as_ref().clone()) }))
        .fallback(layers::not_found)
        .layer(reference)
        .layer(CatchPanicLayer::custom(layers::panicked))
        .layer(DefaultBodyLimit::max(app.config().server.small_body_max_bytes))
        .layer(middleware::from_fn_with_state(app.clone(), layers::edge))
        .layer(middleware::from_fn_with_state(app.clone(), drain::refused))
        .with_state(app)
}

/// The API's router and the OpenAPI document made from the same declarations.
fn documented(config: &Config) -> (Router<App>, utoipa::openapi::OpenApi) {
    let (routes, mut document) =
        OpenApiRouter::with_openapi(Document::openapi()).nest(BASE, api(config)).split_for_parts();
    operations::name(&mut document, BASE);
    operations::describe(&mut document);
    (routes, document)
}

/// The OpenAPI document of the API.
pub fn openapi() -> utoipa::openapi::OpenApi {
    documented(&Config::default()).1
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "SecondMe API",
        description = "The SecondMe API of a self-hosted server. Every success is `{\"code\":0,\"message\":\"success\",\
            \"data\":…}`, every error `{\"code\":<HTTP status>,\"message\":…,\"subCode\":…}`.",
        license(name = "Apache-2.0"),
    ),
    modifiers(&Security),
)]
struct Document;

struct Security;

impl utoipa::Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An access token (`lba_at_…`) or a personal API key (`lba_ak_…`)."))
            .build();
        document
            .components
            .get_or_insert_with(Default::default)
            .add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}
