//! What can go wrong, for the client ([`Code`], closed table) and for the log (`cause`): two different fields.

pub mod codes;
mod lang;
mod render;

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use secondme_store::StoreError;
use serde_json::{Map, Value, json};

pub use codes::Code;
pub use lang::{LANGUAGE_COOKIE, Lang};
pub use render::{body, markdown, render};

/// What every fallible rule and handler returns.
pub type Result<T> = std::result::Result<T, ApiError>;

/// An error on its way to a client.
#[derive(Clone, Debug)]
pub struct ApiError(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    code: Code,
    detail: Option<Detail>,
    extra: Map<String, Value>,
    retry_after: Option<u32>,
    cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// The `{}` of a message, in both languages.
#[derive(Clone, Debug)]
struct Detail {
    en: String,
    zh: String,
}

impl ApiError {
    /// The error of a row, without detail.
    pub fn new(code: Code) -> Self {
        Self(Box::new(Inner { code, detail: None, extra: Map::new(), retry_after: None, cause: None }))
    }

    /// `invalid.param` (400) about one field.
    pub fn invalid(field: &str, problem: &Problem) -> Self {
        Self::new(Code::InvalidParam).about(field, problem)
    }

    /// Sets the message's detail to "field: problem" in both languages.
    #[must_use]
    pub fn about(mut self, field: &str, problem: &Problem) -> Self {
        let (en, zh) = problem.texts();
        self.0.detail = Some(Detail { en: format!("`{field}` {en}"), zh: format!("`{field}` {zh}") });
        self
    }

    /// 422 with FastAPI's `detail` list, for one field.
    pub fn unprocessable(field: &str, kind: &str, problem: &Problem) -> Self {
        let loc = json!([{"loc": ["body", field], "msg": problem.texts().0, "type": kind}]);
        Self::new(Code::Unprocessable).about(field, problem).with("detail", loc)
    }

    /// Sets the message's detail, the same in both languages.
    #[must_use]
    pub fn arg(mut self, detail: impl ToString) -> Self {
        let text = detail.to_string();
        self.0.detail = Some(Detail { en: text.clone(), zh: text });
        self
    }

    /// Adds a member to the body.
    #[must_use]
    pub fn with(mut self, member: &str, value: Value) -> Self {
        self.0.extra.insert(member.to_owned(), value);
        self
    }

    /// Adds `Retry-After`, in seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// Keeps what really happened for the log.
    #[must_use]
    pub fn caused_by(mut self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.cause = Some(Arc::new(cause));
        self
    }

    /// An internal error with its cause.
    pub fn internal(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::new(Code::Internal).caused_by(cause)
    }

    /// The row.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// When to try again, in seconds.
    pub fn retry_after_seconds(&self) -> Option<u32> {
        self.0.retry_after
    }

    /// What happened, for the log.
    pub fn cause(&self) -> Option<&(dyn std::error::Error + Send + Sync)> {
        self.0.cause.as_deref()
    }

    /// The message in one language.
    pub fn message(&self, lang: Lang) -> String {
        let row = self.0.code.row();
        let (template, detail) = match lang {
            Lang::En => (row.en, self.0.detail.as_ref().map(|d| d.en.as_str())),
            Lang::Zh => (row.zh, self.0.detail.as_ref().map(|d| d.zh.as_str())),
        };
        template.replace("{}", detail.unwrap_or("…"))
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.message(Lang::En), self.0.code.row().sub_code)?;
        if let Some(cause) = &self.0.cause {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ApiError {}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let code = match error {
            StoreError::Unavailable(_) | StoreError::Busy(_) | StoreError::DiskFull => Code::Connection,
            _ => Code::Internal,
        };
        let this = Self::new(code).caused_by(error);
        if code == Code::Connection { this.retry_after(1) } else { this }
    }
}

impl IntoResponse for ApiError {
    /// An empty response that carries the error; [`render`] writes the body in the language of the request.
    fn into_response(self) -> Response {
        let status = axum::http::StatusCode::from_u16(self.0.code.row().status)
            .unwrap_or(axum::http::StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// What is wrong with a field, in words.
#[derive(Clone, Debug)]
pub enum Problem {
    /// It is missing or blank.
    Required,
    /// It has more than this many characters.
    TooLong(usize),
    /// It has fewer than this many characters.
    TooShort(usize),
    /// It has more than this many entries.
    TooMany(usize),
    /// It is not of the kind that is wanted (English, Chinese).
    Expected(&'static str, &'static str),
    /// What a parser said.
    Parser(String),
}

impl Problem {
    fn texts(&self) -> (String, String) {
        match self {
            Self::Required => ("is required".into(), "为必填项".into()),
            Self::TooLong(n) => (format!("must have at most {n} characters"), format!("最多 {n} 个字符")),
            Self::TooShort(n) => (format!("must have at least {n} characters"), format!("至少 {n} 个字符")),
            Self::TooMany(n) => (format!("must have at most {n} entries"), format!("最多 {n} 项")),
            Self::Expected(en, zh) => (format!("must be {en}"), format!("应为{zh}")),
            Self::Parser(text) => (text.clone(), text.clone()),
        }
    }
}
