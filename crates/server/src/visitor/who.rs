//! Who visits: the user of a token, or somebody whom an app's backend names (contract 15.1, HOUSE-RULES "Visitor chat").

use crate::access::{AppAuth, Grant, Scope, auth};
use crate::app::App;
use crate::error::{ApiError, Code, Problem, Result};
use crate::memory::audience::Listener;
use crate::oauth::apps;
use crate::users::profile;

/// A visitor.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// `u:<user id>`, or `a:<app id>:<visitor id>`: the same text for the same visitor.
    pub key: String,
    /// The user, when they signed in.
    pub user_id: Option<i64>,
    /// The app they came through.
    pub app_id: Option<String>,
    /// Its name.
    pub app_name: String,
    /// The user's authorization of it.
    pub authorization: Option<i64>,
    /// Whether a demo credential was shown.
    pub demo: bool,
}

const VISITOR_ID_MAX: usize = 128;

/// Refuses a token without the scope of chats, and gives what stands behind it.
///
/// # Errors
/// 403 without the scope `chat.write`.
pub fn require_scope(caller: &AppAuth) -> Result<&Grant> {
    let grant = match caller {
        AppAuth::User(caller) => &caller.grant,
        AppAuth::App(caller) => &caller.grant,
    };
    auth::require(grant, Scope::ChatWrite, Code::ScopeInsufficient)?;
    Ok(grant)
}

/// The visitor behind a token. With a user's token `visitor_id` is ignored; an app's needs one.
///
/// # Errors
/// 403 without the scope `chat.write`, `visitor_chat.visitor_id_required`, `invalid.param` on a malformed one.
pub async fn of(app: &App, caller: &AppAuth, visitor_id: Option<&str>) -> Result<Visitor> {
    let grant = require_scope(caller)?;
    let (key, user_id) = match caller {
        AppAuth::User(caller) => (format!("u:{}", caller.user_id), Some(caller.user_id)),
        AppAuth::App(caller) => (format!("a:{}:{}", caller.app_id, checked(visitor_id)?), None),
    };
    let app_name = match &grant.client_id {
        Some(client_id) => apps::by_client_id(app.store(), client_id).await?.map(|a| a.name).unwrap_or_default(),
        None => String::new(),
    };
    let (app_id, authorization) = (grant.app_id.clone(), grant.authorization_id);
    Ok(Visitor { key, user_id, app_id, app_name, authorization, demo: grant.demo })
}

fn checked(visitor_id: Option<&str>) -> Result<&str> {
    let id = visitor_id.filter(|id| !id.is_empty()).ok_or_else(|| ApiError::new(Code::VisitorIdRequired))?;
    if id.len() > VISITOR_ID_MAX {
        return Err(ApiError::invalid("visitorId", &Problem::TooLong(VISITOR_ID_MAX)));
    }
    if !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
        let problem = Problem::Expected("letters, digits, `_` and `-` only", "仅含字母、数字、下划线和连字符");
        return Err(ApiError::invalid("visitorId", &problem));
    }
    Ok(id)
}

impl Visitor {
    /// What the owner calls them: the name that was given, else a user's own, else none.
    ///
    /// # Errors
    /// Storage failures only.
    pub async fn name(&self, app: &App, given: Option<&str>) -> Result<String> {
        match (given.map(str::trim).filter(|name| !name.is_empty()), self.user_id) {
            (Some(name), _) => Ok(name.to_owned()),
            (None, Some(user_id)) => Ok(profile::get(app.store(), user_id).await?.name),
            (None, None) => Ok(String::new()),
        }
    }
}

/// What the visitor may hear of an avatar whose owner is `owner_id`.
pub fn listener(owner_id: i64, user_id: Option<i64>) -> Listener {
    match user_id {
        Some(user_id) if user_id == owner_id => Listener::Owner,
        user_id => Listener::Visitor { signed_in: user_id.is_some() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visitor_ids_are_plain() {
        assert_eq!(checked(Some("device_abc-123")).unwrap(), "device_abc-123");
        assert_eq!(checked(None).unwrap_err().code(), Code::VisitorIdRequired);
        assert_eq!(checked(Some("")).unwrap_err().code(), Code::VisitorIdRequired);
        for bad in ["a b", "é", "a:b", "../x", &"a".repeat(129)] {
            assert_eq!(checked(Some(bad)).unwrap_err().code(), Code::InvalidParam, "{bad}");
        }
        assert!(checked(Some(&"a".repeat(128))).is_ok());
    }

    #[test]
    fn only_the_owner_hears_as_the_owner() {
        assert_eq!(listener(1, Some(1)), Listener::Owner);
        assert_eq!(listener(1, Some(2)), Listener::Visitor { signed_in: true });
        assert_eq!(listener(1, None), Listener::Visitor { signed_in: false });
    }
}
