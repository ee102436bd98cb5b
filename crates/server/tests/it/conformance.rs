//! The conformance suite of the Model Context Protocol: every scenario of it, against `/mcp` itself, and against a server with the
//! fixtures that the suite asks for behind the same door and transport. What does not pass is listed, and what is listed must not pass.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ErrorData, GetPromptRequestParams, GetPromptResponse,
    GetPromptResult, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult,
    PaginatedRequestParams, ProgressNotificationParam, ReadResourceRequestParams, ReadResourceResponse,
    ReadResourceResult, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler};
use secondme_server::platform::mcp;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::harness::{ADA, TestDb, World, both};
use crate::official_clients::{installed, node};

/// What `/mcp` is not: a server with the suite's own tools, resources and prompts, and one with sessions.
const NOT_THE_AVATAR: &str = "tests/clients/not-the-avatar.yml";
/// What this transport does not do, whatever the server behind it is.
const NOT_THE_TRANSPORT: &str = "tests/clients/not-the-transport.yml";

both! {
    async fn the_avatars_server_conforms(db: TestDb) {
        let Some(folder) = installed() else { return };
        let world = World::new(db).await;
        let url = signed_in(&world, &world.url).await;
        check(folder, &url, NOT_THE_AVATAR).await;
    }

    async fn its_transport_conforms(db: TestDb) {
        let Some(folder) = installed() else { return };
        let world = World::new(db).await;
        let router = mcp::served(&world.app, || Everything).with_state(world.app.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        #[expect(clippy::disallowed_methods, reason = "a server of the test's own")]
        tokio::spawn(async move { axum::serve(listener, service).await });
        let stranger = world.http.post(format!("{origin}/mcp")).json(&json!({})).send().await.unwrap();
        assert_eq!(stranger.status(), 401, "the door is the same");
        let url = signed_in(&world, &origin).await;
        check(folder, &url, NOT_THE_TRANSPORT).await;
    }
}

/// Plays every scenario. The suite itself fails when one fails that is not listed, and when one passes that is.
async fn check(folder: &Path, url: &str, except: &str) {
    let place = tempfile::tempdir().unwrap();
    let output = Command::new(node(folder))
        .arg(folder.join("node_modules/@modelcontextprotocol/conformance/dist/index.js"))
        .args(["server", "--url", url, "--suite", "all", "--expected-failures"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(except))
        .current_dir(place.path())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

/// The suite cannot sign in: this stands before the server and does it for whoever comes.
async fn signed_in(world: &World, origin: &str) -> String {
    let (http, origin) = (world.http.clone(), origin.to_owned());
    let forward = move |request: Request| {
        let (http, origin) = (http.clone(), origin.clone());
        async move {
            let (parts, body) = request.into_parts();
            let body = to_bytes(body, 1024 * 1024).await.unwrap();
            let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
            let sent = http
                .request(parts.method, format!("{origin}{path}"))
                .headers(parts.headers)
                .bearer_auth(ADA)
                .body(body);
            let answer = sent.send().await.unwrap();
            let mut response = Response::new(Body::empty());
            *response.status_mut() = answer.status();
            *response.headers_mut() = answer.headers().clone();
            *response.body_mut() = Body::from_stream(answer.bytes_stream());
            response
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://127.0.0.1:{}/mcp", listener.local_addr().unwrap().port());
    let router = axum::Router::new().fallback(forward);
    #[expect(clippy::disallowed_methods, reason = "a server of the test's own")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// A picture of one pixel.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
/// A recording of nothing.
const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=";

/// The server that the suite's scenarios describe, as far as it says something that this transport can carry.
#[derive(Clone)]
struct Everything;

/// The SDK's value of its JSON, which is how the suite describes it.
fn of<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn image() -> Value {
    json!({"type": "image", "data": PNG, "mimeType": "image/png"})
}

fn resource(uri: &str, kind: &str, text: &str) -> Value {
    json!({"type": "resource", "resource": {"uri": uri, "mimeType": kind, "text": text}})
}

/// What a tool gives; none for those that it is not about.
fn given(tool: &str) -> Option<Value> {
    Some(match tool {
        "test_simple_text" => json!([text("This is a simple text response for testing.")]),
        "test_image_content" => json!([image()]),
        "test_audio_content" => json!([{"type": "audio", "data": WAV, "mimeType": "audio/wav"}]),
        "test_embedded_resource" => {
            json!([resource("test://embedded-resource", "text/plain", "This is an embedded resource content.")])
        }
        "test_multiple_content_types" => {
            let mixed = resource("test://mixed-content-resource", "application/json", r#"{"test":"data","value":123}"#);
            json!([text("Multiple content types test:"), image(), mixed])
        }
        _ => return None,
    })
}

#[expect(deprecated, reason = "clients of the versions that are played still know log messages")]
async fn log(context: &RequestContext<RoleServer>, words: &str) {
    use rmcp::model::{LoggingLevel, LoggingMessageNotificationParam};
    let message = LoggingMessageNotificationParam::new(LoggingLevel::Info, json!(words));
    context.peer.notify_logging_message(message).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
}

async fn progress(context: &RequestContext<RoleServer>) {
    let Some(token) = context.meta.get_progress_token() else { return };
    for done in [0.0, 50.0, 100.0] {
        let mut param = ProgressNotificationParam::new(token.clone(), done);
        param.total = Some(100.0);
        context.peer.notify_progress(param).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

impl ServerHandler for Everything {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_completions().enable_prompts().enable_resources();
        ServerConfig::new(capabilities.enable_tools().build())
    }

    /// Whatever the level, the one tool that logs does so at `info`: nothing is kept between requests.
    #[expect(deprecated, reason = "clients of the versions that are played still know log messages")]
    async fn set_level(
        &self,
        _: rmcp::model::SetLevelRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(of(json!({"tools": [{
            "name": "json_schema_2020_12_tool", "description": "Tool with JSON Schema 2020-12 features",
            "inputSchema": {
                "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
                "$defs": {"address": {"type": "object", "properties": {"street": {"type": "string"}, "city": {"type": "string"}}}},
                "properties": {"name": {"type": "string"}, "address": {"$ref": "#/$defs/address"}},
                "additionalProperties": false,
            },
        }]})))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let result = match &*request.name {
            "test_error_handling" => {
                json!({"isError": true, "content": [text("This tool intentionally returns an error for testing")]})
            }
            "test_tool_with_logging" => {
                for words in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
                    log(&context, words).await;
                }
                json!({"content": [text("done")]})
            }
            "test_tool_with_progress" => {
                progress(&context).await;
                json!({"content": [text("done")]})
            }
            name => match given(name) {
                Some(content) => json!({"content": content}),
                None => return Err(ErrorData::invalid_params(format!("no tool {name}"), None)),
            },
        };
        Ok(of::<CallToolResult>(result).into())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let of_name = |name: &str| json!({"uri": format!("test://{name}"), "name": name, "description": "For tests"});
        Ok(of(json!({"resources": [of_name("static-text"), of_name("static-binary")]})))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(of(json!({"resourceTemplates": [{"uriTemplate": "test://template/{id}/data", "name": "template"}]})))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let uri = request.uri.as_str();
        let id = uri.strip_prefix("test://template/").and_then(|rest| rest.strip_suffix("/data"));
        let content = match (uri, id) {
            (_, Some(id)) => {
                let text = json!({"id": id, "templateTest": true, "data": format!("Data for ID: {id}")}).to_string();
                json!({"uri": uri, "mimeType": "application/json", "text": text})
            }
            ("test://static-text", _) => {
                json!({"uri": uri, "mimeType": "text/plain", "text": "This is the content of the static text resource."})
            }
            ("test://static-binary", _) => json!({"uri": uri, "mimeType": "image/png", "blob": PNG}),
            _ => return Err(ErrorData::resource_not_found("no such resource", None)),
        };
        Ok(of::<ReadResourceResult>(json!({"contents": [content]})).into())
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(of(json!({"prompts": [{"name": "test_simple_prompt", "description": "A simple prompt"}]})))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        let argument = |name: &str| arguments.get(name).and_then(Value::as_str).unwrap_or_default();
        let contents = match request.name.as_str() {
            "test_simple_prompt" => vec![text("This is a simple prompt for testing.")],
            "test_prompt_with_arguments" => {
                vec![text(&format!("Prompt with arguments: arg1='{}', arg2='{}'", argument("arg1"), argument("arg2")))]
            }
            "test_prompt_with_embedded_resource" => {
                let embedded =
                    resource(argument("resourceUri"), "text/plain", "Embedded resource content for testing.");
                vec![embedded, text("Please process the embedded resource above.")]
            }
            "test_prompt_with_image" => vec![image(), text("Please analyze the image above.")],
            _ => return Err(ErrorData::invalid_params("no such prompt", None)),
        };
        let messages: Vec<Value> =
            contents.into_iter().map(|content| json!({"role": "user", "content": content})).collect();
        Ok(of::<GetPromptResult>(json!({"messages": messages})).into())
    }
}
