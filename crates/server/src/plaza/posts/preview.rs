//! From a fetched page to the few words that stand under a link: its title, description and picture. Only the head of the page
//! is looked at, tag by tag; nothing is parsed that could be nested.

use axum::http::header::CONTENT_TYPE;
use url::Url;

use super::LinkMeta;
use crate::config::Config;
use crate::http::outbound::Answer;

/// What the page says about itself; none when it is no page.
pub(super) fn read(answer: &Answer, config: &Config) -> Option<LinkMeta> {
    let kind =
        answer.headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("text/html").to_ascii_lowercase();
    if !kind.contains("html") {
        return None;
    }
    let html = String::from_utf8_lossy(&answer.body);
    let head = Head::read(&html);
    let plaza = &config.plaza;
    let short = |text: &str| text.chars().take(plaza.caption_max_chars).collect::<String>();
    let title = head.first(&["og:title", "twitter:title", "title"]);
    let description = head.first(&["og:description", "twitter:description", "description"]);
    let picture = head.first(&["og:image", "og:image:url", "twitter:image"]);
    Some(LinkMeta {
        url: answer.url.to_string(),
        title: short(&title),
        description: short(&description),
        thumbnail: web_url(&answer.url, &picture, plaza.url_max_chars),
        text_content: description.chars().take(plaza.link_text_max_chars).collect(),
    })
}

/// The address of a picture on that page; empty when there is none.
fn web_url(page: &Url, text: &str, max: usize) -> String {
    let url = (!text.is_empty()).then(|| page.join(text).ok()).flatten();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https")).map(String::from);
    url.filter(|url| url.len() <= max).unwrap_or_default()
}

/// The names and contents of a page's `<meta>` tags, and its `<title>`.
struct Head(Vec<(String, String)>);

impl Head {
    fn read(html: &str) -> Self {
        let mut found = Vec::new();
        for tag in html.split('<').skip(1) {
            let name: String =
                tag.chars().take_while(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
            match name.as_str() {
                "body" => break,
                "title" => found.extend(tag.split_once('>').map(|(_, text)| ("title".to_owned(), plain(text)))),
                "meta" => found.extend(meta(tag)),
                _ => {}
            }
        }
        Self(found)
    }

    /// The first of these names that says something.
    fn first(&self, names: &[&str]) -> String {
        let said =
            |name: &&str| self.0.iter().find(|(n, text)| n == *name && !text.is_empty()).map(|(_, text)| text.clone());
        names.iter().find_map(said).unwrap_or_default()
    }
}

/// Name and content of a `<meta …>` tag.
fn meta(tag: &str) -> Option<(String, String)> {
    let attributes = attributes(tag);
    let value = |name: &str| attributes.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    let name = value("property").or_else(|| value("name"))?.to_ascii_lowercase();
    Some((name, plain(value("content")?)))
}

/// The attributes of a tag, in order; values may be in either kind of quotes, or in none.
fn attributes(tag: &str) -> Vec<(String, String)> {
    let mut rest = tag.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
    let mut found = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        let Some(end) = rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | '>')) else { return found };
        let name = rest[..end].to_ascii_lowercase();
        rest = rest[end..].trim_start();
        let Some(after) = rest.strip_prefix('=').map(str::trim_start) else {
            if name.is_empty() {
                return found;
            }
            continue;
        };
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (value, next) = match quote {
            Some(quote) => after[1..].split_once(quote).unwrap_or((&after[1..], "")),
            None => after.split_at(after.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(after.len())),
        };
        found.push((name, value.to_owned()));
        rest = next;
    }
}

/// A text without the entities that titles usually have, and with single spaces.
fn plain(text: &str) -> String {
    let mut out = text.to_owned();
    for (entity, c) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ] {
        out = out.replace(entity, c);
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_page_says_what_it_is() {
        let head = Head::read(
            "<!doctype html><html><head><TITLE>Plain &amp; simple</title><meta charset=utf-8>\
             <meta property='og:title' content='Bread &quot;rye&quot;'><meta content=\"About  bread\" name=Description />\
             <meta property=og:image content=/rye.png></head><body><meta property=og:title content=evil>",
        );
        assert_eq!(head.first(&["og:title", "title"]), "Bread \"rye\"");
        assert_eq!(head.first(&["title"]), "Plain & simple");
        assert_eq!(head.first(&["og:description", "description"]), "About bread");
        let page = Url::parse("https://example.org/a/b").unwrap();
        assert_eq!(web_url(&page, &head.first(&["og:image"]), 100), "https://example.org/rye.png");
        assert_eq!(web_url(&page, "javascript:alert(1)", 100), "");
    }

    proptest! {
        #[test]
        fn any_text_is_read(html in "(<meta |<title|property=|content=|[\"'>/= ]|\\PC){0,60}") {
            let _ = Head::read(&html);
        }
    }
}
