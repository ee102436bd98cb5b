//! Resolving names so that only checked addresses are ever connected to.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::{Judge, OutboundError};

/// How a name becomes addresses.
pub(super) type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>> + Send + Sync>;

/// The operating system's resolver.
pub(super) fn system() -> Lookup {
    Arc::new(|name| {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    })
}

/// A resolver for the HTTP client: the connection goes to what it returns and nowhere else.
pub(super) struct Checked {
    lookup: Lookup,
    may_reach: Judge,
}

impl Checked {
    pub(super) fn new(lookup: Lookup, may_reach: Judge) -> Self {
        Self { lookup, may_reach }
    }
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let found = (self.lookup)(name.as_str().to_owned());
        let may_reach = self.may_reach;
        Box::pin(async move {
            let found = found.await.map_err(|_| OutboundError::Unresolved)?;
            let addresses = checked(found, may_reach)?;
            Ok(Box::new(addresses.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs)
        })
    }
}

/// One private address among public ones makes the whole name suspect.
fn checked(found: Vec<IpAddr>, may_reach: Judge) -> Result<Vec<IpAddr>, OutboundError> {
    if found.is_empty() {
        return Err(OutboundError::Unresolved);
    }
    if !found.iter().all(|address| may_reach(*address)) {
        return Err(OutboundError::Private);
    }
    Ok(found)
}

/// What [`Checked`] said, somewhere below an error of the HTTP client.
pub(super) fn find(error: &reqwest::Error) -> Option<OutboundError> {
    let mut at: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = at {
        if let Some(own) = error.downcast_ref::<OutboundError>() {
            return Some(own.clone());
        }
        at = error.source();
    }
    None
}
