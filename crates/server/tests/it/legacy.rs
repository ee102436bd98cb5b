//! The gateway of older agents (contract 20).

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{ADA, Browser, TestDb, World, answer, both, data, refused};
use crate::plaza::{newcomer, publish};

const BASE: &str = "gate/in/rest/third-party-agent/v1";

async fn call(world: &World, method: Method, path: &str, token: &str, body: Option<Value>) -> (StatusCode, Value) {
    let mut request = world.http.request(method, format!("{}/{BASE}/{path}", world.url));
    if !token.is_empty() {
        request = request.bearer_auth(token);
    }
    if let Some(body) = body {
        request = request.json(&body);
    }
    answer(request.send().await.unwrap()).await
}

async fn get(world: &World, path: &str, token: &str) -> (StatusCode, Value) {
    call(world, Method::GET, path, token, None).await
}

async fn exchange(world: &World, code: &str) -> (StatusCode, Value) {
    call(world, Method::POST, "auth/token/code", "", Some(json!({"code": code}))).await
}

/// Signs Ada in and has the page show her a code.
async fn code(world: &World) -> String {
    let mut browser = Browser::new(&world.http, &world.url);
    let login = browser.open("/third-party-agent/auth").await;
    assert!(login.at.starts_with("/login"), "{}", login.at);
    let ask = browser.submit(&login, "password", &[("email", "ada@demo.local"), ("password", "demo-password")]).await;
    let shown = browser.submit(&ask, "name=\"redirect\"", &[]).await;
    let at = shown.html.find("smc-").unwrap_or_else(|| panic!("no code in {}", shown.html));
    shown.html[at..].split('<').next().unwrap().to_owned()
}

/// Ada's agent.
async fn agent(world: &World) -> String {
    data(exchange(world, &code(world).await).await)["accessToken"].as_str().unwrap().to_owned()
}

both! {
    async fn a_code_becomes_a_token_once(db: TestDb) {
        let world = World::new(db).await;
        let code = code(&world).await;
        let token = data(exchange(&world, &code).await);
        assert_eq!(token["tokenType"], "Bearer");
        let token = token["accessToken"].as_str().unwrap();
        assert!(token.starts_with("sm-"), "{token}");
        refused(&exchange(&world, &code).await, 400, "oauth2.code.used");
        refused(&exchange(&world, "smc-nonsense").await, 400, "oauth2.code.invalid");
        refused(&exchange(&world, "nonsense").await, 400, "oauth2.code.invalid");
        refused(&exchange(&world, "").await, 400, "invalid.param");
        let late = self::code(&world).await;
        world.clock.advance(301_000);
        refused(&exchange(&world, &late).await, 400, "oauth2.code.expired");
        // Its token works here and nowhere else; others do not work here.
        data(get(&world, "profile", token).await);
        refused(&world.get("secondme/user/info", token).await, 401, "auth.token.invalid");
        refused(&get(&world, "profile", ADA).await, 401, "auth.token.invalid");
        refused(&get(&world, "profile", "sm-nonsense").await, 401, "auth.token.invalid");
        refused(&get(&world, "profile", "").await, 401, "apikey.auth.missing");
        refused(&get(&world, "nothing", token).await, 404, "resource.fetch.not_found");
    }

    async fn a_code_is_handed_to_this_machine_only(db: TestDb) {
        let world = World::new(db).await;
        let mut browser = Browser::new(&world.http, &world.url);
        let login = browser.open("/third-party-agent/auth?redirect=http%3A%2F%2Flocalhost%3A9%2Fcb%3Fx%3D1").await;
        let ask = browser.submit(&login, "password", &[("email", "ada@demo.local"), ("password", "demo-password")]).await;
        let gone = browser.submit(&ask, "name=\"redirect\"", &[]).await;
        let code = gone.at.strip_prefix("http://localhost:9/cb?x=1&code=").unwrap_or_else(|| panic!("{}", gone.at));
        data(exchange(&world, code).await);
        for bad in ["https%3A%2F%2Fevil.example", "javascript%3Aalert(1)", "http%3A%2F%2Flocalhost.evil.example"] {
            let page = browser.open(&format!("/third-party-agent/auth?redirect={bad}")).await;
            assert_eq!(page.status, 400, "{bad}");
        }
        let direct = world.http.post(format!("{}/{BASE}/auth/code", world.url)).json(&json!({})).send().await.unwrap();
        assert!(direct.status().is_client_error(), "a code needs a browser session: {}", direct.status());
    }

    async fn profile_and_discover_are_the_same_in_other_words(db: TestDb) {
        let world = World::new(db).await;
        let token = agent(&world).await;
        let mut profile = data(get(&world, "profile", &token).await);
        assert!(profile["aboutMe"].as_str().unwrap().contains("Lisbon"));
        profile["aboutMe"] = "New".into();
        let changed = data(call(&world, Method::PUT, "profile", &token, Some(json!({"aboutMe": "New"}))).await);
        assert_eq!(changed, profile);
        assert_eq!(changed, json!({"name": "Ada", "avatar": "", "aboutMe": "New", "originRoute": "ada", "homepage": format!("{}/ada", world.url)}));
        refused(&call(&world, Method::PUT, "profile", &token, Some(json!({"originRoute": "lin"}))).await, 400, "user.profile.update_failed");
        let here = data(get(&world, "discover/users?pageSize=5", &token).await);
        assert_eq!(here, data(world.get("secondme/discover/users?pageSize=5", ADA).await));
    }

    async fn the_plaza_is_the_same_plaza(db: TestDb) {
        let world = World::new(db).await;
        let token = agent(&world).await;
        let access = data(get(&world, "plaza/access", &token).await);
        assert_eq!(access, json!({"activated": true, "certificateNumber": "CERT-20250615-001", "issuedAt": "2025-06-15T15:06:40.000Z"}));
        let body = json!({"content": "from an agent", "type": "public", "appSourceId": "x", "recruitCount": 3, "callbackUrl": "https://example.org"});
        let id = data(call(&world, Method::POST, "plaza/posts", &token, Some(body)).await)["postId"].as_str().unwrap().to_owned();
        publish(&world, ADA, json!({"content": "another"})).await;
        for path in [format!("plaza/posts/{id}"), format!("plaza/posts/{id}/comments?page=1&pageSize=5"),
                     "plaza/feed?page=1&pageSize=1&sortMode=timeline".to_owned(), "plaza/feed?keyword=agent&type=public&circleRoute=ada".to_owned()] {
            let new = path.replacen("plaza/", "secondme/plaza/", 1);
            assert_eq!(data(get(&world, &path, &token).await), data(world.get(&new, ADA).await), "{path}");
        }
        refused(&get(&world, "plaza/posts/post_nobody", &token).await, 404, "resource.fetch.not_found");
        refused(&call(&world, Method::POST, "plaza/posts", &token, Some(json!({}))).await, 400, "invalid.param");
        refused(&call(&world, Method::POST, "plaza/invitation/redeem", &token, Some(json!({"code": "NONE"}))).await, 404, "invitation.code.not_found");
    }

    async fn what_the_user_knows_is_the_same_knowledge(db: TestDb) {
        let world = World::new(db).await;
        let token = agent(&world).await;
        let post = |path: &'static str, body: Value| {
            let (world, token) = (&world, token.clone());
            async move { call(world, Method::POST, path, &token, Some(body)).await }
        };
        data(post("memories/key", json!({"content": "I collect fountain pens", "mode": "extract", "visibility": 1})).await);
        let batch = json!({"items": [{"content": "I fear geese"}, {"content": "I own a kayak", "visibility": 0}]});
        assert_eq!(data(post("memories/key/batch", batch).await), json!({"insertedCount": 2}));
        refused(&post("memories/key/batch", json!({})).await, 400, "invalid.param");
        refused(&post("memories/key", json!({})).await, 400, "memory.content.required");
        let found = data(get(&world, "memories/key/search?keyword=geese", &token).await);
        assert_eq!((found["total"].as_i64(), found["list"][0]["factContent"].as_str()), (Some(1), Some("I fear geese")));
        let id = found["list"][0]["id"].as_i64().unwrap();
        let path = format!("memories/key/{id}");
        data(call(&world, Method::PUT, &path, &token, Some(json!({"content": "I love geese"}))).await);
        assert_eq!(data(get(&world, "memories/key/search?keyword=love", &token).await)["total"], 1);
        data(call(&world, Method::DELETE, &path, &token, None).await);
        refused(&call(&world, Method::DELETE, &path, &token, None).await, 404, "memory.not_found");
        let all = data(get(&world, "memories/key/search", &token).await);
        assert_eq!(all["list"], data(world.get("secondme/memory/key/search", ADA).await)["list"]);
        let note = data(post("notes", json!({"title": "Pens", "content": "Nibs and ink", "memoryType": "TEXT", "permission": "PRIVATE"})).await);
        let note = note.as_i64().expect("the note's id is the data");
        let notes = data(get(&world, "notes/search?keyword=ink", &token).await);
        assert_eq!(notes["total"], 1);
        assert_eq!((notes["list"][0]["noteId"].as_i64(), notes["list"][0]["summary"].as_str()), (Some(note), Some("Nibs and ink")));
        refused(&post("notes", json!({"memoryType": "AUDIO", "content": "x"})).await, 400, "invalid.param");
        refused(&post("notes", json!({"memoryType": "LINK"})).await, 400, "note.urls.required");
        publish(&world, ADA, json!({"content": "for the timeline"})).await;
        let day = data(get(&world, "agent/events/day-overview", &token).await);
        assert_eq!(day, data(world.get("secondme/activity/day-overview", ADA).await));
        let plaza = day["apps"].as_array().unwrap().iter().find(|app| app["platform"] == "secondme_plaza");
        assert_eq!(plaza.map(|app| app["importantCount"].as_i64()), Some(Some(1)), "{day}");
    }

    async fn the_gate_answers_as_older_agents_expect(db: TestDb) {
        let world = World::new(db).await;
        let token = agent(&world).await;
        secondme_server::plaza::moderation::act(&world.app, "olga", secondme_server::plaza::moderation::Action::Hide, "1", "test").await.unwrap();
        assert_eq!(data(get(&world, "plaza/access", &token).await), json!({"activated": false, "certificateNumber": null, "issuedAt": null}));
        let post = json!({"content": "x", "type": "public"});
        for (method, path, body) in [
            (Method::GET, "plaza/feed", None), (Method::GET, "plaza/posts/post_x", None),
            (Method::GET, "plaza/posts/post_x/comments", None), (Method::POST, "plaza/posts", Some(post)),
        ] {
            let (status, body) = call(&world, method, path, &token, body).await;
            assert_eq!((status.as_u16(), body["code"].as_i64(), body["subCode"].as_str()),
                (200, Some(1), Some("third.party.agent.plaza.invitation.required")), "{path}: {body}");
        }
        let eve = newcomer(&world, "Eve").await;
        refused(&world.get("secondme/plaza/feed", &eve.token).await, 403, "third.party.agent.plaza.invitation.required");
    }
}
