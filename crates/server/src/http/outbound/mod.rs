//! Requests to addresses that somebody else chose: webhooks, links in notes. They reach the public internet only.
//!
//! Invariant: every address is checked after it was resolved, and the connection goes to the address that was checked, so a
//! name that resolves differently a moment later gains nothing. Redirects are followed here, hop by hop, under the same rules.

pub mod address;
mod resolver;

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::http::{HeaderMap, Method, StatusCode, header};
use bytes::Bytes;
use reqwest::Client;
use reqwest::redirect::Policy;
use url::{Host, Url};

use resolver::{Checked, Lookup, find};

/// Which addresses a request may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Public addresses only: not this machine, not its network.
    Public,
    /// Any address: for development, when the operator says so.
    Anywhere,
}

impl Reach {
    /// What an `allow_private` switch of the configuration means.
    pub fn allowing_private(allow: bool) -> Self {
        if allow { Self::Anywhere } else { Self::Public }
    }
}

/// A request to make.
#[derive(Clone, Debug)]
pub struct Ask {
    /// `GET`, `POST`, ….
    pub method: Method,
    /// Where: `http` or `https`, without credentials.
    pub url: Url,
    /// Headers beside those of the connection.
    pub headers: HeaderMap,
    /// What is sent.
    pub body: Bytes,
    /// Which addresses it may reach, redirects included.
    pub reach: Reach,
    /// The whole request may take this long: look-up, connection, redirects and body.
    pub timeout: Duration,
    /// What is kept of the answer's body; reading stops there.
    pub max_bytes: usize,
    /// Redirects that are followed; beyond them the redirect itself is the answer.
    pub redirects: usize,
}

impl Ask {
    /// A `GET` of a public page: no redirects, ten seconds, 1 MiB.
    pub fn get(url: Url) -> Self {
        Self {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            reach: Reach::Public,
            timeout: Duration::from_secs(10),
            max_bytes: 1024 * 1024,
            redirects: 0,
        }
    }

    /// A `POST` under the same limits.
    pub fn post(url: Url, body: impl Into<Bytes>) -> Self {
        Self { method: Method::POST, body: body.into(), ..Self::get(url) }
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status, whatever it is.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// At most `max_bytes` of its body.
    pub body: Bytes,
    /// Whether the body was longer.
    pub cut: bool,
    /// Where it came from, after redirects.
    pub url: Url,
}

/// Why nothing came back. The texts may be shown to whoever named the address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The address cannot be asked at all.
    #[error("the address must be an http or https URL with a host and without credentials")]
    Url,
    /// It leads to this machine or its network.
    #[error("the address leads to a private network, which is not allowed")]
    Private,
    /// Its name has no address.
    #[error("the host name could not be resolved")]
    Unresolved,
    /// It took too long.
    #[error("no complete answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// No connection, or one that broke.
    #[error("the connection failed: {0}")]
    Connection(String),
}

/// Which addresses are public: a parameter, because no test can have a server on the public internet.
type Judge = fn(IpAddr) -> bool;

/// The door to addresses that others chose. Cheap to clone.
#[derive(Clone)]
pub struct Outbound(Arc<Inner>);

struct Inner {
    lookup: Lookup,
    is_public: Judge,
    public: OnceLock<Client>,
    anywhere: OnceLock<Client>,
}

impl Default for Outbound {
    fn default() -> Self {
        Self::with(resolver::system(), address::is_public)
    }
}

impl Outbound {
    fn with(lookup: Lookup, is_public: Judge) -> Self {
        Self(Arc::new(Inner { lookup, is_public, public: OnceLock::new(), anywhere: OnceLock::new() }))
    }

    /// Makes the request. Any status is an answer.
    ///
    /// # Errors
    /// When the address is refused, does not answer in time, or the connection fails.
    pub async fn send(&self, ask: Ask) -> Result<Answer, OutboundError> {
        let limit = ask.timeout;
        tokio::time::timeout(limit, self.follow(ask)).await.unwrap_or(Err(OutboundError::Timeout(limit)))
    }

    async fn follow(&self, mut ask: Ask) -> Result<Answer, OutboundError> {
        loop {
            written(&ask.url, self.judge(ask.reach))?;
            let response = self.once(&ask).await?;
            match next(&ask, response.status(), response.headers()) {
                Some(url) => redirect(&mut ask, url, response.status()),
                None => return read(response, &ask).await,
            }
        }
    }

    async fn once(&self, ask: &Ask) -> Result<reqwest::Response, OutboundError> {
        let client = self.client(ask.reach)?;
        let request = client.request(ask.method.clone(), ask.url.clone()).headers(ask.headers.clone());
        let request = if ask.body.is_empty() { request } else { request.body(ask.body.clone()) };
        request.send().await.map_err(|error| failure(&error))
    }

    fn judge(&self, reach: Reach) -> Judge {
        if reach == Reach::Public { self.0.is_public } else { |_| true }
    }

    fn client(&self, reach: Reach) -> Result<&Client, OutboundError> {
        let slot = if reach == Reach::Public { &self.0.public } else { &self.0.anywhere };
        if let Some(client) = slot.get() {
            return Ok(client);
        }
        // A proxy would resolve and connect in our place, beyond these checks.
        let client = Client::builder()
            .user_agent(concat!("secondme-server/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .no_proxy()
            .dns_resolver(Checked::new(Arc::clone(&self.0.lookup), self.judge(reach)))
            .build()
            .map_err(|error| failure(&error))?;
        Ok(slot.get_or_init(|| client))
    }
}

/// Refuses what is refused without asking any server: other schemes, credentials, and addresses written as numbers, which are
/// never resolved. For checking an address when it is given, before it is ever used.
///
/// # Errors
/// [`OutboundError::Url`] and [`OutboundError::Private`].
pub fn check(url: &Url, reach: Reach) -> Result<(), OutboundError> {
    written(url, if reach == Reach::Public { address::is_public } else { |_| true })
}

fn written(url: &Url, may_reach: Judge) -> Result<(), OutboundError> {
    let plain = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    let address: IpAddr = match url.host().filter(|_| plain) {
        None => return Err(OutboundError::Url),
        Some(Host::Domain(_)) => return Ok(()),
        Some(Host::Ipv4(address)) => address.into(),
        Some(Host::Ipv6(address)) => address.into(),
    };
    if may_reach(address) { Ok(()) } else { Err(OutboundError::Private) }
}

/// Where a redirect leads, when it is to be followed.
fn next(ask: &Ask, status: StatusCode, headers: &HeaderMap) -> Option<Url> {
    if ask.redirects == 0 || !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = headers.get(header::LOCATION)?.to_str().ok()?;
    ask.url.join(location).ok()
}

/// The next request: as browsers do, a `POST` becomes a `GET` unless the status says otherwise; credentials stay at their host.
fn redirect(ask: &mut Ask, url: Url, status: StatusCode) {
    if !matches!(status.as_u16(), 307 | 308) && ask.method != Method::HEAD {
        ask.method = Method::GET;
        ask.body = Bytes::new();
        ask.headers.remove(header::CONTENT_TYPE);
    }
    if url.origin() != ask.url.origin() {
        ask.headers.remove(header::AUTHORIZATION);
        ask.headers.remove(header::COOKIE);
    }
    ask.url = url;
    ask.redirects -= 1;
}

async fn read(mut response: reqwest::Response, ask: &Ask) -> Result<Answer, OutboundError> {
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body = Vec::new();
    let mut cut = false;
    while let Some(piece) = response.chunk().await.map_err(|error| failure(&error))? {
        let room = ask.max_bytes - body.len();
        body.extend_from_slice(&piece[..piece.len().min(room)]);
        if piece.len() > room {
            cut = true;
            break;
        }
    }
    Ok(Answer { status, headers, body: body.into(), cut, url: ask.url.clone() })
}

/// The deepest cause in words, without the URL; what the resolver said is found again.
fn failure(error: &reqwest::Error) -> OutboundError {
    if let Some(own) = find(error) {
        return own;
    }
    let mut deepest: &dyn std::error::Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    OutboundError::Connection(deepest.to_string())
}

#[cfg(test)]
mod tests;
