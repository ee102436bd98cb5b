//! How often somebody may ask, and how much is worked on at a time. Counted in this process; nodes on one bus tell each other twice a
//! second what was taken ([`shared`]), so that together they give little more than one would.
//!
//! A request meets up to three limits: its address before anything is read, then its user and its app once the token is known.
//! The one that is nearest to its end is told in `RateLimit-*` headers. Requests from this machine itself, through no
//! proxy, are the operator's and have none.

mod bucket;
mod client;
mod load;
pub mod shared;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::http::header::HeaderName;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use secondme_kit::Millis;

use crate::app::App;
use crate::config;
use crate::error::{ApiError, Code, Result};
use bucket::{Buckets, Rate};

pub use bucket::Standing;
pub use client::Proxies;
pub use load::Load;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject<'a> {
    /// A client's address.
    Address(IpAddr),
    /// A user.
    User(i64),
    /// An app, by its id.
    App(&'a str),
}

/// The counters of this process.
#[derive(Debug)]
pub struct Limits {
    address: (Option<Rate>, Buckets),
    user: (Option<Rate>, Buckets),
    app: (Option<Rate>, Buckets),
    proxies: Proxies,
    load: Load,
}

/// What the request that is being answered has met so far; absent for those that have no limits.
#[derive(Clone, Debug, Default)]
pub struct Met(Arc<Mutex<Option<Standing>>>);

impl Limits {
    /// From the configuration.
    pub fn new(config: &config::Limits, trusted_proxies: &[String]) -> Self {
        let rate = |per_minute| (Rate::per_minute(per_minute), Buckets::default());
        Self {
            address: rate(config.address_per_minute),
            user: rate(config.user_per_minute),
            app: rate(config.app_per_minute),
            proxies: Proxies::parse(trusted_proxies),
            load: Load::new(config.in_flight_max),
        }
    }

    /// Requests that are being worked on.
    pub fn in_flight(&self) -> i64 {
        self.load.now()
    }

    /// The limits there are, in an order that is the same on every node.
    fn all(&self) -> [&(Option<Rate>, Buckets); 3] {
        [&self.address, &self.user, &self.app]
    }

    /// Counts one request of a subject.
    ///
    /// # Errors
    /// `request.rate.limited` with the seconds to wait.
    pub fn count(&self, subject: Subject<'_>, met: &Met, now: Millis) -> Result<()> {
        let (rate, buckets) = match subject {
            Subject::Address(_) => &self.address,
            Subject::User(_) => &self.user,
            Subject::App(_) => &self.app,
        };
        let Some(rate) = rate else { return Ok(()) };
        let standing = buckets.take(&subject, *rate, now);
        met.note(standing);
        if standing.allowed {
            return Ok(());
        }
        let seconds = standing.wait_seconds();
        Err(ApiError::new(Code::RateLimited).arg(seconds).retry_after(seconds))
    }
}

impl Met {
    /// Keeps the standing that is nearest to its end.
    fn note(&self, new: Standing) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_none_or(|old| (new.allowed, new.remaining) < (old.allowed, old.remaining)) {
            *kept = Some(new);
        }
    }

    fn write(&self, headers: &mut HeaderMap) {
        let Some(standing) = *self.0.lock().unwrap_or_else(PoisonError::into_inner) else { return };
        headers.insert(HeaderName::from_static("ratelimit-limit"), HeaderValue::from(standing.limit));
        headers.insert(HeaderName::from_static("ratelimit-remaining"), HeaderValue::from(standing.remaining));
        headers.insert(HeaderName::from_static("ratelimit-reset"), HeaderValue::from(standing.reset_seconds()));
    }
}

/// Around every route: sheds what a busy node cannot do, counts the address, and tells how the counting stands.
pub async fn limit(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let limits = app.limits();
    if is_operators(request.uri().path()) {
        return next.run(request).await;
    }
    let Some(_place) = limits.load.enter(request.method()) else {
        app.metrics().shed();
        return ApiError::new(Code::Overloaded).retry_after(1).into_response();
    };
    let Some(address) = limits.proxies.client(&request) else { return next.run(request).await };
    let met = Met::default();
    request.extensions_mut().insert(met.clone());
    let mut response = match limits.count(Subject::Address(address), &met, app.now()) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    };
    met.write(response.headers_mut());
    response
}

/// A node that sheds must still be able to say so.
fn is_operators(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz" | "/metrics")
}
