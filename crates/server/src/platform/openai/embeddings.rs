//! `POST /v1/embeddings`: vectors of the model that memories are found with.

use axum::Json;
use axum::extract::State;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secondme_llm::{ModelStatus, Purpose, estimate_tokens};
use serde::Deserialize;
use serde_json::{Value, json};

use super::OpenAiError;
use crate::access::{Auth, permissions};
use crate::app::App;
use crate::chat::reply::refused;
use crate::error::{ApiError, Code, Problem};
use crate::http::Body;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Request {
    input: Input,
    model: Option<String>,
    encoding_format: Option<String>,
    dimensions: Option<usize>,
}

/// One text or several. Lists of token numbers belong to a tokenizer that is not this model's.
#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    One(String),
    Many(Vec<String>),
    Other(Value),
}

impl Default for Input {
    fn default() -> Self {
        Self::Other(Value::Null)
    }
}

/// Makes vectors.
pub(super) async fn create(
    State(app): State<App>,
    access: std::result::Result<Auth<permissions::ChatWrite>, ApiError>,
    body: std::result::Result<Body<Request>, ApiError>,
) -> Result<Json<Value>, OpenAiError> {
    access?;
    let Body(request) = body?;
    let embedder = app.embedder().filter(|embedder| embedder.status() == ModelStatus::Ready);
    let embedder = embedder.ok_or_else(|| ApiError::new(Code::ModelUnavailable).arg("this server has no embedder"))?;
    if request.model.as_deref().is_some_and(|name| name != embedder.name()) {
        return Err(OpenAiError::unknown_model());
    }
    let base64 = match request.encoding_format.as_deref() {
        None | Some("float") => false,
        Some("base64") => true,
        Some(_) => {
            let expected = Problem::Expected("`float` or `base64`", " `float` 或 `base64`");
            return Err(OpenAiError::invalid("encoding_format", &expected));
        }
    };
    let texts = texts(&app, request.input)?;
    let vectors = embedder.embed(Purpose::Query, &texts).await.map_err(refused)?;
    if vectors.first().is_some_and(|vector| request.dimensions.is_some_and(|wanted| wanted != vector.len())) {
        return Err(OpenAiError::unsupported("dimensions"));
    }
    let data: Vec<Value> = vectors.iter().enumerate().map(|(index, vector)| entry(index, vector, base64)).collect();
    let tokens: usize = texts.iter().map(|text| estimate_tokens(text)).sum();
    let usage = json!({"prompt_tokens": tokens, "total_tokens": tokens});
    Ok(Json(json!({"object": "list", "data": data, "model": embedder.name(), "usage": usage})))
}

fn entry(index: usize, vector: &[f32], base64: bool) -> Value {
    let embedding = if base64 {
        let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
        json!(STANDARD.encode(bytes))
    } else {
        json!(vector)
    };
    json!({"object": "embedding", "index": index, "embedding": embedding})
}

fn texts(app: &App, input: Input) -> Result<Vec<String>, OpenAiError> {
    let limits = &app.config().openai;
    let texts = match input {
        Input::One(text) => vec![text],
        Input::Many(texts) => texts,
        Input::Other(Value::Null) => Vec::new(),
        Input::Other(_) => {
            return Err(OpenAiError::invalid(
                "input",
                &Problem::Expected("a text or a list of texts", "文本或文本列表"),
            ));
        }
    };
    if texts.is_empty() || texts.iter().any(|text| text.trim().is_empty()) {
        return Err(OpenAiError::invalid("input", &Problem::Required));
    }
    if texts.len() > limits.embed_inputs_max {
        return Err(OpenAiError::invalid("input", &Problem::TooMany(limits.embed_inputs_max)));
    }
    if texts.iter().any(|text| text.chars().count() > limits.embed_input_max_chars) {
        return Err(OpenAiError::invalid("input", &Problem::TooLong(limits.embed_input_max_chars)));
    }
    Ok(texts)
}
