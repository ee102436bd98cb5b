//! Who is at the other end of the connection, as far as the network tells.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap};

/// The address at the other end.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// The address of the connection; absent when a request did not come through a socket.
    pub addr: Option<IpAddr>,
    /// Whether a proxy says it speaks for somebody else.
    pub forwarded: bool,
}

impl Peer {
    /// Reads it from a request.
    pub fn of(parts: &Parts) -> Self {
        Self::read(&parts.extensions, &parts.headers)
    }

    /// The same of a request that was not taken apart.
    pub fn of_request(request: &Request) -> Self {
        Self::read(request.extensions(), request.headers())
    }

    fn read(extensions: &Extensions, headers: &HeaderMap) -> Self {
        let addr = extensions.get::<ConnectInfo<SocketAddr>>().map(|c| c.0.ip().to_canonical());
        let forwarded = ["forwarded", "x-forwarded-for", "x-real-ip"].iter().any(|h| headers.contains_key(*h));
        Self { addr, forwarded }
    }

    /// Whether the request comes from this machine itself and through no proxy: the only place where the demo world's
    /// well-known credentials work.
    pub fn is_loopback(self) -> bool {
        !self.forwarded && self.addr.is_some_and(|a| a.is_loopback())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}
