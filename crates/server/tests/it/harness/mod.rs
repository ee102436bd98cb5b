//! A server of its own for each story: a fresh database, a clock that stands still, a scripted model, a real port.

mod browser;
pub mod cluster;
mod events;
mod nats;
mod receiver;
mod socket;

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use secondme_bus::{Bus, LocalBus};
use secondme_kit::{Entropy, ManualClock, SecretKey};
use secondme_llm::{ChatModel, Scripted};
use secondme_server::access::{Kind, NewToken, Requested, revocations, tokens};
use secondme_server::app::{App, Parts};
use secondme_server::chat::models::Models;
use secondme_server::config::Config;
use secondme_server::{demo, migrations, router};
use secondme_store::Store;
pub use secondme_store::both;
pub use secondme_store::testing::TestDb;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub use browser::{Browser, Shown};
pub use events::{Event, events};
pub use nats::Nats;
pub use receiver::{Receiver, Say};
pub use socket::{Socket, assembled, cursors, from_cursor};

/// Where every story begins.
pub const START: i64 = 1_750_000_000_000;
/// Ada's personal token.
pub const ADA: &str = "lba_at_demo_ada";
/// Lin's personal token.
pub const LIN: &str = "lba_at_demo_lin";

/// A port that nobody has, for a process that is told which to take.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub struct World {
    pub app: App,
    pub clock: Arc<ManualClock>,
    pub model: Arc<Scripted>,
    pub url: String,
    pub http: Client,
}

/// What a story wants to be different.
pub struct Setup {
    pub config: Config,
    pub model: Scripted,
    pub bus: Arc<dyn Bus>,
    /// Asked in the place of `model`, which then only stands by.
    pub upstream: Option<Arc<dyn ChatModel>>,
}

impl Default for Setup {
    fn default() -> Self {
        let mut config = Config::default();
        config.uploads.store = "memory".to_owned();
        Self { config, model: Scripted::echo(), bus: Arc::new(LocalBus::default()), upstream: None }
    }
}

impl World {
    /// A server with the demo world and the echo model.
    pub async fn new(db: TestDb) -> Self {
        Self::with(db, Setup::default()).await
    }

    pub async fn with_model(db: TestDb, model: Scripted) -> Self {
        Self::with(db, Setup { model, ..Setup::default() }).await
    }

    pub async fn with_config(db: TestDb, change: impl FnOnce(&mut Config)) -> Self {
        let mut setup = Setup::default();
        change(&mut setup.config);
        Self::with(db, setup).await
    }

    pub async fn with(db: TestDb, setup: Setup) -> Self {
        secondme_llm::install_tls();
        let store = db.store(&[&secondme_jobs::MIGRATIONS, &migrations::MIGRATIONS]).await;
        Self::with_store(store, setup).await
    }

    /// The same on a database that the story opened itself.
    pub async fn with_store(store: Store, setup: Setup) -> Self {
        secondme_llm::install_tls();
        let world = Self::on(store, Arc::new(ManualClock::at(START)), setup).await;
        demo::seed(&world.app).await.unwrap();
        world
    }

    /// A server that nobody has set up: no users, no demo world.
    pub async fn bare(db: TestDb) -> Self {
        secondme_llm::install_tls();
        let store = db.store(&[&secondme_jobs::MIGRATIONS, &migrations::MIGRATIONS]).await;
        Self::on(store, Arc::new(ManualClock::at(START)), Setup::default()).await
    }

    /// Another node: on the same database and clock, with a memory of its own.
    pub async fn beside(&self, setup: Setup) -> Self {
        Self::on(self.app.store().clone(), self.clock.clone(), setup).await
    }

    async fn on(store: Store, clock: Arc<ManualClock>, setup: Setup) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let model = Arc::new(setup.model);
        let chat_model: Arc<dyn ChatModel> = setup.upstream.unwrap_or_else(|| model.clone());
        let app = App::new(Parts {
            public_url: url.clone(),
            store,
            clock: clock.clone(),
            entropy: Entropy::system(),
            key: SecretKey::new([7; 32]),
            models: Models::new(chat_model.clone(), chat_model),
            bus: setup.bus,
            config: setup.config,
        });
        let serving = app.clone();
        app.spawn(async move { router::serve(serving, listener).await.unwrap() });
        app.spawn(revocations::listen(app.clone()));
        let http = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(60))
            .build()
            .unwrap();
        Self { app, clock, model, url, http }
    }

    /// Lets the demo app in for a demo user; its access and refresh token.
    pub async fn connect(&self, personal: &str, scopes: &[&str]) -> (String, String) {
        let body = json!({"clientId": demo::CLIENT_ID, "redirectUri": demo::REDIRECT_URI, "scope": scopes});
        let code =
            data(self.post("oauth/authorize/external", personal, &body).await)["code"].as_str().unwrap().to_owned();
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", demo::REDIRECT_URI),
            ("client_id", demo::CLIENT_ID),
            ("client_secret", demo::CLIENT_SECRET),
        ];
        let tokens = data(self.form("oauth/token/code", &form).await);
        let token = |name: &str| tokens[name].as_str().unwrap().to_owned();
        (token("accessToken"), token("refreshToken"))
    }

    /// The URL of an API path.
    pub fn api(&self, path: &str) -> String {
        format!("{}/gate/lab/api/{path}", self.url)
    }

    pub fn request(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        let request = self.http.request(method, self.api(path));
        if token.is_empty() { request } else { request.bearer_auth(token) }
    }

    pub async fn get(&self, path: &str, token: &str) -> (StatusCode, Value) {
        answer(self.request(Method::GET, path, token).send().await.unwrap()).await
    }

    pub async fn post(&self, path: &str, token: &str, body: &Value) -> (StatusCode, Value) {
        answer(self.request(Method::POST, path, token).json(body).send().await.unwrap()).await
    }

    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> (StatusCode, Value) {
        answer(self.request(Method::POST, path, "").form(fields).send().await.unwrap()).await
    }

    /// The events of a chat that is expected to begin with 200.
    pub async fn chat(&self, token: &str, body: &Value) -> Vec<Event> {
        let response = self.request(Method::POST, "secondme/chat/stream", token).json(body).send().await.unwrap();
        assert_eq!(response.status(), 200);
        events(&response.text().await.unwrap())
    }

    /// Gives the demo users the notes, key memories and events of `serve --demo`.
    pub async fn remember(&self) {
        demo::remember(&self.app, &[1, 2]).await.unwrap();
    }

    /// Runs what is due of the durable jobs, once.
    pub async fn run_jobs(&self) -> usize {
        secondme_server::cli::jobs(&self.app).step().await.unwrap()
    }

    /// A token of any kind for user 1, made by hand.
    pub async fn mint(&self, kind: Kind, scopes: &str) -> String {
        let token = self.app.entropy().token(kind.prefix());
        let new = NewToken {
            kind,
            user_id: (kind != Kind::App).then_some(1),
            app_id: if kind == Kind::ApiKey || kind == Kind::Personal { None } else { Some("app_demo") },
            authorization_id: None,
            scopes: &Requested::parse(scopes).unwrap(),
            name: "test",
            expires_at: Some(START + 3_600_000),
        };
        let mut tx = self.app.store().write().await.unwrap();
        tokens::insert(&mut tx, self.app.key(), &token, &new, START).await.unwrap();
        tx.commit().await.unwrap();
        token
    }
}

/// Status and JSON body; every reply must have a request id.
pub async fn answer(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    assert!(response.headers().contains_key("x-request-id"), "no request id");
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or_else(|e| panic!("{status}: {e}: {text}")))
}

/// Checks an error envelope: status, `code`, `subCode`, and a `message` that is text.
#[track_caller]
pub fn refused(answer: &(StatusCode, Value), status: u16, sub_code: &str) {
    let (got, body) = answer;
    assert_eq!((got.as_u16(), body["subCode"].as_str()), (status, Some(sub_code)), "{body}");
    assert_eq!(body["code"], status, "{body}");
    assert!(body["message"].as_str().is_some_and(|m| !m.is_empty()), "{body}");
    assert!(body.get("data").is_none(), "{body}");
}

/// Checks a success envelope and gives its data.
#[track_caller]
pub fn data(answer: (StatusCode, Value)) -> Value {
    let (status, mut body) = answer;
    assert_eq!((status.as_u16(), body["code"].as_i64()), (200, Some(0)), "{body}");
    assert_eq!(body["message"], "success");
    body["data"].take()
}

/// The key of Ada's avatar in the demo world.
pub const AVATAR_KEY: &str = demo::AVATAR_KEY;

impl World {
    /// An app's own token.
    pub async fn app_token(&self) -> String {
        self.mint(Kind::App, "chat.write").await
    }

    /// A conversation of an anonymous visitor with Ada's avatar.
    pub async fn visit(&self, token: &str, visitor_id: &str) -> Value {
        let body = serde_json::json!({"apiKey": AVATAR_KEY, "visitorId": visitor_id, "visitorName": "John"});
        data(self.post("secondme/visitor-chat/init", token, &body).await)
    }

    /// Says something in it.
    pub async fn say(&self, token: &str, session: &Value, message: &str) -> (StatusCode, Value) {
        let body = serde_json::json!({"sessionId": session["sessionId"], "apiKey": AVATAR_KEY, "message": message});
        self.post("secondme/visitor-chat/send", token, &body).await
    }
}
