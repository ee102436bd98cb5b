//! `/mcp`: the avatar as an MCP server, and the way to a token for it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Response, StatusCode};
use secondme_kit::secret::sha256;
use secondme_server::access::Kind;
use secondme_server::demo;
use serde_json::{Value, json};

use crate::harness::{ADA, Browser, TestDb, World, both, data, refused};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

async fn send(world: &World, token: &str, body: &Value) -> Response {
    let request = world.http.post(format!("{}/mcp", world.url)).header("accept", "application/json, text/event-stream");
    let request = request.header("mcp-protocol-version", "2025-06-18");
    let request = if token.is_empty() { request } else { request.bearer_auth(token) };
    request.json(body).send().await.unwrap()
}

async fn ask(world: &World, token: &str, method: &str, params: Value) -> Value {
    let response = send(world, token, &json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})).await;
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

async fn tool(world: &World, token: &str, name: &str, arguments: Value) -> Value {
    ask(world, token, "tools/call", json!({"name": name, "arguments": arguments})).await["result"].clone()
}

fn names(list: &Value) -> Vec<&str> {
    list["result"]["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect()
}

/// The whole way of a client that knows nothing but the server's address; its tokens.
async fn registered(world: &World, scope: &str, resource: &str) -> (String, Value) {
    let challenged = send(world, "", &json!({})).await;
    assert_eq!(challenged.status(), StatusCode::UNAUTHORIZED);
    let challenge = challenged.headers()["www-authenticate"].to_str().unwrap().to_owned();
    let metadata_url = challenge.split("resource_metadata=\"").nth(1).unwrap().split('"').next().unwrap();
    let metadata: Value = world.http.get(metadata_url).send().await.unwrap().json().await.unwrap();
    assert_eq!(metadata["resource"], format!("{}/mcp", world.url));
    let issuer = metadata["authorization_servers"][0].as_str().unwrap();
    let server: Value = world
        .http
        .get(format!("{issuer}/.well-known/oauth-authorization-server"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let about = json!({"client_name": "Inspector", "redirect_uris": ["http://127.0.0.1/cb"], "token_endpoint_auth_method": "none"});
    let made = world.http.post(server["registration_endpoint"].as_str().unwrap()).json(&about).send().await.unwrap();
    assert_eq!(made.status(), StatusCode::CREATED);
    let made: Value = made.json().await.unwrap();
    let client = made["client_id"].as_str().unwrap().to_owned();
    let tokens = granted(world, &client, scope, resource).await;
    (client, tokens)
}

async fn granted(world: &World, client: &str, scope: &str, resource: &str) -> Value {
    let challenge = URL_SAFE_NO_PAD.encode(sha256(VERIFIER.as_bytes()));
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs([
        ("response_type", "code"),
        ("client_id", client),
        ("redirect_uri", "http://127.0.0.1:7/cb"),
        ("scope", scope),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("resource", resource),
        ("state", "s"),
    ]);
    let mut browser = Browser::new(&world.http, &world.url);
    let login = browser.open(&format!("/oauth2/authorize?{}", query.finish())).await;
    let fields = [("email", "ada@demo.local"), ("password", demo::PASSWORD)];
    let consent = browser.submit(&login, "password", &fields).await;
    assert!(consent.html.contains("It registered itself"), "{}", consent.html);
    let sent = browser.submit(&consent, "decision", &[("decision", "approve")]).await;
    let code = sent.at.split("code=").nth(1).unwrap_or_else(|| panic!("{sent:?}")).split('&').next().unwrap();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("client_id", client),
        ("code_verifier", VERIFIER),
        ("redirect_uri", "http://127.0.0.1:7/cb"),
        ("resource", resource),
    ];
    let answer = world.http.post(format!("{}/oauth2/token", world.url)).form(&form).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}

async fn open_world(db: TestDb) -> World {
    World::with_config(db, |config| config.oauth.dynamic_registration = true).await
}

both! {
    async fn a_client_finds_its_way_and_its_token_works_here_only(db: TestDb) {
        let world = open_world(db).await;
        let resource = format!("{}/mcp", world.url);
        let (client, tokens) = registered(&world, "userinfo memory.read", &resource).await;
        let token = tokens["access_token"].as_str().unwrap();
        assert_eq!(names(&ask(&world, token, "tools/list", json!({})).await), ["get_profile", "search_memory"]);
        refused(&world.get("secondme/user/info", token).await, 401, "auth.token.invalid");
        assert_eq!(tool(&world, token, "get_profile", json!({})).await["structuredContent"]["name"], "Ada");
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap()), ("client_id", &client)];
        let fresh: Value = world.http.post(format!("{}/oauth2/token", world.url)).form(&refresh).send().await.unwrap().json().await.unwrap();
        let fresh = fresh["access_token"].as_str().unwrap();
        assert_eq!(names(&ask(&world, fresh, "tools/list", json!({})).await).len(), 2);
        refused(&world.get("secondme/user/info", fresh).await, 401, "auth.token.invalid");
        let apps = data(world.get("authorizations", ADA).await);
        let app_id = apps["list"][0]["appId"].as_str().unwrap();
        let log = data(world.get(&format!("authorizations/{app_id}/access"), ADA).await);
        assert_eq!((&log["list"][0]["kind"], &log["list"][0]["action"], &log["list"][0]["times"]), (&json!("userinfo"), &json!("read"), &json!(1)), "{log}");
        data(world.post(&format!("authorizations/{app_id}/revoke"), ADA, &json!({})).await);
        assert_eq!(send(&world, fresh, &json!({})).await.status(), StatusCode::UNAUTHORIZED);
    }

    async fn tokens_of_the_api_do_not_work_here_unless_they_are_the_users_own(db: TestDb) {
        let world = open_world(db).await;
        let (_, tokens) = registered(&world, "userinfo", &format!("{}/gate/lab", world.url)).await;
        let token = tokens["access_token"].as_str().unwrap();
        data(world.get("secondme/user/info", token).await);
        for wrong in [token, "lba_at_nobody", &world.mint(Kind::Access, "userinfo").await, &world.app_token().await] {
            let answer = send(&world, wrong, &json!({})).await;
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
            assert!(answer.headers()["www-authenticate"].to_str().unwrap().contains("invalid_token"));
        }
        assert_eq!(names(&ask(&world, ADA, "tools/list", json!({})).await).len(), 7);
    }

    async fn clients_register_themselves_only_where_they_may(db: TestDb) {
        let world = World::new(db).await;
        let register = |world: &World, body: Value| {
            let request = world.http.post(format!("{}/oauth2/register", world.url)).json(&body);
            async move {
                let answer = request.send().await.unwrap();
                (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
            }
        };
        let good = json!({"redirect_uris": ["https://agent.example/cb"]});
        assert_eq!(register(&world, good.clone()).await.1["error"], "access_denied");
        let open = world.beside(crate::harness::Setup {
            config: {
                let mut config = secondme_server::config::Config::default();
                config.oauth.dynamic_registration = true;
                config.oauth.registrations_per_hour = 2;
                config.uploads.store = "memory".to_owned();
                config
            },
            ..crate::harness::Setup::default()
        }).await;
        let (status, made) = register(&open, good.clone()).await;
        assert_eq!((status, &made["token_endpoint_auth_method"], &made["client_secret_expires_at"]), (201, &json!("client_secret_basic"), &json!(0)));
        for (wrong, error) in [
            (json!({"redirect_uris": ["javascript:alert(1)"]}), "invalid_redirect_uri"),
            (json!({"redirect_uris": []}), "invalid_client_metadata"),
            (json!({"redirect_uris": ["https://a.example/cb"], "grant_types": ["implicit"]}), "invalid_client_metadata"),
            (json!({"redirect_uris": ["https://a.example/cb"], "scope": "developer"}), "invalid_client_metadata"),
            (json!({"redirect_uris": "x"}), "invalid_client_metadata"),
        ] {
            let (status, body) = register(&open, wrong).await;
            assert_eq!((status, &body["error"]), (400, &json!(error)), "{body}");
        }
        assert_eq!(register(&open, good.clone()).await.0, 201);
        assert_eq!(register(&open, good.clone()).await.0, 429);
        open.clock.advance(8 * 86_400_000);
        secondme_server::oauth::housekeeping::reclaim(&open.app).await.unwrap();
        assert_eq!(register(&open, good).await.0, 201, "those that nobody authorized are gone");
    }

    async fn the_tools_do_what_the_api_does(db: TestDb) {
        let world = World::new(db).await;
        let about = ask(&world, ADA, "initialize", json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}})).await;
        assert_eq!(about["result"]["serverInfo"]["name"], "secondme-server");
        let note = tool(&world, ADA, "add_note", json!({"title": "Bees", "content": "The hive by the fig tree has a new queen."})).await;
        let uri = note["structuredContent"]["uri"].as_str().unwrap().to_owned();
        let found = tool(&world, ADA, "search_memory", json!({"query": "Who lives in the hive by the fig tree?"})).await;
        assert!(found["structuredContent"]["memories"][0]["text"].as_str().unwrap().contains("queen"), "{found}");
        let read = ask(&world, ADA, "resources/read", json!({"uri": uri})).await;
        assert!(read["result"]["contents"][0]["text"].as_str().unwrap().contains("new queen"), "{read}");
        let listed = ask(&world, ADA, "resources/list", json!({})).await;
        assert!(listed["result"]["resources"].as_array().unwrap().iter().any(|r| r["uri"] == uri.as_str() && r["name"] == "Bees"));
        let event = json!({"action": "task_done", "text": "Fed the bees", "id": "t1", "importance": 0.9});
        assert_eq!(tool(&world, ADA, "report_event", event.clone()).await["structuredContent"]["isDuplicate"], false);
        assert_eq!(tool(&world, ADA, "report_event", event).await["structuredContent"]["isDuplicate"], true);
        let day = tool(&world, ADA, "day_overview", json!({})).await;
        assert!(day["structuredContent"]["totalCount"].as_i64().unwrap() >= 1, "{day}");
        let said = tool(&world, ADA, "chat", json!({"message": "Good morning"})).await;
        assert_eq!(said["content"][0]["text"], "You said: Good morning", "{said}");
        let session = said["structuredContent"]["sessionId"].clone();
        let again = tool(&world, ADA, "chat", json!({"message": "And now?", "sessionId": session})).await;
        assert_eq!(again["structuredContent"]["sessionId"], session);
        let control = "Answer {\"fits\": boolean} and false when unsure.";
        let judged = tool(&world, ADA, "act", json!({"message": "Honey?", "actionControl": control})).await;
        assert_eq!(judged["structuredContent"]["judgement"], json!({"fits": false}), "{judged}");
    }

    async fn mistakes_are_told_to_the_agent(db: TestDb) {
        let world = World::new(db).await;
        for (name, arguments, part) in [
            ("act", json!({"message": "x", "actionControl": "short"}), "action_control"),
            ("add_note", json!({}), "note.content.required"),
            ("search_memory", json!({}), "query"),
            ("chat", json!({"message": "x", "model": "gpt"}), "model"),
        ] {
            let result = tool(&world, ADA, name, arguments).await;
            assert!(result["isError"] == true && result["content"][0]["text"].as_str().unwrap().contains(part), "{name}: {result}");
        }
        assert!(ask(&world, ADA, "tools/call", json!({"name": "fly", "arguments": {}})).await["error"]["code"].is_i64());
        for uri in ["secondme://notes/999999", "secondme://notes/x", "file:///etc/passwd"] {
            assert!(ask(&world, ADA, "resources/read", json!({"uri": uri})).await["error"]["code"].is_i64(), "{uri}");
        }
    }
}
