//! `/mcp`: the avatar as an MCP server (Streamable HTTP) for other people's agents. Every tool is a rule that a route of the API has, too,
//! with the same scope, and stands in the user's access log.
//!
//! Invariant: a token of an app works here only if it was asked for here (its audience); and what works here works nowhere else.

mod door;
mod prompts;
mod resources;
mod server;
mod tools;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use rmcp::ServerHandler;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use url::Url;

use crate::app::App;
use crate::http::layers;

use server::Avatar;

/// The server and the metadata of its protection, from the root.
pub fn routes(app: &App) -> Router<App> {
    let made = app.clone();
    Router::new()
        .route("/.well-known/oauth-protected-resource", get(door::metadata))
        .route("/.well-known/oauth-protected-resource/mcp", get(door::metadata))
        .merge(served(app, move || Avatar(made.clone())))
        .layer(layers::open_cors())
}

/// A server at `/mcp`, behind the door. Nothing is kept between requests (no sessions, so any node answers), and an answer is JSON,
/// or an event stream when the server has something to say before it.
///
/// For tests, too: the conformance suite wants tools of fixed names, and is to meet this transport and not another one.
pub fn served<S: ServerHandler + Send + 'static>(
    app: &App,
    server: impl Fn() -> S + Send + Sync + 'static,
) -> Router<App> {
    let config = StreamableHttpServerConfig::default()
        .with_allowed_hosts(hosts(app))
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(app.config().server.small_body_max_bytes)
        .with_cancellation_token(app.stopping().child_token());
    let service = StreamableHttpService::new(move || Ok(server()), Arc::new(NeverSessionManager::default()), config);
    Router::new().route_service("/mcp", service).layer(from_fn_with_state(app.clone(), door::open))
}

/// The names under which the server is asked: its public one, and this machine's. Pages of other names are kept from reaching
/// a server on their reader's machine.
fn hosts(app: &App) -> Vec<String> {
    let public = Url::parse(app.public_url()).ok().and_then(|url| url.host_str().map(str::to_owned));
    ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into_iter().chain(public).collect()
}
