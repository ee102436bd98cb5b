//! Uploads on an S3-compatible service: what is sent there, signed as Amazon demands, and what happens when it fails.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, LAST_MODIFIED, RANGE};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use hmac::{Hmac, KeyInit, Mac};
use image::ImageFormat;
use secondme_server::users::uploads;
use secondme_store::{params, sql};
use sha2::{Digest, Sha256};

use crate::harness::{ADA, LIN, TestDb, World, both, data, refused};
use crate::uploads::{picture, upload};

const SECRET: &str = "not a real secret";

/// A service with one bucket in memory.
#[derive(Clone, Default)]
struct Bucket {
    objects: Arc<Mutex<BTreeMap<String, Bytes>>>,
    failing: Arc<Mutex<bool>>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Bucket {
    async fn start(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(serve).with_state(self.clone());
        #[expect(clippy::disallowed_methods, reason = "a server of the test's own")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    fn fail(&self, failing: bool) {
        *self.failing.lock().unwrap() = failing;
    }

    fn len(&self) -> usize {
        self.objects.lock().unwrap().len()
    }
}

async fn serve(State(bucket): State<Bucket>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 22).await.unwrap();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    bucket.requests.lock().unwrap().push(format!("{} {}", parts.method, parts.uri));
    if *bucket.failing.lock().unwrap() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    if !is_signed(&parts.method, parts.uri.path(), &query, &parts.headers, &body) {
        return (StatusCode::FORBIDDEN, "<Error><Code>SignatureDoesNotMatch</Code></Error>").into_response();
    }
    let Some(key) = parts.uri.path().strip_prefix("/files").map(|key| key.trim_start_matches('/').to_owned()) else {
        return (StatusCode::NOT_FOUND, "<Error><Code>NoSuchBucket</Code></Error>").into_response();
    };
    let mut objects = bucket.objects.lock().unwrap();
    match parts.method {
        Method::PUT => {
            objects.insert(key, body);
            [(ETAG, "\"1\"")].into_response()
        }
        Method::GET => objects.get(&key).map_or_else(absent, |object| read(object, &parts.headers)),
        Method::DELETE => {
            objects.remove(&key);
            StatusCode::NO_CONTENT.into_response()
        }
        Method::POST if query.starts_with("delete") => {
            let wanted = String::from_utf8(body.to_vec()).unwrap();
            let keys = wanted.split("<Key>").skip(1).map(|part| part.split("</Key>").next().unwrap());
            let deleted = keys.map(|key| {
                objects.remove(key);
                format!("<Deleted><Key>{key}</Key></Deleted>")
            });
            format!("<?xml version=\"1.0\"?><DeleteResult>{}</DeleteResult>", deleted.collect::<String>())
                .into_response()
        }
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

fn absent() -> Response {
    (StatusCode::NOT_FOUND, "<Error><Code>NoSuchKey</Code></Error>").into_response()
}

fn read(object: &Bytes, headers: &HeaderMap) -> Response {
    let size = object.len();
    let about = [(ETAG, "\"1\""), (LAST_MODIFIED, "Sun, 22 Nov 2026 00:00:00 GMT")];
    let range = headers.get(RANGE).map(|range| range.to_str().unwrap().strip_prefix("bytes=").unwrap());
    let Some((from, to)) = range.map(|range| range.split_once('-').unwrap()) else {
        return (about, object.clone()).into_response();
    };
    let number = |text: &str| text.parse::<usize>().ok();
    let (from, to) = match (number(from), number(to)) {
        (None, last) => (size - last.unwrap(), size),
        (Some(from), to) => (from, to.map_or(size, |to| (to + 1).min(size))),
    };
    if from >= size {
        return StatusCode::RANGE_NOT_SATISFIABLE.into_response();
    }
    let span = [(CONTENT_RANGE, format!("bytes {from}-{}/{size}", to - 1)), (CONTENT_LENGTH, (to - from).to_string())];
    (StatusCode::PARTIAL_CONTENT, about, span, object.slice(from..to)).into_response()
}

/// Checks the signature (version 4) against the secret that only the configuration has.
fn is_signed(method: &Method, path: &str, query: &str, headers: &HeaderMap, body: &Bytes) -> bool {
    let header = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap());
    let given = header("authorization");
    let part = |name: &str| given.split([' ', ',']).find_map(|part| part.strip_prefix(name)).unwrap_or_default();
    let (credential, signed, signature) = (part("Credential="), part("SignedHeaders="), part("Signature="));
    let Some(scope) = credential.strip_prefix("me/") else { return false };
    let digest = header("x-amz-content-sha256");
    if digest != "UNSIGNED-PAYLOAD" && digest != hex::encode(Sha256::digest(body)) {
        return false;
    }
    let query = if query.is_empty() || query.contains('=') { query.to_owned() } else { format!("{query}=") };
    let listed: String = signed.split(';').map(|name| format!("{name}:{}\n", header(name).trim())).collect();
    let request = format!("{method}\n{path}\n{query}\n{listed}\n{signed}\n{digest}");
    let date = header("x-amz-date");
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex::encode(Sha256::digest(request)));
    let mac = |key: &[u8], text: &str| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
    };
    let key = scope.split('/').fold(format!("AWS4{SECRET}").into_bytes(), |key, part| mac(&key, part));
    scope.contains("/eu-north-1/s3/") && signature == hex::encode(mac(&key, &text))
}

async fn world(db: TestDb, bucket: &Bucket, secret: &str) -> World {
    let endpoint = bucket.start().await;
    let secret = secondme_kit::Secret::new(secret);
    World::with_config(db, |c| {
        c.uploads.store = "s3".to_owned();
        c.uploads.s3_endpoint = endpoint;
        c.uploads.s3_bucket = "files".to_owned();
        c.uploads.s3_region = "eu-north-1".to_owned();
        c.uploads.s3_access_key = "me".to_owned();
        c.uploads.s3_secret_key = secret;
        c.uploads.s3_retries = 1;
    })
    .await
}

async fn rows(world: &World) -> i64 {
    let row =
        world.app.store().opt(sql!("SELECT COUNT(*) AS n FROM upload_objects"), params![]).await.unwrap().unwrap();
    row.get("n").unwrap()
}

both! {
    async fn files_lie_in_the_bucket_once_and_come_back(db: TestDb) {
        let bucket = Bucket::default();
        let world = world(db, &bucket, SECRET).await;
        let png = picture(ImageFormat::Png, 7);
        let url = data(upload(&world, ADA, "a.png", &png).await)["url"].as_str().unwrap().to_owned();
        assert_eq!(data(upload(&world, LIN, "b.png", &png).await)["url"], url.as_str());
        assert_eq!(bucket.len(), 1, "the same bytes once");
        let (key, object) = bucket.objects.lock().unwrap().first_key_value().map(|(k, v)| (k.clone(), v.clone())).unwrap();
        assert!(!url.contains(key.rsplit('/').next().unwrap()), "the public name does not say where the object lies");
        let whole = world.http.get(&url).send().await.unwrap();
        assert_eq!(whole.headers()["content-length"], object.len().to_string().as_str());
        assert_eq!(whole.bytes().await.unwrap(), object);
        for (range, expected, status) in [
            ("bytes=2-5", object.slice(2..6), 206),
            ("bytes=-4", object.slice(object.len() - 4..), 206),
            ("bytes=3-", object.slice(3..), 206),
            ("bytes=999999-", object.clone(), 200),
        ] {
            let part = world.http.get(&url).header("range", range).send().await.unwrap();
            assert_eq!((part.status().as_u16(), part.bytes().await.unwrap()), (status, expected), "{range}");
        }
        let mut tx = world.app.store().write().await.unwrap();
        tx.run(sql!("DELETE FROM uploads WHERE user_id > 0"), params![]).await.unwrap();
        tx.commit().await.unwrap();
        world.clock.advance(86_400_001);
        assert_eq!(uploads::sweep(&world.app).await.unwrap(), 1);
        assert_eq!((bucket.len(), rows(&world).await), (0, 0));
        assert_eq!(world.http.get(&url).send().await.unwrap().status(), 404);
    }

    async fn a_service_that_fails_is_a_clear_error_and_leaves_nothing(db: TestDb) {
        let bucket = Bucket::default();
        let world = world(db, &bucket, SECRET).await;
        bucket.fail(true);
        refused(&upload(&world, ADA, "a.png", &picture(ImageFormat::Png, 7)).await, 500, "cos.upload.failed");
        assert_eq!(bucket.requests.lock().unwrap().len(), 2, "tried again once, as configured");
        assert_eq!((bucket.len(), rows(&world).await), (0, 0));
        bucket.fail(false);
        let url = data(upload(&world, ADA, "a.png", &picture(ImageFormat::Png, 7)).await)["url"].as_str().unwrap().to_owned();
        assert_eq!(world.http.get(&url).send().await.unwrap().status(), 200);
        bucket.fail(true);
        assert_eq!(world.http.get(&url).send().await.unwrap().status(), 500, "not a 404: it is still there");
    }

    async fn a_wrong_secret_stores_nothing(db: TestDb) {
        let bucket = Bucket::default();
        let world = world(db, &bucket, "another").await;
        let answer = upload(&world, ADA, "a.png", &picture(ImageFormat::Png, 7)).await;
        assert!(!answer.1.to_string().contains("Signature"), "{}", answer.1);
        refused(&answer, 500, "cos.upload.failed");
        assert_eq!((bucket.len(), rows(&world).await), (0, 0));
    }
}
