//! A whole app, over real HTTP: a person signs in, lets the app in, and the app talks to their avatar.

use serde_json::json;

use crate::harness::{Browser, TestDb, World, both, data};

const REDIRECT: &str = "http://localhost:3000/api/auth/callback";
const ID: &str = "de300000-0000-4000-8000-000000000001";
const SECRET: &str = "demo-client-secret";

both! {
    async fn an_app_signs_a_user_in_and_chats(db: TestDb) {
        let world = World::new(db).await;
        let code = approve(&world, "scope=user.info%2Cchat&state=a%2Bb%20%26c").await;
        let tokens = data(world.form("oauth/token/code", &[
            ("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", REDIRECT),
            ("client_id", ID), ("client_secret", SECRET),
        ]).await);
        assert_eq!(tokens["tokenType"], "Bearer");
        assert_eq!(tokens["expiresIn"], 7200);
        assert_eq!(tokens["scope"], json!(["user.info", "chat"]));
        let access = tokens["accessToken"].as_str().unwrap();
        let refresh = tokens["refreshToken"].as_str().unwrap();
        assert!(access.starts_with("lba_at_") && refresh.starts_with("lba_rt_"));

        let me = data(world.get("auth/me", access).await);
        assert_eq!((me["userId"].as_str(), me["name"].as_str()), (Some("1"), Some("Ada")));
        assert!(me["appScopedUserId"].as_str().unwrap().starts_with("asu_"));
        let info = data(world.get("secondme/user/info", access).await);
        assert_eq!(info["userId"], "1");

        let first = world.chat(access, &json!({"message": "Hello there"})).await;
        assert_eq!(first[0].name, "session");
        let session = first[0].data["sessionId"].as_str().unwrap().to_owned();
        let said: String = first.iter().filter_map(|e| e.delta()).collect();
        assert_eq!(said, "You said: Hello there");
        let second = world.chat(access, &json!({"message": "Again", "sessionId": session})).await;
        assert!(second.iter().all(|e| e.name != "session"));
        let history = data(world.get(&format!("secondme/chat/session/messages?sessionId={session}"), access).await);
        let roles: Vec<&str> = history["messages"].as_array().unwrap().iter().map(|m| m["role"].as_str().unwrap()).collect();
        assert_eq!(roles, ["user", "assistant", "user", "assistant"]);

        for _ in 0..2 {
            let again = data(world.form("oauth/token/refresh", &[
                ("grant_type", "refresh_token"), ("refresh_token", refresh), ("client_id", ID), ("client_secret", SECRET),
            ]).await);
            assert_eq!(again["refreshToken"], refresh);
            let fresh = again["accessToken"].as_str().unwrap();
            assert_ne!(fresh, access);
            data(world.get("secondme/user/info", fresh).await);
            data(world.get("secondme/user/info", access).await);
        }
    }

    async fn the_app_scoped_id_is_stable_in_an_app_and_different_in_another(db: TestDb) {
        let world = World::new(db).await;
        let uris = vec![REDIRECT.to_owned()];
        let other = secondme_server::oauth::apps::create(&world.app, &secondme_server::oauth::apps::NewApplication {
            owner: None, name: "Other", description: "", redirect_uris: &uris,
            allowed: secondme_server::access::Requested::parse("userinfo").unwrap(),
            client_type: secondme_server::oauth::apps::ClientType::Confidential,
        }).await.unwrap();
        let mut ids = Vec::new();
        for (client, secret) in [(ID, SECRET), (ID, SECRET), (other.client_id.as_str(), other.client_secret.as_str())] {
            let code = approve_for(&world, client, "scope=userinfo").await;
            let tokens = data(world.form("oauth/token/code", &[
                ("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", REDIRECT),
                ("client_id", client), ("client_secret", secret),
            ]).await);
            let me = data(world.get("auth/me", tokens["accessToken"].as_str().unwrap()).await);
            ids.push(me["appScopedUserId"].as_str().unwrap().to_owned());
        }
        assert_eq!(ids[0], ids[1]);
        assert_ne!(ids[0], ids[2]);
    }

    async fn a_refusal_goes_back_to_the_app(db: TestDb) {
        let world = World::new(db).await;
        let mut browser = Browser::new(&world.http, &world.url);
        let consent = sign_in(&mut browser, ID, "state=xyz").await;
        let shown = browser.submit(&consent, "decision", &[("decision", "deny")]).await;
        assert_eq!(shown.at, format!("{REDIRECT}?error=access_denied&error_description=User%20denied%20access&state=xyz"));
    }
}

/// Goes through login and consent of the demo app as Ada; gives the code.
pub async fn approve(world: &World, query: &str) -> String {
    approve_for(world, ID, query).await
}

async fn approve_for(world: &World, client_id: &str, query: &str) -> String {
    let mut browser = Browser::new(&world.http, &world.url);
    let consent = sign_in(&mut browser, client_id, query).await;
    let shown = browser.submit(&consent, "decision", &[("decision", "approve")]).await;
    let url = url::Url::parse(&shown.at).unwrap();
    assert!(shown.at.starts_with(&format!("{REDIRECT}?code=lba_ac_")), "{}", shown.at);
    if query.contains("state=a") {
        assert!(url.query_pairs().any(|(n, v)| n == "state" && v == "a+b &c"), "{url}");
    }
    url.query_pairs().find(|(n, _)| n == "code").unwrap().1.into_owned()
}

async fn sign_in(browser: &mut Browser, client_id: &str, query: &str) -> crate::harness::Shown {
    let redirect = REDIRECT.replace(':', "%3A").replace('/', "%2F");
    let path = format!("/oauth/?client_id={client_id}&redirect_uri={redirect}&response_type=code&{query}");
    let login = browser.open(&path).await;
    assert!(login.at.starts_with("/login"), "{}", login.at);
    let consent =
        browser.submit(&login, "password", &[("email", "ada@demo.local"), ("password", "demo-password")]).await;
    assert_eq!(consent.status, 200, "{}", consent.html);
    assert!(consent.html.contains("decision"), "{}", consent.html);
    consent
}
