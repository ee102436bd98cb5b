//! From a fetched page to readable text, and from a long text to parts. Pages are hostile: size, depth and time are bounded.

use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use dom_smoothie::{Config, Readability, TextMode};

/// A page's readable text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Readable {
    pub(super) title: String,
    pub(super) text: String,
}

/// Reads a page on a thread of its own, for so long.
///
/// # Errors
/// Why it could not be read, in words for the owner.
pub(super) async fn read(
    headers: &HeaderMap,
    body: &[u8],
    url: &str,
    max_depth: usize,
    limit: Duration,
) -> Result<Readable, String> {
    let kind = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("text/html").to_ascii_lowercase();
    let text = decoded(&kind, body);
    if kind.starts_with("text/plain") || kind.starts_with("text/markdown") {
        return Ok(Readable { title: String::new(), text });
    }
    if !(kind.starts_with("text/html") || kind.starts_with("application/xhtml")) {
        return Err(format!("the page is not text: {}", kind.split(';').next().unwrap_or_default()));
    }
    if depth(&text) > max_depth {
        return Err("the page is nested too deeply".to_owned());
    }
    let url = url.to_owned();
    let reading = tokio::task::spawn_blocking(move || article(&text, &url));
    match tokio::time::timeout(limit, reading).await {
        Ok(Ok(read)) => read,
        Ok(Err(_)) => Err("the page could not be read".to_owned()),
        Err(_) => Err("the page took too long to read".to_owned()),
    }
}

/// The text in the charset that header or page name; UTF-8 without one.
fn decoded(kind: &str, body: &[u8]) -> String {
    let named = |text: &str| {
        let at = text.find("charset=")? + "charset=".len();
        let name: String = text[at..]
            .trim_start_matches(['"', '\''])
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c))
            .collect();
        encoding_rs::Encoding::for_label(name.as_bytes())
    };
    let head = String::from_utf8_lossy(&body[..body.len().min(2_048)]).to_ascii_lowercase();
    let encoding = named(kind).or_else(|| named(&head)).unwrap_or(encoding_rs::UTF_8);
    encoding.decode(body).0.into_owned()
}

/// How deeply elements are nested at most, from the tags alone: what a parser would have to follow.
fn depth(html: &str) -> usize {
    let (mut now, mut most) = (0_usize, 0_usize);
    for tag in html.split('<').skip(1) {
        if tag.starts_with('/') {
            now = now.saturating_sub(1);
        } else if tag.starts_with(|c: char| c.is_ascii_alphabetic()) && !is_void(tag) {
            now += 1;
            most = most.max(now);
        }
    }
    most
}

/// Elements that end where they begin, or whose end is usually left out.
fn is_void(tag: &str) -> bool {
    let name: String = tag.chars().take_while(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let inside = tag.split('>').next().unwrap_or_default();
    inside.ends_with('/')
        || matches!(
            name.as_str(),
            "area"
                | "base"
                | "br"
                | "col"
                | "embed"
                | "hr"
                | "img"
                | "input"
                | "link"
                | "meta"
                | "p"
                | "li"
                | "td"
                | "tr"
                | "th"
                | "dt"
                | "dd"
                | "option"
                | "source"
                | "track"
                | "wbr"
        )
}

fn article(html: &str, url: &str) -> Result<Readable, String> {
    let config = Config { text_mode: TextMode::Formatted, ..Config::default() };
    let mut reader = Readability::new(html, Some(url), Some(config)).map_err(|_| "the page could not be read")?;
    let article = reader.parse().map_err(|_| "the page has no readable text")?;
    let text = article.text_content.trim().to_owned();
    if text.is_empty() {
        return Err("the page has no readable text".to_owned());
    }
    Ok(Readable { title: article.title.trim().to_owned(), text })
}

/// Cuts a text into parts of about `size` characters, at line ends and sentence ends where there are any. There is always one.
pub(crate) fn parts(text: &str, size: usize) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut length = 0;
    for piece in text.split_inclusive(['\n', '.', '!', '?', '。', '！', '？', '；']) {
        for piece in bounded(piece, size) {
            let count = piece.chars().count();
            if length > 0 && length + count > size {
                parts.push(String::new());
                length = 0;
            }
            if let Some(last) = parts.last_mut() {
                last.push_str(piece);
            }
            length += count;
        }
    }
    parts
}

/// A piece without any end in it, cut where it must be.
fn bounded(piece: &str, size: usize) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = piece;
    while let Some((at, _)) = rest.char_indices().nth(size.max(1)) {
        let (head, tail) = rest.split_at(at);
        out.push(head);
        rest = tail;
    }
    out.push(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMIT: Duration = Duration::from_secs(10);

    fn html(kind: &str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, kind.parse().unwrap())])
    }

    #[tokio::test]
    async fn an_article_is_its_text_without_the_page_around_it() {
        let story = "The lighthouse keeper wrote every evening about the ships that passed. ".repeat(12);
        let page = format!(
            "<html><head><title>The Lighthouse</title></head><body><nav><a href=/>Home</a><a href=/x>More</a></nav>\
             <article><h1>The Lighthouse</h1><p>{story}</p><p>{story}</p></article><script>alert(1)</script></body></html>"
        );
        let read = read(&html("text/html"), page.as_bytes(), "https://example.org/a", 800, LIMIT).await.unwrap();
        assert!(
            read.text.contains("lighthouse keeper wrote")
                && !read.text.contains("alert")
                && !read.text.contains("Home")
        );
        assert_eq!(read.title, "The Lighthouse");
    }

    #[tokio::test]
    async fn old_charsets_are_understood() {
        let (bytes, ..) = encoding_rs::GBK.encode("灯塔看守人每天晚上都写日记");
        let read = read(&html("text/plain; charset=gbk"), &bytes, "https://example.org", 800, LIMIT).await.unwrap();
        assert_eq!(read.text, "灯塔看守人每天晚上都写日记");
    }

    #[tokio::test]
    async fn what_cannot_be_read_says_why() {
        let deep = "<div>".repeat(900);
        let refused = |kind: &'static str, body: &str| {
            let body = body.to_owned();
            async move { read(&html(kind), body.as_bytes(), "https://example.org", 800, LIMIT).await.unwrap_err() }
        };
        assert!(refused("text/html", &deep).await.contains("deeply"));
        assert!(refused("image/png", "x").await.contains("image/png"));
        assert!(refused("text/html", "<html><body></body></html>").await.contains("no readable text"));
    }

    proptest! {
        #[test]
        fn parts_put_together_are_the_text(text in "[a-z.\n 。你好]{0,400}", size in 1usize..60) {
            let parts = parts(&text, size);
            prop_assert_eq!(parts.concat(), text);
            prop_assert!(parts.iter().all(|part| part.chars().count() <= size));
        }
    }
}
