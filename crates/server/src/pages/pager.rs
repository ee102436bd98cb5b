//! Earlier and later pages of a list, as links that keep the rest of the address.

use secondme_kit::Page as Slice;

use crate::http::page::Frame;

/// Where the pages before and after this one are.
#[derive(Clone, Debug)]
pub struct Pager {
    /// The page before.
    pub back: Option<String>,
    /// The page after.
    pub on: Option<String>,
}

impl Pager {
    /// Around a page of a list of `total`.
    pub fn new(frame: &Frame, slice: Slice, total: i64) -> Self {
        Self {
            back: (slice.number > 1).then(|| address(&frame.here, slice.number - 1)),
            on: slice.has_more(total).then(|| address(&frame.here, slice.number + 1)),
        }
    }
}

/// The same address with another `page`.
fn address(here: &str, page: i64) -> String {
    let (path, query) = here.split_once('?').unwrap_or((here, ""));
    let kept = url::form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "page");
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(kept)
        .append_pair("page", &page.to_string())
        .finish();
    format!("{path}?{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_the_address_is_kept() {
        let frame = Frame { here: "/home/memory?q=a%26b&page=2".to_owned(), ..Frame::default() };
        let pager = Pager::new(&frame, Slice::new(Some(2), None, 20), 60);
        assert_eq!(pager.back.as_deref(), Some("/home/memory?q=a%26b&page=1"));
        assert_eq!(pager.on.as_deref(), Some("/home/memory?q=a%26b&page=3"));
        assert!(Pager::new(&frame, Slice::new(Some(3), None, 20), 60).on.is_none());
    }
}
