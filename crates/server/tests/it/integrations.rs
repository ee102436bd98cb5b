//! Apps as tools: a small real MCP server of an app is registered, validated, released, granted, called, and revoked.

use std::sync::{Arc, Mutex};

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use reqwest::Method;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{RoleServer, ServerHandler};
use secondme_llm::scripted::Step;
use secondme_llm::{Output, Scripted};
use secondme_server::access::Kind;
use secondme_server::integrations::registry;
use serde_json::{Value, json};

use crate::harness::{ADA, Event, LIN, Setup, TestDb, World, both, data, refused};

/// An app's server of to-do lists: it asks SecondMe who calls, as apps do.
#[derive(Clone)]
pub struct Todos {
    api: Arc<Mutex<String>>,
    pub tokens: Arc<Mutex<Vec<String>>>,
    http: reqwest::Client,
}

impl ServerHandler for Todos {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tool = |name: &'static str| {
            let schema =
                json!({"type": "object", "properties": {"list": {"type": "string"}, "limit": {"type": "integer"}}});
            Tool::new(name, "The user's to-dos", Arc::new(schema.as_object().unwrap().clone()))
        };
        Ok(ListToolsResult::with_all_items(vec![tool("todo_list"), tool("todo_clear")]))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let parts = context.extensions.get::<axum::http::request::Parts>().unwrap();
        let bearer = parts.headers["authorization"].to_str().unwrap().to_owned();
        self.tokens.lock().unwrap().push(bearer.strip_prefix("Bearer ").unwrap().to_owned());
        let api = self.api.lock().unwrap().clone();
        let user = self.http.get(api).header("authorization", bearer).send().await.unwrap();
        let user: Value = user.json().await.unwrap();
        let name = user["data"]["name"].as_str().unwrap_or("nobody");
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        let text = json!({"todos": [format!("{name}: buy honey")], "asked": arguments}).to_string();
        Ok(CallToolResult::success(vec![ContentBlock::text(text)]).into())
    }
}

/// Callers without a token are refused.
async fn guard(request: Request, next: Next) -> Response {
    if request.headers().contains_key("authorization") {
        next.run(request).await
    } else {
        StatusCode::UNAUTHORIZED.into_response()
    }
}

/// The app's server, and its address.
pub async fn todos(world: &World) -> (Todos, String) {
    let todos = Todos {
        api: Arc::new(Mutex::new(world.api("secondme/user/info"))),
        tokens: Arc::default(),
        http: world.http.clone(),
    };
    let made = todos.clone();
    let config = StreamableHttpServerConfig::default();
    let service =
        StreamableHttpService::new(move || Ok(made.clone()), Arc::new(LocalSessionManager::default()), config);
    let router = axum::Router::new().route_service("/mcp", service).layer(from_fn(guard));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://127.0.0.1:{}/mcp", listener.local_addr().unwrap().port());
    #[expect(clippy::disallowed_methods, reason = "a server of the test's own")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    (todos, url)
}

pub fn manifest(endpoint: &str) -> Value {
    json!({
        "schemaVersion": "1",
        "skill": {"key": "todo", "displayName": "To-dos", "description": "The user's to-do lists", "keywords": ["tasks"]},
        "prompts": {"activationShort": "When the user asks what they have to do", "activationLong": "Long.", "systemSummary": "Lists."},
        "actions": [{"name": "list", "description": "Lists to-dos", "toolName": "todo_list", "payloadTemplate": {"list": "{{name}}", "limit": 5}, "displayHint": "text"}],
        "mcp": {"endpoint": endpoint, "timeoutMs": 12000, "toolAllow": ["todo_list"], "headersTemplate": {}, "authMode": "bearer_token"},
        "oauth": {"appId": "app_demo", "requiredScopes": ["userinfo"]},
        "envBindings": {"release": {"enabled": false, "endpoint": ""}}
    })
}

/// Registers, validates and releases the app's skill; its integration id.
pub async fn released(world: &World, endpoint: &str) -> String {
    let made = data(world.post("integrations/create", ADA, &json!({"manifest": manifest(endpoint)})).await);
    let id = made["integrationId"].as_str().unwrap().to_owned();
    let report = data(world.post(&format!("integrations/{id}/validate"), ADA, &json!({})).await);
    assert_eq!(report["validationReport"]["valid"], true, "{report}");
    data(world.post(&format!("integrations/{id}/release"), ADA, &json!({})).await);
    registry::decide(&world.app, &id, true, "fine").await.unwrap();
    id
}

pub async fn private_world(db: TestDb) -> World {
    World::with_config(db, |config| config.integrations.allow_private = true).await
}

async fn rpc(world: &World, id: &str, token: &str, body: &Value) -> Value {
    let (status, answer) = world.post(&format!("secondme/extensions/mcp/{id}/rpc"), token, body).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

both! {
    async fn a_skill_from_its_manifest_to_the_end_of_its_authorization(db: TestDb) {
        let world = private_world(db).await;
        let (todos, url) = todos(&world).await;
        let made = data(world.post("integrations/create", ADA, &json!({"manifest": manifest(&url), "envSecrets": {"release": null}})).await);
        assert_eq!((&made["releaseStatus"], &made["version"], &made["skill"]["key"]), (&json!("draft"), &json!(1), &json!("todo")));
        let id = made["integrationId"].as_str().unwrap();
        refused(&world.post(&format!("integrations/{id}/release"), ADA, &json!({})).await, 409, "integration.not_validated");
        let validated = data(world.post(&format!("integrations/{id}/validate"), ADA, &json!({})).await);
        let report = &validated["validationReport"];
        assert_eq!((&report["valid"], &report["tools"], &report["warnings"]), (&json!(true), &json!(["todo_list", "todo_clear"]), &json!([])), "{report}");
        let waiting = data(world.post(&format!("integrations/{id}/release"), ADA, &json!({"versionId": made["versionId"]})).await);
        assert_eq!((&waiting["releaseStatus"], &waiting["pendingReleaseReview"]["versionId"]), (&json!("pending_review"), &made["versionId"]));
        refused(&world.post(&format!("integrations/{id}/release"), ADA, &json!({})).await, 409, "integration.release.pending");
        refused(&world.get("secondme/extensions/detail/todo", LIN).await, 404, "skill.not_found");
        assert_eq!(registry::waiting(&world.app).await.unwrap().len(), 1);
        registry::decide(&world.app, id, true, "").await.unwrap();

        let apps = data(world.get("secondme/extensions/apps", LIN).await);
        assert_eq!((&apps["total"], &apps["apps"][0]["skills"][0]["skillKey"]), (&json!(1), &json!("todo")), "{apps}");
        let detail = data(world.get("secondme/extensions/detail/todo", LIN).await);
        assert_eq!((&detail["actions"], &detail["toolAllow"]), (&json!(["list"]), &json!(["todo/todo_list"])));
        let files = detail["generatedSkillFiles"].as_object().unwrap();
        assert!(files["SKILL.md"].as_str().unwrap().contains(&format!("/extensions/mcp/{id}/rpc")) && files.contains_key("prompt.md"));
        assert_eq!(files["prompt_short.md"], "When the user asks what they have to do\n");

        let ask = json!({"method": "list", "params": {"name": "home"}});
        let no = rpc(&world, id, LIN, &ask).await;
        assert_eq!((&no["error"]["code"], &no["error"]["data"]["businessCode"]), (&json!(-32010), &json!("third_party_agent.oauth.authorization_required")));
        let place = no["error"]["data"]["appStoreUrl"].as_str().unwrap();
        assert!(place.starts_with(&world.url) && todos.tokens.lock().unwrap().is_empty());
        world.connect(LIN, &["userinfo"]).await;
        let yes = rpc(&world, id, LIN, &ask).await;
        assert_eq!(yes["result"], json!({"todos": ["林小满: buy honey"], "asked": {"list": "home", "limit": 5}}), "{yes}");
        let listed = rpc(&world, "todo", LIN, &json!({"id": 7, "method": "tools/list"})).await;
        assert_eq!((&listed["id"], listed["result"]["tools"].as_array().unwrap().len()), (&json!(7), 1), "what is not allowed is not there");
        let called = rpc(&world, id, LIN, &json!({"method": "tools/call", "params": {"name": "todo_list", "arguments": {}}})).await;
        assert!(called["result"]["content"][0]["text"].as_str().unwrap().contains("林小满"));
        for (method, code) in [("todo_clear", -32601), ("nothing", -32601)] {
            assert_eq!(rpc(&world, id, LIN, &json!({"method": method})).await["error"]["code"], code, "{method}");
        }
        let forbidden = json!({"method": "tools/call", "params": {"name": "todo_clear"}});
        assert_eq!(rpc(&world, id, LIN, &forbidden).await["error"]["code"], -32602);

        // The token that went along is for this app, this user and what was asked for, and for minutes.
        let token = todos.tokens.lock().unwrap().last().unwrap().clone();
        assert_ne!(token, LIN);
        assert_eq!(data(world.get("secondme/user/info", &token).await)["userId"], "2");
        refused(&world.get("secondme/note/search?keyword=x", &token).await, 403, "auth.scope.missing");
        let log = data(world.get("authorizations/app_demo/access", LIN).await);
        let tools = log["list"].as_array().unwrap().iter().find(|line| line["kind"] == "tools" && line["action"] == "write").unwrap();
        assert_eq!(tools["times"], 2, "{log}");
        world.clock.advance(301_000);
        refused(&world.get("secondme/user/info", &token).await, 401, "oauth2.token.expired");

        rpc(&world, id, LIN, &ask).await;
        let token = todos.tokens.lock().unwrap().last().unwrap().clone();
        data(world.post("authorizations/app_demo/revoke", LIN, &json!({})).await);
        refused(&world.get("secondme/user/info", &token).await, 401, "oauth2.authorization.revoked");
        assert_eq!(rpc(&world, id, LIN, &ask).await["error"]["code"], -32010);
    }

    async fn the_manifest_is_explained_by_paths(db: TestDb) {
        let world = World::new(db).await;
        let mut bad = manifest("http://169.254.169.254/latest");
        bad["skill"]["key"] = "To Do".into();
        bad["oauth"]["appId"] = "app_other".into();
        let answer = world.post("integrations/create", ADA, &json!({"manifest": bad})).await;
        refused(&answer, 400, "integration.manifest.invalid");
        let paths: Vec<&str> = answer.1["issues"].as_array().unwrap().iter().map(|issue| issue["path"].as_str().unwrap()).collect();
        assert_eq!(paths, ["skill.key", "mcp.endpoint", "oauth.appId"]);
        refused(&world.post("integrations/create", ADA, &json!({})).await, 400, "invalid.param");
        let wrong = json!({"manifest": {"actions": "none"}});
        assert_eq!(world.post("integrations/create", ADA, &wrong).await.1["issues"][0]["path"], "actions");
        let good = json!({"manifest": manifest("https://app.example/mcp")});
        let made = data(world.post("integrations/create", ADA, &good).await);
        refused(&world.post("integrations/create", ADA, &good).await, 409, "integration.skill_key.taken");
        let id = made["integrationId"].as_str().unwrap();
        for path in [format!("integrations/{id}"), "integrations/int_none".to_owned()] {
            refused(&world.get(&path, LIN).await, 404, "integration.not_found");
        }
        let mut other = manifest("https://app.example/mcp");
        other["skill"]["key"] = "todo2".into();
        let answer = world.post(&format!("integrations/{id}/update"), ADA, &json!({"manifest": other})).await;
        assert_eq!(answer.1["issues"][0]["path"], "skill.key");
        let listed = data(world.get("integrations/list?page=1&pageSize=20", ADA).await);
        assert_eq!((&listed["total"], &listed["list"][0]["integrationId"]), (&json!(1), &json!(id)));
        assert_eq!(data(world.post(&format!("integrations/{id}/delete"), ADA, &json!({})).await), Value::Null);
        refused(&world.get(&format!("integrations/{id}"), ADA).await, 404, "integration.not_found");
    }

    async fn secrets_are_sealed_and_versions_follow_each_other(db: TestDb) {
        let world = private_world(db).await;
        let (_, url) = todos(&world).await;
        let mut with_header = manifest(&url);
        with_header["mcp"]["authMode"] = "header_template".into();
        with_header["mcp"]["headersTemplate"] = json!({"authorization": "Bearer {{token}}", "X-Key": "{{KEY}}"});
        let secrets = json!({"release": {"values": {"KEY": "hunter2hunter2"}}});
        let made = data(world.post("integrations/create", ADA, &json!({"manifest": with_header, "envSecrets": secrets})).await);
        let id = made["integrationId"].as_str().unwrap();
        assert_eq!(made["secretNames"], json!(["KEY"]));
        let again = data(world.post(&format!("integrations/{id}/update"), ADA, &json!({"manifest": with_header})).await);
        assert_eq!((&again["version"], &again["secretNames"], again["versions"].as_array().unwrap().len()), (&json!(2), &json!(["KEY"]), 2));
        assert!(!again.to_string().contains("hunter2"));
        let valid = data(world.post(&format!("integrations/{id}/validate"), ADA, &json!({})).await);
        assert_eq!(valid["validationReport"]["valid"], true, "{valid}");
        let mut wrong = manifest(&url);
        wrong["mcp"]["toolAllow"] = json!(["todo_list", "todo_fly"]);
        wrong["actions"][0]["payloadTemplate"]["colour"] = "red".into();
        data(world.post(&format!("integrations/{id}/update"), ADA, &json!({"manifest": wrong})).await);
        let report = data(world.post(&format!("integrations/{id}/validate"), ADA, &json!({})).await)["validationReport"].clone();
        assert_eq!((&report["valid"], &report["errors"][0]["path"]), (&json!(false), &json!("mcp.toolAllow[1]")), "{report}");
        assert_eq!(report["warnings"][0]["path"], "actions[0].payloadTemplate.colour");
        refused(&world.post(&format!("integrations/{id}/release"), ADA, &json!({})).await, 409, "integration.not_validated");
        let second = again["versionId"].clone();
        let pending = data(world.post(&format!("integrations/{id}/release"), ADA, &json!({"versionId": second})).await);
        assert_eq!(pending["pendingReleaseReview"]["versionId"], second);
        registry::decide(&world.app, id, false, "too shiny").await.unwrap();
        let shown = data(world.get(&format!("integrations/{id}"), ADA).await);
        assert_eq!((&shown["versions"][1]["status"], &shown["versions"][1]["reviewNote"]), (&json!("rejected"), &json!("too shiny")));
    }

    async fn endpoints_that_fail_are_named(db: TestDb) {
        let world = private_world(db).await;
        let dead = "http://127.0.0.1:9/mcp";
        let made = data(world.post("integrations/create", ADA, &json!({"manifest": manifest(dead)})).await);
        let id = made["integrationId"].as_str().unwrap();
        let report = data(world.post(&format!("integrations/{id}/validate"), ADA, &json!({})).await)["validationReport"].clone();
        assert_eq!((&report["valid"], &report["errors"][0]["path"]), (&json!(false), &json!("mcp.endpoint")));
        let (_, url) = todos(&world).await;
        let mut open = manifest(&url);
        open["mcp"]["authMode"] = "none".into();
        data(world.post(&format!("integrations/{id}/update"), ADA, &json!({"manifest": open})).await);
        let report = data(world.post(&format!("integrations/{id}/validate"), ADA, &json!({})).await)["validationReport"].clone();
        assert_eq!(report["errors"][0]["path"], "mcp.authMode", "{report}");
    }

    async fn the_avatar_calls_an_enabled_skill_in_a_chat_and_never_in_a_judgement(db: TestDb) {
        let calls = |request: &secondme_llm::ChatRequest| match (&request.output, request.messages.last().unwrap()) {
            (Output::Json(schema), _) if schema.get("anyOf").is_none() => vec![Step::text("{\"fits\": true}")],
            (Output::Json(_), _) if request.messages.iter().any(|m| m.text.contains("Result of the function")) => vec![Step::text(r#"{"call":"none"}"#)],
            (Output::Json(_), _) => vec![Step::text(r#"{"call":"todo_list","arguments":{"name":"home"}}"#)],
            (Output::Text, last) if last.text.contains("Result of the function") => vec![Step::text(last.text.clone())],
            (Output::Text, _) => vec![Step::text("No idea.")],
        };
        let mut setup = Setup { model: Scripted::with(calls), ..Setup::default() };
        setup.config.integrations.allow_private = true;
        let world = World::with(db, setup).await;
        let (todos, url) = todos(&world).await;
        released(&world, &url).await;
        let answer = |events: Vec<Event>| events.iter().filter_map(Event::delta).collect::<String>();
        let question = json!({"message": "What do I have to do at home?"});
        assert_eq!(answer(world.chat(LIN, &question).await), "No idea.", "it is not switched on");
        let on = data(world.post("secondme/extensions/enabled", LIN, &json!({"skillKey": "todo", "enabled": true})).await);
        assert_eq!(on["skills"][0]["skillKey"], "todo");
        assert!(answer(world.chat(LIN, &question).await).contains("has not authorized"), "nor is the app authorized");
        let (app_token, _) = world.connect(LIN, &["userinfo", "chat"]).await;
        let events = world.chat(LIN, &question).await;
        let named = |name: &str| events.iter().find(|event| event.name == name).map(|event| event.data.clone());
        assert_eq!(named("tool_call").unwrap()["toolName"], "todo.list");
        assert_eq!(named("tool_result").unwrap()["failed"], false);
        let session = named("session").unwrap()["sessionId"].as_str().unwrap().to_owned();
        assert!(answer(events).contains("林小满: buy honey"));
        let messages = data(world.get(&format!("secondme/chat/session/messages?sessionId={session}"), LIN).await);
        let last = messages["messages"].as_array().unwrap().iter().find(|m| m["role"] == "assistant").unwrap();
        let sources = data(world.get(&format!("secondme/chat/messages/{}/sources", last["messageId"].as_str().unwrap()), LIN).await);
        let made = &sources["toolCalls"][0];
        assert_eq!((&made["skillKey"], &made["action"], &made["failed"]), (&json!("todo"), &json!("list"), &json!(false)), "{sources}");
        assert!(made["result"].as_str().unwrap().contains("buy honey"));

        let before = todos.tokens.lock().unwrap().len();
        let act = json!({"message": "x", "actionControl": "Answer {\"fits\": boolean}, false when unsure."});
        let judged = world.request(Method::POST, "secondme/act/stream", LIN).json(&act).send().await.unwrap().text().await.unwrap();
        assert!(judged.contains("fits") && !judged.contains("tool_call"), "{judged}");
        assert_eq!(todos.tokens.lock().unwrap().len(), before);
        refused(&world.post("secondme/extensions/enabled", &app_token, &json!({"skillKey": "todo"})).await, 401, "oauth2.token.invalid");
        data(world.post("secondme/extensions/enabled", LIN, &json!({"skillKey": "todo", "enabled": false})).await);
        assert_eq!(answer(world.chat(LIN, &question).await), "No idea.");
    }

    async fn apps_do_not_reach_other_apps(db: TestDb) {
        let world = private_world(db).await;
        let (_, url) = todos(&world).await;
        let id = released(&world, &url).await;
        let (app_token, _) = world.connect(LIN, &["userinfo", "chat"]).await;
        let call = world.post(&format!("secondme/extensions/mcp/{id}/rpc"), &app_token, &json!({"method": "list"})).await;
        refused(&call, 401, "oauth2.token.invalid");
    }

    async fn older_agents_find_and_call_skills(db: TestDb) {
        let world = private_world(db).await;
        let (_, url) = todos(&world).await;
        let id = released(&world, &url).await;
        world.connect(ADA, &["userinfo"]).await;
        let token = world.mint_agent().await;
        let call = |method: Method, path: String, body: Value| {
            let request = world.http.request(method, format!("{}/gate/in/rest/third-party-agent/v1/{path}", world.url));
            let request = request.bearer_auth(&token).json(&body);
            async move { crate::harness::answer(request.send().await.unwrap()).await }
        };
        let flat = data(call(Method::GET, "skills/available".into(), json!({})).await);
        assert_eq!((&flat[0]["skillKey"], &flat[0]["toolAllow"]), (&json!("todo"), &json!(["todo/todo_list"])));
        assert_eq!(data(call(Method::GET, "apps/available?pageNo=1".into(), json!({})).await)["total"], 1);
        assert!(data(call(Method::GET, "skills/todo".into(), json!({})).await)["generatedSkillFiles"]["SKILL.md"].is_string());
        refused(&call(Method::GET, "skills/none".into(), json!({})).await, 404, "skill.not_found");
        let (_, answer) = call(Method::POST, format!("mcp/{id}/rpc"), json!({"method": "list", "params": {}})).await;
        assert_eq!(answer["result"]["todos"], json!(["Ada: buy honey"]), "{answer}");
    }
}

impl World {
    /// A token of the older gateway for user 1, made by hand.
    async fn mint_agent(&self) -> String {
        self.mint(Kind::Agent, "userinfo").await
    }
}
