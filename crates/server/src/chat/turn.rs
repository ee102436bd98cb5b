//! One turn as it was asked for: the body of `chat/stream`, checked (contract 10.1).

use axum::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secondme_llm::Image;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::act::Decision;
use super::models::ModelName;
use crate::access::Caller;
use crate::app::App;
use crate::config::Config;
use crate::error::{ApiError, Code, Problem, Result};

/// The body of a chat request. `null` means absent; unknown fields are ignored.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ChatBody {
    /// What is said; one text, not a list of messages.
    pub(super) message: String,
    /// The session to go on with; absent: a new one.
    pub(super) session_id: Option<String>,
    /// The logical app that the session belongs to; beats the header `X-App-Id`. Default `general`.
    pub(super) app_id: Option<String>,
    /// Instructions for the avatar; stored with, and effective from, the first request of a session only.
    pub(super) system_prompt: Option<String>,
    /// Reserved; checked to be a user id, otherwise without effect.
    #[schema(value_type = Option<i64>)]
    pub(super) receiver_user_id: Option<Value>,
    /// Lets the avatar search the web first, when the server has a search address.
    pub(super) enable_web_search: Option<bool>,
    /// `secondme/nano` (default) or `secondme/pro`.
    #[schema(value_type = Option<String>)]
    pub(super) model: Option<Value>,
    /// 1 to 16000, default 2000.
    #[schema(value_type = Option<i64>)]
    pub(super) max_tokens: Option<Value>,
    /// Up to 4 pictures: `{"data": base64, "mediaType": "image/png" | "image/jpeg" | "image/gif" | "image/webp"}`.
    #[schema(value_type = Option<Vec<Value>>)]
    pub(super) images: Option<Value>,
}

/// A checked turn.
#[derive(Clone, Debug)]
pub struct Turn {
    /// Whose avatar answers, and who asks.
    pub user_id: i64,
    /// The OAuth app the request came through.
    pub client_app_id: Option<String>,
    /// What kind of answer is wanted.
    pub task: Task,
    /// The session the client named, if it did.
    pub session_id: Option<String>,
    /// The logical app.
    pub bucket: String,
    /// Of the first request of a session.
    pub system_prompt: Option<String>,
    /// What is said.
    pub message: String,
    /// Pictures that come with it.
    pub images: Vec<Image>,
    /// Which model answers.
    pub model: ModelName,
    /// The most tokens it may say.
    pub max_tokens: u32,
}

/// What kind of answer a turn wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// Words.
    Talk {
        /// Whether to search the web first.
        web_search: bool,
    },
    /// A judgement in JSON.
    Act(Box<Decision>),
}

impl Task {
    /// The session's kind in the database.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Talk { .. } => "chat",
            Self::Act(_) => "act",
        }
    }
}

/// Pictures that are taken.
pub const MEDIA_TYPES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];
const MAX_TOKENS: i64 = 16_000;
const BUCKET_MAX_CHARS: usize = 100;

impl ChatBody {
    /// What somebody says to their own avatar, in a session or a new one.
    pub fn plain(message: String, session_id: Option<String>, model: Option<String>) -> Self {
        Self { message, session_id, model: model.map(Value::String), ..Self::default() }
    }

    /// Checks everything that can be checked without the database.
    ///
    /// # Errors
    /// 403 `secondme.app.banned`; 422 for `model`, `maxTokens` and `images`; 400 for the rest.
    pub fn check(self, app: &App, caller: &Caller, headers: &HeaderMap) -> Result<Turn> {
        let config = app.config();
        refuse_banned(config, caller)?;
        let model = ModelName::parse(self.model.as_ref(), &config.compat)?;
        let max_tokens = max_tokens(self.max_tokens.as_ref(), config.chat.max_tokens_default)?;
        let images = images(self.images.as_ref(), config)?;
        if self.message.trim().is_empty() {
            return Err(ApiError::invalid("message", &Problem::Required));
        }
        let system_prompt = self.system_prompt.filter(|p| !p.trim().is_empty());
        at_most("message", &self.message, config.chat.message_max_chars)?;
        at_most("systemPrompt", system_prompt.as_deref().unwrap_or_default(), config.chat.system_prompt_max_chars)?;
        check_user_id(self.receiver_user_id.as_ref())?;
        Ok(Turn {
            user_id: caller.user_id,
            client_app_id: caller.app_id().map(str::to_owned),
            task: Task::Talk { web_search: self.enable_web_search.unwrap_or(false) },
            session_id: self.session_id,
            bucket: bucket(self.app_id.as_deref(), headers)?,
            system_prompt,
            message: self.message,
            images,
            model,
            max_tokens,
        })
    }
}

/// Refuses apps that the operator banned.
///
/// # Errors
/// `secondme.app.banned`.
pub(super) fn refuse_banned(config: &Config, caller: &Caller) -> Result<()> {
    match &caller.grant.client_id {
        Some(id) if config.policy.banned_apps.contains(id) => Err(ApiError::new(Code::AppBanned)),
        _ => Ok(()),
    }
}

fn at_most(field: &str, text: &str, max: usize) -> Result<()> {
    if text.chars().count() > max { Err(ApiError::invalid(field, &Problem::TooLong(max))) } else { Ok(()) }
}

/// `appId` of the body, else `X-App-Id`, else `general`.
fn bucket(body: Option<&str>, headers: &HeaderMap) -> Result<String> {
    let header = headers.get("x-app-id").and_then(|v| v.to_str().ok());
    let bucket = [body, header].into_iter().flatten().map(str::trim).find(|b| !b.is_empty()).unwrap_or("general");
    at_most("appId", bucket, BUCKET_MAX_CHARS)?;
    Ok(bucket.to_owned())
}

fn max_tokens(value: Option<&Value>, default: u32) -> Result<u32> {
    let number = match value {
        None | Some(Value::Null) => return Ok(default),
        Some(value) => value.as_i64().filter(|n| (1..=MAX_TOKENS).contains(n)),
    };
    number.and_then(|n| u32::try_from(n).ok()).ok_or_else(|| {
        let problem = Problem::Expected("a whole number from 1 to 16000", " 1 到 16000 的整数");
        ApiError::unprocessable("maxTokens", "value_error", &problem)
    })
}

fn check_user_id(value: Option<&Value>) -> Result<()> {
    match value {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Number(n)) if n.as_i64().is_some_and(|n| n > 0) => Ok(()),
        Some(Value::String(text)) if text.parse::<i64>().is_ok_and(|n| n > 0) => Ok(()),
        Some(_) => Err(ApiError::new(Code::UserInvalidId)),
    }
}

fn images(value: Option<&Value>, config: &Config) -> Result<Vec<Image>> {
    let entries = match value {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(entries)) => entries,
        Some(_) => return Err(refused_image("images", &Problem::Expected("a list", "列表"))),
    };
    if entries.len() > config.chat.images_max {
        return Err(refused_image("images", &Problem::TooMany(config.chat.images_max)));
    }
    entries.iter().enumerate().map(|(at, entry)| image(at, entry, config.chat.image_max_bytes)).collect()
}

fn image(at: usize, entry: &Value, max_bytes: usize) -> Result<Image> {
    let media_type = entry["mediaType"].as_str().unwrap_or_default();
    if !MEDIA_TYPES.contains(&media_type) {
        let problem = Problem::Expected("one of image/png, image/jpeg, image/gif, image/webp", "支持的图片类型之一");
        return Err(refused_image(&format!("images.{at}.mediaType"), &problem));
    }
    let field = format!("images.{at}.data");
    let data = entry["data"].as_str().and_then(|text| STANDARD.decode(text).ok()).filter(|data| !data.is_empty());
    let Some(data) = data else {
        let problem = Problem::Expected("base64 without a data-URL prefix", "不带 data URL 前缀的 Base64");
        return Err(refused_image(&field, &problem));
    };
    if data.len() > max_bytes {
        return Err(refused_image(&field, &Problem::Parser(format!("is larger than {max_bytes} bytes"))));
    }
    Ok(Image { media_type: media_type.to_owned(), data })
}

fn refused_image(field: &str, problem: &Problem) -> ApiError {
    ApiError::unprocessable(field, "value_error", problem)
}
