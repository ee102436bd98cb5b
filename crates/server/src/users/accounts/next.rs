//! Where to go after logging in: a path of this server, never another site.

/// The path, when it stays on this server: it starts with a single slash, and nothing in it could make a browser read it
/// otherwise (browsers take `\` for `/` and drop tabs and line breaks).
pub fn local_path(next: &str) -> Option<&str> {
    let local =
        next.starts_with('/') && !next.starts_with("//") && next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    local.then_some(next)
}

/// `/login`, remembering where to go from there.
pub fn login_url(next: &str) -> String {
    with_next("/login", next)
}

/// `page` with `next`, unless that is nowhere in particular.
pub(super) fn with_next(page: &str, next: &str) -> String {
    match local_path(next) {
        None | Some("/") => page.to_owned(),
        Some(next) => {
            let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
            format!("{page}?{query}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_paths_of_this_server_are_followed() {
        for good in ["/", "/oauth?client_id=a&redirect_uri=http://x//y", "/auth/skills?challenge=a%5Cb"] {
            assert_eq!(local_path(good), Some(good));
        }
        for bad in [
            "",
            "oauth",
            "//evil.example",
            "/\\evil.example",
            "\\/evil",
            "https://evil",
            "/\t/evil.example",
            "/a\r\nb",
            "/é",
            "/ /evil",
            "javascript:alert(1)",
        ] {
            assert_eq!(local_path(bad), None, "{bad:?}");
        }
        assert_eq!(login_url("/oauth?a=b&c=d e"), "/login");
        assert_eq!(login_url("/oauth?a=b&c=d"), "/login?next=%2Foauth%3Fa%3Db%26c%3Dd");
        assert_eq!(login_url("//evil.example"), "/login");
    }

    proptest! {
        #[test]
        fn a_browser_stays_on_the_server(next in r"[/\\a-z:@.?#%\t\n]{0,24}") {
            if let Some(path) = local_path(&next) {
                let here = url::Url::parse("https://here.example/login").unwrap();
                let there = here.join(path).unwrap();
                prop_assert_eq!(there.host_str(), Some("here.example"));
            }
        }
    }
}
