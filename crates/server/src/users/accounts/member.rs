//! Pages of people who are signed in: the session, what stands around the page, and their forms.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::browser::FormRefused;
use super::session::{Session, SessionRefused};
use super::{MaybeSession, OwnOrigin};
use crate::access::{Caller, Grant, Kind, Requested};
use crate::app::App;
use crate::error::{ApiError, Code, Lang, Result};
use crate::http::Form;
use crate::http::page::{Flash, Frame, PageError, Viewer, flash};

impl FromRequestParts<App> for Frame {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> std::result::Result<Self, PageError> {
        let MaybeSession(session) = MaybeSession::from_request_parts(parts, app).await?;
        let viewer = session.map(|s| Viewer { name: s.name, email: s.email, csrf: s.csrf, operator: s.operator });
        Ok(Self {
            lang: Lang::of(&parts.headers),
            here: parts.uri.path_and_query().map_or_else(|| "/".to_owned(), |here| here.as_str().to_owned()),
            viewer,
            flash: Flash::of(app, &parts.headers),
            partial: parts.headers.contains_key("hx-request"),
        })
    }
}

/// Somebody who is signed in, and looks at a page. Asking for it sends everybody else to the login page, and back.
#[derive(Clone, Debug)]
pub struct Member {
    /// The session.
    pub session: Session,
    /// What stands around the page.
    pub frame: Frame,
}

impl FromRequestParts<App> for Member {
    type Rejection = SessionRefused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> std::result::Result<Self, SessionRefused> {
        let session = Session::from_request_parts(parts, app).await?;
        let frame = Frame::from_request_parts(parts, app).await.map_err(SessionRefused::Failed)?;
        Ok(Self { session, frame })
    }
}

impl Member {
    /// The user.
    pub fn user_id(&self) -> i64 {
        self.session.user_id
    }

    /// The language of the page.
    pub fn lang(&self) -> Lang {
        self.frame.lang
    }

    /// The user as rules know them: themselves, with every permission.
    pub fn caller(&self, app: &App) -> Caller {
        let all = Requested::all();
        let grant = Grant {
            kind: Kind::Personal,
            user_id: Some(self.user_id()),
            app_id: None,
            client_id: None,
            authorization_id: None,
            scope_names: all.names,
            scopes: all.set,
            created_at: app.now(),
            expires_at: None,
            family: None,
            replaced_at: None,
            revoked: None,
            audience: None,
            demo: false,
            app_status: None,
            suspended: false,
        };
        Caller { user_id: self.user_id(), grant: Arc::new(grant) }
    }

    /// To another page, which says that it worked.
    pub fn done(&self, app: &App, to: &str, en: &str, zh: &str) -> Response {
        Flash::good(self.lang().pick(en, zh)).on(app, to)
    }

    /// To another page, which says what the rule refused; failures of ours are errors.
    ///
    /// # Errors
    /// The error, when it is not the person's.
    pub fn refused(&self, app: &App, to: &str, error: ApiError) -> Result<Response> {
        if error.code() == Code::Internal {
            return Err(error);
        }
        Ok(Flash::bad(error.message(self.lang())).on(app, to))
    }

    /// [`Self::done`] or [`Self::refused`].
    ///
    /// # Errors
    /// The error, when it is not the person's.
    pub fn settle<T>(&self, app: &App, result: Result<T>, to: &str, (en, zh): (&str, &str)) -> Result<Response> {
        match result {
            Ok(_) => Ok(self.done(app, to, en, zh)),
            Err(error) => self.refused(app, to, error),
        }
    }

    /// To another page.
    pub fn go(to: &str) -> Response {
        flash::see_other(to)
    }
}

/// A form that a member sent from one of our own pages: asking for it is checking where it came from and its token (field
/// `csrf`, or the header `X-CSRF-Token` of scripts). A field that is empty is absent.
#[derive(Debug)]
pub struct Posted<T> {
    /// Who sent it.
    pub member: Member,
    /// Its fields.
    pub form: T,
}

/// Why a member's form was not read.
#[derive(Debug)]
pub enum PostRefused {
    /// Nobody is signed in.
    Session(SessionRefused),
    /// It is not from one of our pages.
    Form(FormRefused),
    /// It has other fields than it should.
    Fields(ApiError),
}

impl IntoResponse for PostRefused {
    fn into_response(self) -> Response {
        match self {
            Self::Session(refused) => refused.into_response(),
            Self::Form(refused) => refused.into_response(),
            Self::Fields(error) => error.into_response(),
        }
    }
}

#[derive(Deserialize)]
struct Fields {
    csrf: Option<String>,
    #[serde(flatten)]
    rest: serde_json::Map<String, Value>,
}

impl<T: DeserializeOwned> FromRequest<App> for Posted<T> {
    type Rejection = PostRefused;

    async fn from_request(request: Request, app: &App) -> std::result::Result<Self, PostRefused> {
        let (mut parts, body) = request.into_parts();
        let member = posting(&mut parts, app).await?;
        let header = parts.headers.get("x-csrf-token").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let Form(fields) =
            Form::<Fields>::from_request(Request::from_parts(parts, body), app).await.map_err(PostRefused::Fields)?;
        let token = fields.csrf.or(header);
        member.session.check_form(member.lang(), token.as_deref()).map_err(PostRefused::Form)?;
        let form = serde_path_to_error::deserialize(Value::Object(fields.rest)).map_err(|error| {
            let problem = crate::error::Problem::Parser(error.inner().to_string());
            PostRefused::Fields(ApiError::invalid(&error.path().to_string(), &problem))
        })?;
        Ok(Self { member, form })
    }
}

async fn posting(parts: &mut Parts, app: &App) -> std::result::Result<Member, PostRefused> {
    OwnOrigin::from_request_parts(parts, app).await.map_err(PostRefused::Form)?;
    match Member::from_request_parts(parts, app).await {
        Ok(member) => Ok(member),
        // The form is lost; the login page leads to the start and not to an address that only takes forms.
        Err(SessionRefused::LogIn(_)) => Err(PostRefused::Session(SessionRefused::LogIn(super::login_url("/")))),
        Err(error) => Err(PostRefused::Session(error)),
    }
}
