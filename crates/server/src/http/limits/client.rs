//! Whose request it is, as far as the network tells: the connection's address, or what a trusted proxy says.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::{ConnectInfo, Request};
use axum::http::HeaderMap;

/// The proxies whose word is believed.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Vec<(IpAddr, u8)>);

impl Proxies {
    /// From addresses (`10.0.0.7`) and networks (`10.0.0.0/8`); what cannot be read was refused with the configuration.
    pub fn parse(list: &[String]) -> Self {
        Self(list.iter().filter_map(|text| network(text)).collect())
    }

    /// Whether an entry can be read.
    pub fn is_valid(text: &str) -> bool {
        network(text).is_some()
    }

    /// The client's address (of IPv6 the network, of which a client has all addresses); none for this machine itself through no proxy, and for requests without a connection.
    pub(super) fn client(&self, request: &Request) -> Option<IpAddr> {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>()?.0.ip().to_canonical();
        let forwarded = if self.trusts(peer) { self.forwarded(request.headers()) } else { None };
        match forwarded {
            Some(address) => Some(network_of(address)),
            None => (!peer.is_loopback()).then_some(network_of(peer)),
        }
    }

    /// The last address of `X-Forwarded-For` that is no proxy of ours: those before it are what the client says.
    fn forwarded(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let values = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let all: Vec<&str> = values.flat_map(|value| value.split(',')).map(str::trim).collect();
        let addresses = all.iter().rev().map_while(|text| text.parse::<IpAddr>().ok()).map(|a| a.to_canonical());
        let mut last = None;
        for address in addresses {
            last = Some(address);
            if !self.trusts(address) {
                break;
            }
        }
        last
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|(network, bits)| common_bits(*network, address) >= *bits)
    }
}

/// An IPv6 client usually has a /64 to itself, and could ask from another address each time.
fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
    }
}

fn network(text: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
        None => (text, None),
    };
    let address: IpAddr = address.trim().parse().ok()?;
    let whole = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(whole);
    (bits <= whole).then_some((address, bits))
}

/// How many leading bits two addresses share; 0 for different families, less than any network has.
fn common_bits(a: IpAddr, b: IpAddr) -> u8 {
    let shared = match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
        _ => return 0,
    };
    u8::try_from(shared).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn client(proxies: &[&str], peer: &str, forwarded: &[&str]) -> Option<String> {
        let proxies = Proxies::parse(&proxies.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>());
        let mut request = Request::builder().uri("/");
        for value in forwarded {
            request = request.header("x-forwarded-for", *value);
        }
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        proxies.client(&request).map(|a| a.to_string())
    }

    #[test]
    fn only_a_trusted_proxys_word_is_believed() {
        assert_eq!(client(&[], "9.9.9.9", &["1.1.1.1"]).unwrap(), "9.9.9.9");
        assert_eq!(client(&["9.9.9.0/24"], "9.9.9.9", &["1.1.1.1"]).unwrap(), "1.1.1.1");
        // What the client itself put in front does not count.
        assert_eq!(client(&["9.9.9.9"], "9.9.9.9", &["6.6.6.6, 1.1.1.1"]).unwrap(), "1.1.1.1");
        assert_eq!(
            client(&["9.9.9.9", "10.0.0.0/8"], "9.9.9.9", &["6.6.6.6", "1.1.1.1, 10.1.2.3"]).unwrap(),
            "1.1.1.1"
        );
        assert_eq!(client(&["9.9.9.9"], "9.9.9.9", &["unknown"]).unwrap(), "9.9.9.9");
        assert_eq!(client(&["::1"], "::1", &["2001:db8::1"]).unwrap(), "2001:db8::");
        assert_eq!(client(&[], "2001:db8:1:2:aaaa:bbbb:cccc:dddd", &[]).unwrap(), "2001:db8:1:2::");
        // This machine itself.
        assert_eq!(client(&[], "127.0.0.1", &[]), None);
        assert_eq!(client(&[], "::ffff:127.0.0.1", &["1.1.1.1"]), None);
        assert_eq!(client(&["127.0.0.1"], "127.0.0.1", &["1.1.1.1"]).unwrap(), "1.1.1.1");
        assert!(Proxies::is_valid("10.0.0.0/8") && !Proxies::is_valid("10.0.0.0/33") && !Proxies::is_valid("proxy"));
    }
}
