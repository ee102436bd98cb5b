//! The first run, and the operator's pages in a browser without scripts.

use secondme_jobs::{NewJob, enqueue};
use secondme_server::admin::people::{self, Action};
use secondme_server::pages::welcome;
use serde_json::json;

use super::console::{between, signed_in};
use crate::harness::{ADA, Browser, LIN, START, TestDb, World, both, data, refused};

const PAGES: [&str; 9] = [
    "/admin",
    "/admin/users",
    "/admin/users/2",
    "/admin/apps",
    "/admin/apps/app_demo",
    "/admin/jobs",
    "/admin/models",
    "/admin/storage",
    "/admin/moderation",
];

async fn operator(world: &World) -> Browser {
    people::act(&world.app, "command line", 1, Action::Promote, "").await.unwrap();
    signed_in(world, "ada@demo.local").await
}

both! {
    async fn a_new_server_is_set_up_once(db: TestDb) {
        let world = World::bare(db).await;
        let mut browser = Browser::new(&world.http, &world.url);
        let page = browser.open("/").await;
        assert_eq!(page.at, "/welcome", "{}", page.html);
        assert_eq!(browser.open("/register").await.at, "/welcome");
        let short = browser.submit(&page, "new-password", &[("email", "grace@example.com"), ("password", "x")]).await;
        assert!(short.status == 400 && short.html.contains("grace@example.com"), "{}", short.html);
        let fields = [("email", "grace@example.com"), ("password", "four unrelated words"), ("name", "Grace")];
        let model = browser.submit(&short, "new-password", &fields).await;
        assert_eq!((model.status.as_u16(), model.at.as_str()), (200, "/welcome/model"), "{}", model.html);
        assert!(browser.open("/welcome/done").await.html.contains("/admin"));
        assert_eq!(browser.open("/admin").await.status, 200);
        assert_eq!(browser.open("/welcome").await.at, "/home", "only once");
        // Somebody who had the form open at the same time.
        let mut late = Browser::new(&world.http, &world.url);
        late.open("/login").await;
        let again = late.submit(&page, "new-password", &[("csrf", "x"), ("email", "eve@example.com"), ("password", "four unrelated words")]).await;
        assert_eq!(again.status, 403);
        assert_eq!(secondme_server::users::accounts::people::totals(&world.app).await.unwrap().all, 1);
    }

    async fn from_elsewhere_the_first_account_needs_the_printed_code(db: TestDb) {
        let world = World::bare(db).await;
        let code = welcome::code(&world.app);
        assert_eq!(code.len(), 16);
        let get = |path: String| world.http.get(format!("{}{path}", world.url)).header("X-Forwarded-For", "203.0.113.9").header("Accept", "text/html");
        let page = get("/welcome".to_owned()).send().await.unwrap();
        let cookie = page.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let html = page.text().await.unwrap();
        assert!(html.contains("name=\"code\""), "{html}");
        let csrf = html.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let post = |code: &str| {
            let form = [("csrf", csrf.as_str()), ("code", code), ("email", "grace@example.com"), ("password", "four unrelated words")];
            world.http.post(format!("{}/welcome", world.url)).header("X-Forwarded-For", "203.0.113.9").header("Cookie", &cookie).form(&form)
        };
        let wrong = post("0000000000000000").send().await.unwrap();
        assert_eq!(wrong.status(), 400);
        assert!(wrong.text().await.unwrap().contains("setup code"));
        assert_eq!(post(&code).send().await.unwrap().status(), 303);
    }

    async fn the_operators_pages_are_for_operators(db: TestDb) {
        let world = World::new(db).await;
        let mut lin = signed_in(&world, "lin@demo.local").await;
        let mut guest = Browser::new(&world.http, &world.url);
        let mut ada = operator(&world).await;
        for path in PAGES {
            assert!(guest.open(path).await.at.starts_with("/login"), "{path}");
            let refused = lin.open(path).await;
            assert!(refused.status == 403 && refused.html.contains("secondme user operator"), "{path}: {}", refused.html);
            let page = ada.open(path).await;
            assert_eq!(page.status, 200, "{path}: {}", page.html);
            assert!(!page.html.contains("style=") && !page.html.contains("onclick"), "{path}");
        }
        let page = ada.open("/admin/users/2").await;
        let csrf = between(&page, "name=\"csrf\" value=\"", "\"").to_owned();
        let forged = lin.submit(&page, "make operator", &[("csrf", &csrf)]).await;
        assert_eq!(forged.status, 403);
        data(world.get("secondme/user/info", LIN).await);
    }

    async fn an_operator_suspends_and_lets_back_in(db: TestDb) {
        let world = World::new(db).await;
        let mut ada = operator(&world).await;
        let found = ada.open("/admin/users?q=LIN%40demo").await;
        assert!(found.html.contains("lin@demo.local") && !found.html.contains("<small>ada@demo.local</small></th>"), "{}", found.html);
        let page = ada.open("/admin/users/2").await;
        let page = ada.submit(&page, "value=\"suspend\"", &[("reason", "sent spam")]).await;
        assert!(page.html.contains("sent spam") && page.html.contains("written in the trail"), "{}", page.html);
        refused(&world.get("secondme/user/info", LIN).await, 403, "account.suspended");
        let page = ada.submit(&page, "value=\"reinstate\"", &[]).await;
        assert_eq!(page.status, 200);
        data(world.get("secondme/user/info", LIN).await);
        assert!(ada.open("/admin/trail").await.html.contains("ada@demo.local"));
        let own = ada.open("/admin/users/1").await;
        assert!(!own.html.contains("value=\"suspend\""), "nobody locks themselves out");
    }

    async fn apps_are_reviewed_and_jobs_tried_again(db: TestDb) {
        let world = World::with_config(db, |config| config.policy.app_review = true).await;
        let mut ada = operator(&world).await;
        let body = json!({"appName": "Shop", "redirectUris": ["https://shop.example/cb"], "allowedScopes": ["userinfo"]});
        let app = data(world.post("applications/external/create", LIN, &body).await);
        let waiting = ada.open("/admin/apps?waiting=1").await;
        assert!(waiting.html.contains("Shop") && !waiting.html.contains("Demo App"), "{}", waiting.html);
        let page = ada.open(&format!("/admin/apps/{}", app["appId"].as_str().unwrap())).await;
        let page = ada.submit(&page, "name=\"decision\"", &[("decision", "approve"), ("reason", "looks fine")]).await;
        assert!(page.html.contains("looks fine"), "{}", page.html);
        assert!(ada.open("/admin/apps?waiting=1").await.html.contains("Nothing waits for you"));

        let mut tx = world.app.store().write().await.unwrap();
        let job = NewJob { kind: "memory.forget_app", payload: json!({"nonsense": true}), run_at: START, dedupe: None };
        enqueue(&mut tx, job, START).await.unwrap();
        tx.commit().await.unwrap();
        world.run_jobs().await;
        let jobs = ada.open("/admin/jobs").await;
        assert!(jobs.html.contains("memory.forget_app") && jobs.html.contains("unreadable payload"), "{}", jobs.html);
        let jobs = ada.submit(&jobs, "value=\"retry\"", &[("action", "retry")]).await;
        assert!(jobs.html.contains("Nothing was given up"), "{}", jobs.html);
        world.run_jobs().await;
        let jobs = ada.open("/admin/jobs").await;
        let jobs = ada.submit(&jobs, "value=\"discard\"", &[("action", "discard")]).await;
        assert!(jobs.html.contains("Nothing was given up"), "{}", jobs.html);
        data(world.get("secondme/user/info", ADA).await);
    }
}
