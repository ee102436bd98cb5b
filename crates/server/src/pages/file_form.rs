//! A form with a file that a member sent from one of our own pages. Its token stands in a field before the file.

use axum::extract::multipart::{Multipart, MultipartError, MultipartRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::error::{ApiError, Code, Problem};
use crate::users::accounts::{Member, OwnOrigin};

/// A picture, before it is encoded anew.
pub(super) const PICTURE_MAX_BYTES: usize = 24 * 1024 * 1024;

/// Asking for it is checking where the form came from and its token.
#[derive(Debug)]
pub(super) struct FileForm {
    /// Who sent it.
    pub(super) member: Member,
    /// What the file is for.
    pub(super) what: String,
    /// The file; empty where none was chosen.
    pub(super) bytes: Vec<u8>,
}

#[derive(Default)]
struct Fields {
    csrf: String,
    what: String,
    bytes: Vec<u8>,
}

impl FromRequest<App> for FileForm {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        OwnOrigin::from_request_parts(&mut parts, app).await.map_err(IntoResponse::into_response)?;
        let member = Member::from_request_parts(&mut parts, app).await.map_err(IntoResponse::into_response)?;
        let form = Multipart::from_request(Request::from_parts(parts, body), app).await;
        let not_a_form = |_: MultipartRejection| ApiError::new(Code::ContentType).arg("multipart/form-data");
        let form = form.map_err(|error| not_a_form(error).into_response())?;
        let Fields { csrf, what, bytes } = read(form).await.map_err(IntoResponse::into_response)?;
        member.session.check_form(member.lang(), Some(&csrf)).map_err(IntoResponse::into_response)?;
        Ok(Self { member, what, bytes })
    }
}

async fn read(mut form: Multipart) -> Result<Fields, ApiError> {
    let broken = |error: MultipartError| ApiError::invalid("file", &Problem::Parser(error.body_text()));
    let mut fields = Fields::default();
    while let Some(field) = form.next_field().await.map_err(broken)? {
        match field.name() {
            Some("csrf") => fields.csrf = field.text().await.map_err(broken)?,
            Some("what") => fields.what = field.text().await.map_err(broken)?,
            Some("file") => fields.bytes = field.bytes().await.map_err(broken)?.to_vec(),
            _ => {}
        }
    }
    Ok(fields)
}
