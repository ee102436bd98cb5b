//! Link previews: fetched through the protected door, the picture copied here.

use std::sync::Arc;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use image::ImageFormat;
use secondme_jobs::{Done, Handler, Job, JobError};
use secondme_server::plaza::posts::jobs::{KIND, Preview};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::harness::{ADA, LIN, TestDb, World, both, data};
use crate::plaza::{post, publish};
use crate::uploads::picture;

const PAGE: &str = "<html><head><title>Plain</title><meta property=\"og:title\" content=\"Rye &amp; patience\">\
    <meta name=description content='How to wait for bread'><meta property=og:image content=\"/rye.png\"></head>\
    <body><script>alert(1)</script></body></html>";

/// Somebody's web site.
async fn site(world: &World) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let image = Arc::new(picture(ImageFormat::Png, 77));
    let app = Router::new()
        .route("/page", get(|| async { ([(CONTENT_TYPE, "text/html; charset=utf-8")], PAGE) }))
        .route(
            "/rye.png",
            get(move || {
                let image = Arc::clone(&image);
                async move { image.to_vec() }
            }),
        )
        .route("/file", get(|| async { ([(CONTENT_TYPE, "application/pdf")], "%PDF") }))
        .route("/busy", get(|| async { axum::http::StatusCode::SERVICE_UNAVAILABLE }));
    world.app.spawn(async move { drop(axum::serve(listener, app).await) });
    url
}

async fn run(world: &World, id: &str) -> Result<Done, JobError> {
    let job =
        Job { id: 1, kind: KIND.to_owned(), payload: json!({"postId": id}), attempt: 1, created_at: 0, trace: None };
    Preview(world.app.clone()).run(&job).await
}

async fn jobs(world: &World) -> i64 {
    let sql = secondme_store::sql!("SELECT COUNT(*) AS n FROM job WHERE kind = 'plaza.preview'");
    world.app.store().opt(sql, secondme_store::params![]).await.unwrap().unwrap().get("n").unwrap()
}

both! {
    async fn a_link_gets_its_title_and_a_copy_of_its_picture(db: TestDb) {
        let world = World::with_config(db, |c| c.plaza.previews_may_be_private = true).await;
        let link = format!("{}/page", site(&world).await);
        let id = publish(&world, ADA, json!({"content": "read this", "link": link})).await;
        assert_eq!(jobs(&world).await, 1, "enqueued with the post");
        assert_eq!(post(&world, LIN, &id).await["linkMeta"], Value::Null);
        assert_eq!(run(&world, &id).await.unwrap(), Done::Finished);
        let meta = post(&world, LIN, &id).await["linkMeta"].clone();
        assert_eq!((meta["title"].as_str(), meta["description"].as_str()), (Some("Rye & patience"), Some("How to wait for bread")));
        assert_eq!(meta["url"], link);
        let thumbnail = meta["thumbnail"].as_str().unwrap();
        assert!(thumbnail.starts_with(&format!("{}/cdn/", world.url)), "{thumbnail}");
        assert_eq!(world.http.get(thumbnail).send().await.unwrap().status(), 200);
        let found = data(world.get("secondme/plaza/feed?keyword=patience", LIN).await);
        assert_eq!(found["total"], 1, "a post is found by what it links to");
        run(&world, &id).await.unwrap();
    }

    async fn what_is_no_page_has_no_preview(db: TestDb) {
        let world = World::with_config(db, |c| c.plaza.previews_may_be_private = true).await;
        let site = site(&world).await;
        for path in ["file", "missing"] {
            let id = publish(&world, ADA, json!({"content": "x", "link": format!("{site}/{path}")})).await;
            assert_eq!(run(&world, &id).await.unwrap(), Done::Finished);
            assert_eq!(post(&world, LIN, &id).await["linkMeta"], Value::Null);
        }
        let busy = publish(&world, ADA, json!({"content": "x", "link": format!("{site}/busy")})).await;
        assert!(matches!(run(&world, &busy).await, Err(JobError::Retry(_))));
        assert_eq!(run(&world, "post_nobody").await.unwrap(), Done::Finished);
        let given = json!({"content": "x", "link": "https://example.org", "linkMeta": {"title": "Mine"}});
        let before = jobs(&world).await;
        publish(&world, ADA, given).await;
        assert_eq!(jobs(&world).await, before, "what the client knows is not fetched");
    }

    async fn private_networks_are_out_of_reach(db: TestDb) {
        let world = World::new(db).await;
        let link = format!("{}/page", site(&world).await);
        let id = publish(&world, ADA, json!({"content": "ssrf", "link": link})).await;
        assert_eq!(run(&world, &id).await.unwrap(), Done::Finished);
        assert_eq!(post(&world, LIN, &id).await["linkMeta"], Value::Null);
    }
}
