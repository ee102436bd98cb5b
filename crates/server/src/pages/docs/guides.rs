//! Guides: Markdown in both languages, embedded in the binary, with this server's own addresses filled in.

use askama::Template;
use axum::extract::{Path, State};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html};

use crate::app::App;
use crate::error::{ApiError, Code, Lang, Result};
use crate::http::page::{Frame, Page};

/// A guide.
struct Guide {
    slug: &'static str,
    title: (&'static str, &'static str),
    about: (&'static str, &'static str),
    icon: &'static str,
    text: (&'static str, &'static str),
}

macro_rules! guide {
    ($slug:literal, $icon:literal, $title:expr, $about:expr) => {
        Guide {
            slug: $slug,
            title: $title,
            about: $about,
            icon: $icon,
            text: (
                include_str!(concat!("../../../guides/en/", $slug, ".md")),
                include_str!(concat!("../../../guides/zh/", $slug, ".md")),
            ),
        }
    };
}

const CHANGELOG: &str = include_str!("../../../../../CHANGELOG.md");

const GUIDES: &[Guide] = &[
    guide!("quick-start", "send", ("Quick start", "快速开始"), ("From nothing to a first answer", "从零到第一个回答")),
    guide!("oauth2", "key", ("OAuth2", "OAuth2"), ("People let your app in", "用户授权")),
    guide!("chat", "chat", ("Chat", "对话"), ("Talk to an avatar, as a stream", "以流的方式与分身对话")),
    guide!("act", "check", ("Act", "Act"), ("Judgements in JSON of your own shape", "按你的结构返回 JSON 判断")),
    guide!(
        "agent-memory",
        "memory",
        ("Agent memory", "Agent Memory"),
        ("Report what people did in your app", "上报用户的活动")
    ),
    guide!(
        "visitor-chat",
        "avatars",
        ("Visitor chat", "访客对话"),
        ("Let anybody talk to an avatar", "让任何人与分身交谈")
    ),
    guide!("webhooks", "link", ("Webhooks", "Webhook"), ("Hear when access ends", "接收授权撤销通知")),
    guide!("errors", "warn", ("Errors", "错误处理"), ("What each means, what to do", "含义与处理方式")),
    Guide {
        slug: "changelog",
        title: ("Changelog", "更新日志"),
        about: ("What is new on this server", "本服务器的新变化"),
        icon: "timeline",
        text: (CHANGELOG, CHANGELOG),
    },
];

/// A guide in a list.
struct Line {
    slug: &'static str,
    title: &'static str,
    about: &'static str,
    icon: &'static str,
}

fn lines(lang: Lang) -> Vec<Line> {
    let line = |guide: &Guide| Line {
        slug: guide.slug,
        title: lang.pick(guide.title.0, guide.title.1),
        about: lang.pick(guide.about.0, guide.about.1),
        icon: guide.icon,
    };
    GUIDES.iter().map(line).collect()
}

#[derive(Template)]
#[template(path = "docs/index.html")]
struct IndexTemplate {
    lang: Lang,
    frame: Frame,
    guides: Vec<Line>,
}

/// `/docs`: all guides, and the way to the reference.
pub(super) async fn index(frame: Frame) -> Page {
    Page::new(&IndexTemplate { lang: frame.lang, guides: lines(frame.lang), frame })
}

#[derive(Template)]
#[template(path = "docs/guide.html")]
struct GuideTemplate {
    lang: Lang,
    frame: Frame,
    guides: Vec<Line>,
    slug: &'static str,
    title: &'static str,
    body: String,
}

/// `/docs/{guide}`.
pub(super) async fn page(State(app): State<App>, frame: Frame, Path(slug): Path<String>) -> Result<Page> {
    let guide = GUIDES.iter().find(|guide| guide.slug == slug).ok_or_else(|| ApiError::new(Code::RouteNotFound))?;
    let lang = frame.lang;
    let text = lang.pick(guide.text.0, guide.text.1);
    let text = text.replace("{{origin}}", app.public_url()).replace("{{api}}", &format!("{}/api", app.base_url()));
    Ok(Page::new(&GuideTemplate {
        lang,
        frame,
        guides: lines(lang),
        slug: guide.slug,
        title: lang.pick(guide.title.0, guide.title.1),
        body: rendered(&text),
    }))
}

/// Markdown as HTML. Raw HTML in it stays text; code can be focused, so that it can be scrolled with the keyboard.
fn rendered(text: &str) -> String {
    let options = Options::ENABLE_TABLES;
    let events = Parser::new_ext(text, options).map(|event| match event {
        Event::Html(raw) | Event::InlineHtml(raw) => Event::Text(raw),
        Event::Start(Tag::Table(_)) => Event::Html("<div class=\"wide-table\" tabindex=\"0\"><table>".into()),
        Event::End(TagEnd::Table) => Event::Html("</tbody></table></div>".into()),
        Event::Start(Tag::CodeBlock(_)) => Event::Html("<pre tabindex=\"0\"><code>".into()),
        Event::End(TagEnd::CodeBlock) => Event::Html("</code></pre>".into()),
        other => other,
    });
    let mut out = String::new();
    html::push_html(&mut out, events);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_guide_is_there_in_both_languages_and_its_links_lead_somewhere() {
        let known: Vec<String> = GUIDES.iter().map(|guide| format!("/docs/{}", guide.slug)).collect();
        for guide in GUIDES {
            for text in [guide.text.0, guide.text.1] {
                assert!(text.starts_with("# "), "{}", guide.slug);
                for link in text.split("](/docs/").skip(1) {
                    let to = format!("/docs/{}", link.split([')', '#']).next().unwrap_or_default());
                    assert!(to.starts_with("/docs/api") || known.contains(&to), "{} links to {to}", guide.slug);
                }
            }
            assert!(guide.slug == "changelog" || guide.text.0 != guide.text.1, "{}", guide.slug);
        }
    }

    #[test]
    fn raw_html_stays_text() {
        let html = rendered("a <script>alert(1)</script>\n\n| a |\n|---|\n| `b` |\n\n```sh\ncurl <x>\n```\n");
        assert!(html.contains("&lt;script&gt;") && !html.contains("<script"), "{html}");
        assert!(
            html.contains("<table>") && html.contains("<code>b</code>") && html.contains("curl &lt;x&gt;"),
            "{html}"
        );
        assert_eq!(html.matches("<tbody>").count(), html.matches("</tbody>").count(), "{html}");
    }
}
