//! The bus and the object store, away and back: what depends on them is late or refused, and nothing is lost.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use image::ImageFormat;
use secondme_bus::NatsBus;
use secondme_kit::Secret;
use serde_json::json;
use tokio::net::TcpListener;

use crate::harness::{ADA, Nats, Setup, Socket, TestDb, World, assembled, both, data, refused};
use crate::uploads::{picture, stored, upload};

async fn node(nats: &Nats) -> Setup {
    Setup { bus: Arc::new(NatsBus::connect(&Secret::new(nats.url.as_str())).await.unwrap()), ..Setup::default() }
}

/// Says something on one node; how long it takes until the socket on the other has the whole reply.
async fn said(world: &World, token: &str, session: &serde_json::Value, socket: &mut Socket, text: &str) -> Duration {
    let begun = Instant::now();
    data(world.say(token, session, text).await);
    assert_eq!(assembled(&socket.replies(1).await), [format!("You said: {text}")]);
    begun.elapsed()
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

both! {
    async fn without_nats_frames_come_from_the_log_and_revocations_from_the_table(db: TestDb) {
        let Some(nats) = Nats::start().await else { return };
        let port = nats.port;
        let world = World::with(db, node(&nats).await).await;
        let other = world.beside(node(&nats).await).await;
        let token = world.app_token().await;
        let session = world.visit(&token, "v").await;
        let address = session["wsUrl"].as_str().unwrap().replace(&world.url["http".len()..], &other.url["http".len()..]);
        let mut socket = Socket::open(&address).await;
        said(&world, &token, &session, &mut socket, "with the bus").await;
        let (access, _) = world.connect(ADA, &["userinfo"]).await;
        data(other.get("secondme/user/info", &access).await);
        let watch = other.app.revocations().watch(other.app.store(), 1, Some("app_demo")).await.unwrap();

        drop(nats);
        until("nobody notices that NATS is away", || world.app.bus().is_away() && other.app.bus().is_away()).await;
        for n in 0..3 {
            let took = said(&world, &token, &session, &mut socket, &format!("without {n}")).await;
            assert!(took < Duration::from_secs(3), "{took:?}");
        }
        assert!(world.app.bus().dropped() > 0);
        // Somebody who comes now is served, too.
        let fresh = world.visit(&token, "w").await;
        let mut late = Socket::open(fresh["wsUrl"].as_str().unwrap()).await;
        assert!(said(&world, &token, &fresh, &mut late, "late").await < Duration::from_secs(3));
        data(world.post("authorizations/app_demo/revoke", ADA, &json!({})).await);
        tokio::time::timeout(Duration::from_secs(4), watch.ended()).await.expect("what is open on another node goes on");
        refused(&other.get("secondme/user/info", &access).await, 401, "oauth2.authorization.revoked");

        let _nats = Nats::on(port).await.unwrap();
        until("nobody comes back", || !world.app.bus().is_away() && !other.app.bus().is_away()).await;
        let dropped = world.app.bus().dropped();
        said(&world, &token, &session, &mut socket, "with it again").await;
        assert_eq!(world.app.bus().dropped(), dropped);
    }

    async fn an_object_store_that_is_away_refuses_files_and_nothing_else(db: TestDb) {
        let s3 = ObjectStore::start().await;
        let world = World::with_config(db, |config| {
            let uploads = &mut config.uploads;
            uploads.store = "s3".to_owned();
            uploads.s3_bucket = "files".to_owned();
            uploads.s3_endpoint = s3.url.clone();
            uploads.s3_access_key = "k".to_owned();
            uploads.s3_secret_key = Secret::new("s");
        })
        .await;
        let (one, two) = (picture(ImageFormat::Png, 1), picture(ImageFormat::Png, 2));
        let first = data(upload(&world, ADA, "a.png", &one).await)["url"].as_str().unwrap().to_owned();
        assert_eq!(world.http.get(&first).send().await.unwrap().status(), 200);
        s3.away.store(true, Ordering::SeqCst);
        let begun = Instant::now();
        refused(&upload(&world, ADA, "b.png", &two).await, 500, "cos.upload.failed");
        assert!(begun.elapsed() < Duration::from_secs(15), "a client does not wait for minutes");
        assert_eq!(world.http.get(&first).send().await.unwrap().status(), 500);
        assert_eq!(stored(&world).await, (1, 1), "no row without its file");
        // What is stored already needs no store, and nothing else does.
        data(upload(&world, ADA, "a.png", &one).await);
        data(world.get("secondme/user/info", ADA).await);
        s3.away.store(false, Ordering::SeqCst);
        let second = data(upload(&world, ADA, "b.png", &two).await)["url"].as_str().unwrap().to_owned();
        for url in [&first, &second] {
            let file = world.http.get(url).send().await.unwrap();
            assert_eq!(file.status(), 200);
            assert!(!file.bytes().await.unwrap().is_empty());
        }
        assert_eq!((stored(&world).await, s3.objects.lock().unwrap().len()), ((2, 2), 2));
    }
}

/// What an S3 service does with single objects.
#[derive(Clone, Default)]
struct ObjectStore {
    url: String,
    objects: Arc<Mutex<HashMap<String, Bytes>>>,
    away: Arc<AtomicBool>,
}

impl ObjectStore {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let this = Self { url, ..Self::default() };
        let routes = Router::new().fallback(Self::answer).with_state(this.clone());
        tokio::runtime::Handle::current().spawn(async move { axum::serve(listener, routes).await.unwrap() });
        this
    }

    async fn answer(State(this): State<Self>, request: Request) -> Response {
        if this.away.load(Ordering::SeqCst) {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        assert!(request.headers()["authorization"].to_str().unwrap().starts_with("AWS4-HMAC-SHA256"));
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
        let headers = [("etag", "\"e\""), ("last-modified", "Sun, 15 Jun 2025 15:06:40 GMT")];
        match method {
            Method::PUT => {
                this.objects.lock().unwrap().insert(path, body);
                headers.into_response()
            }
            _ => match this.objects.lock().unwrap().get(&path).cloned() {
                Some(bytes) => (headers, bytes).into_response(),
                None => StatusCode::NOT_FOUND.into_response(),
            },
        }
    }
}
