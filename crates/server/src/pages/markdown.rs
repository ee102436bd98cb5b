//! Answers of models as HTML: Markdown, from which nothing can come that the page's policy or the reader should fear.
//!
//! Invariant: HTML in the text is shown as text, links lead to the web or to mail, and pictures are not fetched.

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

/// A text as HTML.
pub fn html(text: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let events = Parser::new_ext(text, options).map(harmless);
    let mut out = String::with_capacity(text.len() * 2);
    html::push_html(&mut out, events);
    out
}

/// A text as it is read aloud: without signs, links and code blocks; a pause after what stood on a line of its own.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut code = false;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => code = true,
            Event::End(TagEnd::CodeBlock) => code = false,
            Event::Text(words) | Event::Code(words) if !code => out.push_str(&words),
            Event::SoftBreak | Event::HardBreak | Event::End(TagEnd::TableCell) => out.push(' '),
            Event::End(
                TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Item | TagEnd::TableRow | TagEnd::TableHead,
            ) => {
                out.push('\n');
            }
            _ => {}
        }
    }
    out.trim().to_owned()
}

fn harmless(event: Event<'_>) -> Event<'_> {
    match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        // A line break is one that was meant.
        Event::SoftBreak => Event::HardBreak,
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            let dest_url = if is_safe(&dest_url) { dest_url } else { CowStr::Borrowed("#") };
            Event::Start(Tag::Link { link_type, dest_url, title, id })
        }
        // What would be fetched is named instead.
        Event::Start(Tag::Image { .. }) => Event::Start(Tag::Emphasis),
        Event::End(TagEnd::Image) => Event::End(TagEnd::Emphasis),
        // `style` of column alignment would need an inline style.
        Event::Start(Tag::Table(columns)) => {
            Event::Start(Tag::Table(columns.iter().map(|_| pulldown_cmark::Alignment::None).collect()))
        }
        // A page has one first heading already.
        Event::Start(Tag::Heading { .. }) => Event::Start(Tag::Paragraph),
        Event::End(TagEnd::Heading(_)) => Event::End(TagEnd::Paragraph),
        other => other,
    }
}

fn is_safe(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https" | "mailto"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_become_a_page_and_nothing_else_does() {
        assert_eq!(html("**a** `b`\nc"), "<p><strong>a</strong> <code>b</code><br />\nc</p>\n");
        assert_eq!(html("<b onclick=x>a</b>"), "<p>&lt;b onclick=x&gt;a&lt;/b&gt;</p>\n");
        assert_eq!(html("[a](javascript:alert(1))"), "<p><a href=\"#\">a</a></p>\n");
        assert!(!html("![a](https://far.example/x.png)").contains("<img"));
        assert!(!html("|a|b|\n|:-|-:|\n|1|2|").contains("style"));
        assert!(!html("# a").contains("<h1"));
    }

    #[test]
    fn what_is_read_aloud_has_no_signs() {
        let text = "**One** [link](https://a.example)\n\n- a `b`\n- c\n\n```\nlet x = 1;\n```\n# End";
        assert_eq!(plain(text), "One link\na b\nc\nEnd");
        assert_eq!(plain("3 < 4 and <b>bold</b>"), "3 < 4 and bold");
    }

    proptest! {
        #[test]
        fn nothing_runs(text in r"[<>a-z!\[\]()#`*_ \n:/=&;'\x22-]{0,80}") {
            let html = html(&text);
            for tag in ["<script", "<img", "<iframe", "<style", "<svg"] {
                prop_assert!(!html.contains(tag), "{html}");
            }
        }
    }
}
