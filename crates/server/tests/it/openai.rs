//! `/v1`: OpenAI's words for the same avatar.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use secondme_llm::scripted::Step;
use secondme_llm::{Output, Role, Scripted, ScriptedEmbedder, ToolCall};
use secondme_server::access::Kind;
use serde_json::{Value, json};

use crate::harness::{ADA, TestDb, World, both, data};

async fn call(world: &World, method: Method, path: &str, token: &str, body: &Value) -> (u16, Value) {
    let request = world.http.request(method, format!("{}/v1/{path}", world.url)).bearer_auth(token).json(body);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn complete(world: &World, body: &Value) -> Value {
    let (status, answer) = call(world, Method::POST, "chat/completions", ADA, body).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

/// The JSON chunks of a stream.
async fn chunks(world: &World, body: &Value) -> Vec<Value> {
    let request = world.http.post(format!("{}/v1/chat/completions", world.url)).bearer_auth(ADA).json(body);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let text = response.text().await.unwrap();
    let mut frames: Vec<&str> =
        text.split_terminator("\n\n").map(|frame| frame.strip_prefix("data: ").unwrap()).collect();
    assert_eq!(frames.pop(), Some("[DONE]"));
    frames.into_iter().map(|frame| serde_json::from_str(frame).unwrap()).collect()
}

fn asks(text: &str) -> Value {
    json!({"model": "secondme/nano", "messages": [{"role": "user", "content": text}]})
}

fn said(chunks: &[Value]) -> String {
    chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect()
}

fn schema() -> Value {
    json!({"type": "json_schema", "json_schema": {"name": "verdict", "strict": true, "schema": {
        "type": "object", "properties": {"fits": {"type": "boolean"}, "why": {"type": "string", "maxLength": 50}},
        "required": ["fits", "why"], "additionalProperties": false}}})
}

fn weather() -> Value {
    json!([{"type": "function", "function": {"name": "weather", "description": "Of a city.", "parameters":
        {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}])
}

both! {
    async fn a_conversation_is_answered_by_the_avatar_and_not_kept(db: TestDb) {
        let world = World::new(db).await;
        let answer = complete(&world, &json!({"model": "secondme/pro", "temperature": 0, "stop": ["never"], "messages": [
            {"role": "system", "content": "Rhyme."},
            {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
            {"role": "assistant", "content": "Hello"},
            {"role": "user", "content": "Who are you?"},
        ]})).await;
        assert_eq!(answer["object"], "chat.completion");
        assert_eq!(answer["model"], "secondme/pro");
        let choice = &answer["choices"][0];
        assert_eq!(choice["message"]["content"], "You said: Who are you?");
        assert_eq!((&choice["finish_reason"], &choice["message"]["role"]), (&json!("stop"), &json!("assistant")));
        let (prompt, total) = (answer["usage"]["prompt_tokens"].as_u64().unwrap(), answer["usage"]["total_tokens"].as_u64().unwrap());
        assert!(prompt > 20 && total > prompt);
        let asked = world.model.requests().pop().unwrap();
        assert!(asked.messages[0].text.contains("second self of Ada") && asked.messages[0].text.contains("Rhyme."));
        assert_eq!(asked.messages.iter().map(|m| m.role).collect::<Vec<_>>(), [Role::System, Role::User, Role::Assistant, Role::User]);
        assert_eq!((asked.sampling.temperature, asked.stop), (0.0, vec!["never".to_owned()]));
        let sessions = data(world.get("secondme/chat/session/list", ADA).await);
        assert!(sessions["sessions"].as_array().unwrap().is_empty(), "{sessions}");
    }

    async fn streams_have_openais_chunks(db: TestDb) {
        let world = World::new(db).await;
        let mut body = asks("Hi there");
        body["stream"] = true.into();
        let plain = chunks(&world, &body).await;
        assert_eq!(said(&plain), "You said: Hi there");
        assert_eq!(plain[0]["choices"][0]["delta"]["role"], "assistant");
        assert_eq!(plain.last().unwrap()["choices"][0]["finish_reason"], "stop");
        assert!(plain.iter().all(|chunk| chunk["object"] == "chat.completion.chunk" && chunk.get("usage").is_none() && chunk["id"] == plain[0]["id"]));
        body["stream_options"] = json!({"include_usage": true});
        let told = chunks(&world, &body).await;
        let last = told.last().unwrap();
        assert_eq!(last["choices"], json!([]));
        assert!(last["usage"]["completion_tokens"].as_u64().unwrap() > 1);
    }

    async fn json_is_valid_or_an_error_comes(db: TestDb) {
        let model = Scripted::sequence(vec![
            vec![Step::text("Sure: {\"fits\": 1}")],
            vec![Step::text("```json\n{\"fits\": true, \"why\": \"yes\"}\n```")],
            vec![Step::text("no")],
            vec![Step::text("still no")],
            vec![Step::text("{\"fits\": tr"), Step::Cut],
            vec![Step::text("{\"fits\": false, \"why\": \"x\"}")],
        ]).unconstrained();
        let world = World::with_model(db, model).await;
        let mut body = asks("Does it fit?");
        body["response_format"] = schema();
        let answer = complete(&world, &body).await;
        let content: Value = serde_json::from_str(answer["choices"][0]["message"]["content"].as_str().unwrap()).unwrap();
        assert_eq!(content, json!({"fits": true, "why": "yes"}));
        assert!(world.model.requests().iter().all(|asked| matches!(asked.output, Output::Json(_))));
        for code in ["secondme.act.output.invalid", "secondme.act.output.incomplete"] {
            let (status, failed) = call(&world, Method::POST, "chat/completions", ADA, &body).await;
            assert!(status >= 500 && failed["error"]["code"] == code && failed["error"]["type"] == "server_error", "{failed}");
        }
        body["stream"] = true.into();
        assert_eq!(said(&chunks(&world, &body).await), "{\"fits\":false,\"why\":\"x\"}");
        let failed = chunks(&world, &body).await;
        assert_eq!(failed.last().unwrap()["error"]["code"], "secondme.model.unavailable");
    }

    async fn functions_of_the_client_are_passed_through(db: TestDb) {
        let model = Scripted::with(|request| match (&request.output, request.last_user_text()) {
            (Output::Json(_), "Rain?") => vec![Step::text(r#"{"call":"weather","arguments":{"city":"Lisbon"}}"#)],
            (Output::Json(_), _) => vec![Step::text(r#"{"call":"none"}"#)],
            _ => vec![Step::text("In words.")],
        });
        let world = World::with_model(db, model).await;
        let mut body = asks("Rain?");
        body["tools"] = weather();
        let answer = complete(&world, &body).await;
        let choice = &answer["choices"][0];
        assert_eq!(choice["finish_reason"], "tool_calls");
        let asked = choice["message"]["tool_calls"][0].clone();
        assert_eq!(asked["function"], json!({"name": "weather", "arguments": "{\"city\":\"Lisbon\"}"}));
        body["messages"] = json!([{"role": "user", "content": "Rain?"}, {"role": "assistant", "content": null, "tool_calls": [asked.clone()]},
            {"role": "tool", "tool_call_id": asked["id"], "content": "dry"}]);
        body["tool_choice"] = "none".into();
        let answer = complete(&world, &body).await;
        assert_eq!(answer["choices"][0]["message"]["content"], "In words.");
        assert!(world.model.requests().pop().unwrap().messages.iter().any(|m| m.text.contains("dry")));
        let mut other = asks("Hello");
        other["tools"] = weather();
        assert_eq!(complete(&world, &other).await["choices"][0]["message"]["content"], "In words.");
    }

    async fn a_model_that_knows_functions_is_given_them(db: TestDb) {
        let asked = ToolCall { id: "call_9".into(), name: "weather".into(), arguments: "{\"city\":\"Oslo\"}".into() };
        let world = World::with_model(db, Scripted::new(vec![Step::text("Let me see. "), Step::Call(asked)]).with_tools()).await;
        let mut body = asks("Rain?");
        (body["tools"], body["stream"], body["tool_choice"]) = (weather(), true.into(), "required".into());
        let all = chunks(&world, &body).await;
        assert_eq!(said(&all), "Let me see. ");
        let delta = all.iter().find_map(|chunk| chunk["choices"][0]["delta"].get("tool_calls")).unwrap();
        assert_eq!((&delta[0]["index"], &delta[0]["id"]), (&json!(0), &json!("call_9")));
        assert_eq!(all.last().unwrap()["choices"][0]["finish_reason"], "tool_calls");
        assert_eq!(world.model.requests()[0].tools[0].name, "weather");
    }

    async fn errors_speak_openais_dialect(db: TestDb) {
        let world = World::new(db).await;
        let check = |(status, body): (u16, Value), expected: u16, code: &str| {
            assert_eq!((status, &body["error"]["code"]), (expected, &json!(code)), "{body}");
            assert!(body["error"]["message"].is_string() && body.get("subCode").is_none());
        };
        let ask = |body: Value| { let world = &world; async move { call(world, Method::POST, "chat/completions", ADA, &body).await } };
        check(call(&world, Method::POST, "chat/completions", "lba_at_nobody", &asks("x")).await, 401, "invalid_api_key");
        let other = world.mint(Kind::Access, "userinfo").await;
        check(call(&world, Method::POST, "chat/completions", &other, &asks("x")).await, 403, "oauth2.scope.insufficient");
        let mut unknown = asks("x");
        unknown["model"] = "gpt-4o".into();
        check(ask(unknown).await, 404, "model_not_found");
        check(ask(json!({"messages": []})).await, 400, "invalid.param");
        check(ask(json!({"messages": "x"})).await, 400, "invalid.param");
        for (param, value) in [("n", json!(2)), ("temperature", json!(3)), ("logprobs", json!(true)), ("tool_choice", json!("required")),
            ("response_format", json!({"type": "xml"})), ("tools", json!([{"type": "web"}]))] {
            let mut body = asks("x");
            body[param] = value;
            let (status, answer) = ask(body).await;
            assert_eq!(status, 400, "{param}: {answer}");
            assert!(answer["error"]["param"].as_str().unwrap().starts_with(param), "{answer}");
        }
        check(call(&world, Method::GET, "nothing", ADA, &json!({})).await, 404, "resource.fetch.not_found");
        check(call(&world, Method::GET, "chat/completions", ADA, &json!({})).await, 405, "request.method.not_allowed");
        let mut long = asks("x");
        long["messages"] = json!([{"role": "user", "content": "word ".repeat(3_900)}]);
        long["max_tokens"] = 16_000.into();
        assert_eq!(ask(long).await.0, 200);
    }

    async fn models_and_vectors(db: TestDb) {
        let world = World::new(db).await;
        check_unavailable(&world).await;
        world.app.set_embedder(Arc::new(ScriptedEmbedder::default()));
        let name = world.app.embedder().unwrap().name().to_owned();
        let (_, models) = call(&world, Method::GET, "models", ADA, &json!({})).await;
        let ids: Vec<&str> = models["data"].as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["secondme/nano", "secondme/pro", name.as_str()]);
        for path in ["models/secondme%2Fnano", "models/secondme/pro"] {
            assert_eq!(call(&world, Method::GET, path, ADA, &json!({})).await.0, 200, "{path}");
        }
        assert_eq!(call(&world, Method::GET, "models/gpt-4o", ADA, &json!({})).await.0, 404);
        let vectors = |body: Value| { let world = &world; async move { call(world, Method::POST, "embeddings", ADA, &body).await } };
        let (status, floats) = vectors(json!({"model": name, "input": ["bees", "keys"]})).await;
        assert_eq!(status, 200, "{floats}");
        let first: Vec<f32> = serde_json::from_value(floats["data"][0]["embedding"].clone()).unwrap();
        let (_, packed) = vectors(json!({"model": name, "input": "bees", "encoding_format": "base64"})).await;
        let bytes = STANDARD.decode(packed["data"][0]["embedding"].as_str().unwrap()).unwrap();
        let back: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        assert_eq!(back, first);
        for wrong in [json!({"input": [1, 2]}), json!({"input": ""}), json!({"input": "x", "dimensions": 3}), json!({})] {
            assert_eq!(vectors(wrong).await.0, 400);
        }
    }
}

async fn check_unavailable(world: &World) {
    let (status, body) = call(world, Method::POST, "embeddings", ADA, &json!({"input": "x"})).await;
    assert_eq!((status, &body["error"]["type"]), (503, &json!("server_error")));
}
