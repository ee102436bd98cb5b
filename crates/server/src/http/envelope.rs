//! The success envelope (contract 1.2): `{"code":0,"message":"success","data":…}`.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;

/// What a JSON handler returns: data, or an error of the table.
pub type Reply<T> = Result<Data<T>, ApiError>;

/// A payload on its way into the envelope.
#[derive(Debug)]
pub struct Data<T>(pub T);

/// The envelope as clients see it; used for the OpenAPI document, too.
#[derive(Debug, Serialize, ToSchema)]
pub struct Envelope<T> {
    /// 0 on success.
    pub code: i32,
    /// `success`.
    #[schema(example = "success")]
    pub message: &'static str,
    /// The payload.
    pub data: T,
}

/// A failure as clients see it, with the HTTP status that `code` names (`error/codes.rs` has them all); for the OpenAPI document.
#[derive(Debug, ToSchema)]
pub struct Failure {
    /// The HTTP status.
    pub code: i32,
    /// For people, in their language.
    pub message: String,
    /// For programs: what happened.
    #[schema(rename = "subCode", example = "invalid.param")]
    pub sub_code: String,
    /// A text on 401 and unknown routes, a list of what is wrong where on 422.
    pub detail: Option<serde_json::Value>,
}

impl<T: Serialize> IntoResponse for Data<T> {
    fn into_response(self) -> Response {
        Json(Envelope { code: 0, message: "success", data: self.0 }).into_response()
    }
}
