//! Who gets in: sessions of operators. Asking for one of these is the check.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::error::{ApiError, Code, Lang};
use crate::http::page::PageError;
use crate::users::accounts::{Member, Posted};

/// An operator who looks at a page.
#[derive(Clone, Debug)]
pub(super) struct Operator(pub(super) Member);

/// An operator's form.
#[derive(Debug)]
pub(super) struct Order<T> {
    pub(super) me: Member,
    pub(super) form: T,
}

impl FromRequestParts<App> for Operator {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let member = Member::from_request_parts(parts, app).await.map_err(IntoResponse::into_response)?;
        if member.session.operator { Ok(Self(member)) } else { Err(refused(member.lang())) }
    }
}

impl<T: DeserializeOwned> FromRequest<App> for Order<T> {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let posted = Posted::<T>::from_request(request, app).await.map_err(IntoResponse::into_response)?;
        let Posted { member, form } = posted;
        if member.session.operator { Ok(Self { me: member, form }) } else { Err(refused(member.lang())) }
    }
}

fn refused(lang: Lang) -> Response {
    let hint = lang.pick(
        "Whoever runs this server can let you in: `secondme user operator --email …`.",
        "服务器管理员可以授予权限：`secondme user operator --email …`。",
    );
    PageError::new(lang, ApiError::new(Code::OperatorOnly), hint).into_response()
}
