//! The operator suspends an account: all access ends at once, on every node, and comes back when the account is let in again.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use secondme_bus::{Bus, LocalBus};
use secondme_kit::Page;
use secondme_llm::Scripted;
use secondme_llm::scripted::Step;
use secondme_server::admin::people::{self, Action};
use secondme_server::admin::trail;
use serde_json::json;

use crate::harness::{ADA, AVATAR_KEY, Browser, LIN, Setup, TestDb, World, both, data, refused};

fn slow() -> Scripted {
    Scripted::new(vec![Step::text("One"), Step::Hang])
}

async fn begin(world: &World, token: &str) -> String {
    let request = world.request(reqwest::Method::POST, "secondme/chat/stream", token).json(&json!({"message": "hi"}));
    let mut stream = request.send().await.unwrap().bytes_stream();
    let mut text = String::new();
    while let Some(Ok(bytes)) = stream.next().await {
        text.push_str(&String::from_utf8_lossy(&bytes));
    }
    text
}

both! {
    async fn a_suspended_account_has_no_access_anywhere(db: TestDb) {
        let bus: Arc<dyn Bus> = Arc::new(LocalBus::default());
        let node = || Setup { bus: bus.clone(), model: slow(), ..Setup::default() };
        let world = World::with(db, node()).await;
        let other = world.beside(node()).await;
        let (access, refresh) = world.connect(ADA, &["userinfo", "chat"]).await;
        let mut browser = Browser::new(&world.http, &world.url);
        let page = browser.open("/login").await;
        let fields = [("email", "ada@demo.local"), ("password", "demo-password")];
        assert_eq!(browser.submit(&page, "password", &fields).await.status, 200);
        data(other.get("secondme/user/info", &access).await);

        let streams = async { futures::join!(begin(&world, &access), begin(&other, ADA), begin(&other, &access)) };
        let suspending = async {
            while world.app.revocations().open() + other.app.revocations().open() < 3 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            people::act(&world.app, "Grace", 1, Action::Suspend, "spam").await.unwrap();
        };
        let (ended, ()) = futures::join!(streams, suspending);
        for text in [ended.0, ended.1, ended.2] {
            assert!(text.contains("event: error") && text.ends_with("data: [DONE]\n\n"), "{text}");
        }
        for (node, token) in [(&world, access.as_str()), (&other, access.as_str()), (&world, ADA), (&other, ADA)] {
            refused(&node.get("secondme/user/info", token).await, 403, "account.suspended");
        }
        data(other.get("secondme/user/info", LIN).await);
        let form = json!({"grant_type": "refresh_token", "refresh_token": refresh, "client_id": "de300000-0000-4000-8000-000000000001",
            "client_secret": "demo-client-secret"});
        refused(&world.post("oauth/token/refresh", "", &form).await, 403, "account.suspended");
        let out = browser.open("/login").await;
        assert!(out.at.starts_with("/login") && out.html.contains("current-password"), "the session has ended");
        let again = browser.submit(&out, "password", &fields).await;
        assert_eq!(again.status, 403);
        assert!(again.html.contains("suspended"), "{}", again.html);
        let visit = json!({"apiKey": AVATAR_KEY, "visitorId": "v", "visitorName": "John"});
        assert!(world.post("secondme/visitor-chat/init", LIN, &visit).await.0.is_client_error(), "nor do visitors find the avatar");

        people::act(&world.app, "Grace", 1, Action::Reinstate, "").await.unwrap();
        for node in [&world, &other] {
            data(node.get("secondme/user/info", &access).await);
        }
        let back = browser.open("/login").await;
        assert_eq!(browser.submit(&back, "password", &fields).await.status, 200);
        let (lines, total) = trail::lines(&world.app, Page::new(None, None, 20)).await.unwrap();
        let shown: Vec<_> = lines.iter().map(|l| (l.operator.as_str(), l.action.as_str(), l.id.as_str(), l.reason.as_str())).collect();
        assert_eq!((shown, total), (vec![("Grace", "reinstate", "1", ""), ("Grace", "suspend", "1", "spam")], 2));
    }

    async fn nothing_is_half_done(db: TestDb) {
        let world = World::new(db).await;
        let long = "x".repeat(501);
        let error = people::act(&world.app, "Grace", 1, Action::Suspend, &long).await.unwrap_err();
        assert_eq!(error.code(), secondme_server::error::Code::InvalidParam);
        data(world.get("secondme/user/info", ADA).await);
        let error = people::act(&world.app, "Grace", 99_999, Action::Suspend, "").await.unwrap_err();
        assert_eq!(error.code(), secondme_server::error::Code::NotFound);
        let error = people::act_as(&world.app, (1, "Ada"), 1, Action::Demote, "").await.unwrap_err();
        assert_eq!(error.code(), secondme_server::error::Code::OperatorSelf);
        assert_eq!(trail::lines(&world.app, Page::new(None, None, 20)).await.unwrap().1, 0);
    }
}
