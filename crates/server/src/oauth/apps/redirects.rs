//! Redirect URIs: which can be registered, and which registered one a request means.

use std::net::IpAddr;

use url::{Host, Url};

/// Whether a URI can be registered: absolute, to the letter as a browser would send it, no fragment, no credentials, no
/// wildcard, and no scheme that runs code in the browser.
pub fn is_redirect_uri(text: &str) -> bool {
    let plain = text.len() <= 2_000
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'"' | b'<' | b'>'));
    let Some(url) = Url::parse(text).ok().filter(|_| plain) else { return false };
    if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return false;
    }
    match url.scheme() {
        "http" | "https" => url.host_str().is_some_and(|host| !host.contains('*')) && text.contains("://"),
        "javascript" | "data" | "vbscript" | "file" | "blob" | "about" | "ws" | "wss" | "ftp" | "mailto" => false,
        _ => true,
    }
}

/// Whether `given` is the registered URI on another port of the loopback interface: native apps cannot choose theirs
/// (RFC 8252, 7.3).
pub fn is_same_loopback(registered: &str, given: &str) -> bool {
    let (Ok(registered), Ok(mut other)) = (Url::parse(registered), Url::parse(given)) else { return false };
    if !is_redirect_uri(given) || !is_loopback(&registered) || !is_loopback(&other) {
        return false;
    }
    other.set_port(registered.port()).is_ok() && other == registered
}

fn is_loopback(url: &Url) -> bool {
    url.scheme() == "http"
        && match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
            Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
            None => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_uris_are_checked() {
        for good in [
            "http://localhost:3000/api/auth/callback",
            "https://app.example/cb?x=1",
            "com.example.app:/cb",
            "myapp://callback",
            "http://127.0.0.1/cb",
            "http://[::1]:5000/cb",
        ] {
            assert!(is_redirect_uri(good), "{good}");
        }
        for bad in [
            "/callback",
            "https://app.example/cb#x",
            "https://app.example/cb#",
            "javascript:alert(1)",
            "data:text/html,x",
            "",
            "http://",
            "https://user@app.example/cb",
            "https://app.example\\@evil.example/",
            "https://*.example/cb",
            "https://app.example/a b",
            "https:app.example/cb",
            "https://app.example/\u{e9}",
        ] {
            assert!(!is_redirect_uri(bad), "{bad}");
        }
    }

    #[test]
    fn only_the_port_of_the_loopback_interface_is_free() {
        let same = is_same_loopback;
        assert!(same("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb"));
        assert!(same("http://127.0.0.1:3000/cb?a=1", "http://127.0.0.1:51004/cb?a=1"));
        assert!(same("http://[::1]/cb", "http://[::1]:4/cb"));
        assert!(same("http://localhost/cb", "http://localhost:4/cb"));
        for (registered, given) in [
            ("http://127.0.0.1/cb", "http://127.0.0.1:4/other"),
            ("http://127.0.0.1/cb", "http://localhost:4/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:4/cb?x"),
            ("http://127.0.0.1/cb", "http://user@127.0.0.1:4/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:4/cb#x"),
            ("http://127.0.0.1/cb", "https://127.0.0.1:4/cb"),
            ("https://127.0.0.1/cb", "https://127.0.0.1:4/cb"),
            ("https://app.example/cb", "https://app.example:4/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1.evil.example:4/cb"),
        ] {
            assert!(!same(registered, given), "{registered} {given}");
        }
    }
}
