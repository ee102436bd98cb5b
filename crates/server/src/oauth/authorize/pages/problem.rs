//! What is wrong with an authorize request, and what the app's developer can do about it.

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use crate::access::Scope;
use crate::app::App;
use crate::error::{ApiError, Code, Lang};
use crate::http::page::{Frame, Page, PageError};

/// A request that cannot be shown, with what its developer needs to see.
#[derive(Template)]
#[template(path = "authorize_problem.html")]
struct ProblemTemplate {
    lang: Lang,
    frame: Frame,
    message: String,
    help: String,
    arrived: Vec<(String, String)>,
    corrected: String,
}

/// The page about an error of [`super::check`]; faults of ours get an ordinary error page.
pub(super) fn page(lang: Lang, error: ApiError, query: &str) -> Response {
    let Some(help) = help(lang, error.code()) else { return PageError::new(lang, error, "").into_response() };
    let known = ["client_id", "redirect_uri", "response_type", "scope", "state"];
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let arrived = pairs.filter(|(name, _)| known.contains(&name.as_ref()));
    let template = ProblemTemplate {
        lang,
        frame: Frame::bare(lang),
        message: error.message(lang),
        help,
        arrived: arrived.map(|(name, value)| (name.into_owned(), value.into_owned())).collect(),
        corrected: String::new(),
    };
    let status = StatusCode::from_u16(error.code().row().status).unwrap_or(StatusCode::BAD_REQUEST);
    Page::new(&template).status(status).into_response()
}

/// What the app's developer can do about it; nothing where the fault is ours.
fn help(lang: Lang, code: Code) -> Option<String> {
    let scopes = || Scope::ALL.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(" ");
    let (en, zh) = match code {
        Code::AppNotFound => (
            "`client_id` must be the Client ID of an app that is registered on this server.",
            "`client_id` 必须是在本服务器上注册的应用的 Client ID。",
        ),
        Code::RedirectMismatch => (
            "`redirect_uri` must equal a registered redirect URI of the app to the letter: scheme, host, port, path and \
             trailing slash. `localhost` and `127.0.0.1` are different.",
            "`redirect_uri` 必须与应用注册的回调地址逐字一致：协议、域名、端口、路径以及末尾斜杠。`localhost` 与 `127.0.0.1` 不同。",
        ),
        Code::InvalidParam => (
            "The address needs `client_id`, `redirect_uri` and `response_type=code`; `state` and `scope` are optional.",
            "地址中需要 `client_id`、`redirect_uri` 和 `response_type=code`；`state` 与 `scope` 可选。",
        ),
        Code::ScopeInvalid => {
            let scopes = scopes();
            return Some(match lang {
                Lang::En => format!("Scopes are separated by spaces. This server knows: {scopes}"),
                Lang::Zh => format!("权限范围以空格分隔。本服务器支持：{scopes}"),
            });
        }
        Code::ScopeDisallowed => (
            "Ask for less, or have the scope added to the app's allowed scopes.",
            "请减少申请的权限，或将该权限加入应用的允许范围。",
        ),
        Code::AppPending | Code::AppRejected | Code::AppSuspended | Code::AppInvalidStatus => (
            "Only approved apps can be let in. Ask whoever runs this server.",
            "只有通过审核的应用可以使用，请联系服务器管理员。",
        ),
        _ => return None,
    };
    Some(lang.pick(en, zh).to_owned())
}

/// `/oauth/authorize?…` and the like: a known mistake of clients. Says where the query belongs.
pub(super) async fn misplaced(State(app): State<App>, lang: Lang, uri: Uri) -> Page {
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let template = ProblemTemplate {
        lang,
        frame: Frame::bare(lang),
        message: lang
            .pick("There is nothing at this address of the authorize page.", "授权页面没有此路径。")
            .to_owned(),
        help: lang
            .pick(
                "The query belongs directly behind `/oauth/`, without another path segment. The address should be:",
                "查询参数应直接跟在 `/oauth/` 之后，不要再加路径。正确的地址是：",
            )
            .to_owned(),
        arrived: Vec::new(),
        corrected: format!("{}/oauth/{query}", app.public_url()),
    };
    Page::new(&template).status(StatusCode::BAD_REQUEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_ours_is_not_explained_to_developers() {
        assert!(help(Lang::En, Code::Internal).is_none());
        assert!(help(Lang::Zh, Code::ScopeInvalid).unwrap().contains("chat.write"));
    }
}
