//! Errors as OpenAI's clients know them: `{"error": {"message", "type", "param", "code"}}`.

use axum::Json;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::error::{ApiError, Code, Lang, Problem};

/// An error on its way to such a client.
#[derive(Debug)]
pub(super) struct OpenAiError {
    error: ApiError,
    param: Option<String>,
}

impl From<ApiError> for OpenAiError {
    fn from(error: ApiError) -> Self {
        Self { error, param: None }
    }
}

impl OpenAiError {
    /// 400 about one parameter.
    pub(super) fn invalid(param: &str, problem: &Problem) -> Self {
        Self { error: ApiError::invalid(param, problem), param: Some(param.to_owned()) }
    }

    /// An error of a rule, about one parameter.
    pub(super) fn about(param: &str, error: ApiError) -> Self {
        Self { error, param: Some(param.to_owned()) }
    }

    /// 400: the parameter exists in OpenAI's API, and here it does not.
    pub(super) fn unsupported(param: &str) -> Self {
        Self::invalid(param, &Problem::Expected("left out: it is not supported here", "省略：此处不支持"))
    }

    /// 404, as clients expect it for a model.
    pub(super) fn unknown_model() -> Self {
        Self { error: ApiError::new(Code::NotFound).arg("model"), param: Some("model".to_owned()) }
    }

    /// The body.
    pub(super) fn body(&self) -> Value {
        let code = self.error.code();
        let (kind, word) = match (code, code.row().status) {
            (Code::NotFound, _) if self.param.as_deref() == Some("model") => {
                ("invalid_request_error", "model_not_found")
            }
            (Code::ContextTooLong, _) => ("invalid_request_error", "context_length_exceeded"),
            (_, 401) => ("authentication_error", "invalid_api_key"),
            (_, 403) => ("permission_error", code.row().sub_code),
            (_, 429) => ("rate_limit_error", "rate_limit_exceeded"),
            (_, 400..500) => ("invalid_request_error", code.row().sub_code),
            _ => ("server_error", code.row().sub_code),
        };
        json!({"error": {"message": self.error.message(Lang::En), "type": kind, "param": self.param, "code": word}})
    }
}

impl IntoResponse for OpenAiError {
    fn into_response(self) -> Response {
        let row = self.error.code().row();
        if let Some(cause) = self.error.cause() {
            tracing::error!(sub_code = row.sub_code, %cause, "request failed");
        }
        let status = StatusCode::from_u16(row.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self.body())).into_response();
        if let Some(seconds) = self.error.retry_after_seconds() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
