//! The address of a socket: a signed credential that opens one conversation for some hours, as often as needed.

use secondme_kit::Millis;
use secondme_kit::secret::same;

use super::close::Close;
use crate::app::App;
use crate::http::peer::Peer;

/// What an address says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The conversation.
    pub session_id: String,
    /// The session's epoch when it was given out.
    pub epoch: i64,
    /// The user's authorization of the app it was given to.
    pub authorization: Option<i64>,
    /// That app; empty: none.
    pub app_id: String,
    /// Whether it was got with a demo credential: works on loopback only.
    pub demo: bool,
}

/// The two addresses that a credential is part of.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// For a WebSocket.
    pub ws: String,
    /// For an event stream.
    pub events: String,
}

const PURPOSE: &str = "visitor.socket";
/// Where sockets are opened.
pub const WS_PATH: &str = "/os/ws";

/// Makes fresh addresses.
pub fn issue(app: &App, credential: &Credential) -> Addresses {
    let config = &app.config().visitor;
    let ws_id = app.entropy().hex(32);
    let body = body(credential, app.now() + config.credential_seconds * 1_000);
    let signature = app.key().sign(PURPOSE, &format!("{ws_id}.{body}"));
    let query = format!("wsId={ws_id}&authBody={body}.{signature}");
    let public = app.public_url();
    let origin = match config.ws_url.trim_end_matches('/') {
        "" => public.replacen("http", "ws", 1),
        url => url.to_owned(),
    };
    Addresses {
        ws: format!("{origin}{WS_PATH}?{query}"),
        events: format!("{}/api/secondme/visitor-chat/events?{query}", app.base_url()),
    }
}

fn body(credential: &Credential, expires: Millis) -> String {
    let (epoch, demo) = (credential.epoch, u8::from(credential.demo));
    let authorization = credential.authorization.unwrap_or(0);
    format!("{}.{epoch}.{expires}.{authorization}.{demo}.{}", credential.session_id, credential.app_id)
}

/// Reads an address that is genuine and still in its time, at a place where it may be used.
///
/// # Errors
/// [`Close::Credential`].
pub fn verify(app: &App, ws_id: &str, auth_body: &str, peer: Peer) -> Result<Credential, Close> {
    let (body, signature) = auth_body.rsplit_once('.').ok_or(Close::Credential)?;
    let expected = app.key().sign(PURPOSE, &format!("{ws_id}.{body}"));
    if !same(expected.as_bytes(), signature.as_bytes()) {
        return Err(Close::Credential);
    }
    let (credential, expires) = parse(body).ok_or(Close::Credential)?;
    if expires <= app.now() || (credential.demo && !peer.is_loopback()) {
        return Err(Close::Credential);
    }
    Ok(credential)
}

fn parse(body: &str) -> Option<(Credential, Millis)> {
    let mut parts = body.split('.');
    let session_id = parts.next()?.to_owned();
    let mut number = || parts.next()?.parse::<i64>().ok();
    let (epoch, expires, authorization, demo) = (number()?, number()?, number()?, number()? != 0);
    let app_id = parts.next()?.to_owned();
    let authorization = Some(authorization).filter(|id| *id != 0);
    Some((Credential { session_id, epoch, authorization, app_id, demo }, expires))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_written_is_read(epoch in 0i64.., expires in 0i64.., id in proptest::option::of(1i64..), demo in any::<bool>()) {
            let credential = Credential { session_id: "6ff56704-a".into(), epoch, authorization: id, app_id: "app_1".into(), demo };
            prop_assert_eq!(parse(&body(&credential, expires)), Some((credential, expires)));
        }

        #[test]
        fn nonsense_is_nothing(text in "[a-f0-9.-]{0,60}") {
            if let Some((credential, _)) = parse(&text) {
                prop_assert!(text.starts_with(&credential.session_id));
            }
        }
    }
}
