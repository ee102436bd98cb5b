//! The two languages of messages: what this browser chose on a page, else by `Accept-Language`.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT_LANGUAGE, COOKIE};
use axum::http::request::Parts;

/// English, or Chinese when the client prefers it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Chinese.
    Zh,
}

impl Lang {
    /// What the browser chose on a page; else the first of `zh` and `en` of `Accept-Language` by weight, English when neither
    /// is named.
    pub fn of(headers: &HeaderMap) -> Self {
        if let Some(chosen) = chosen(headers) {
            return chosen;
        }
        let value = headers.get(ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let mut best = (0.0, Self::En);
        for entry in value.split(',') {
            let (tag, weight) = entry.split_once(";q=").unwrap_or((entry, "1"));
            let lang = match tag.trim().split(['-', '_']).next().map(str::to_ascii_lowercase).as_deref() {
                Some("zh") => Self::Zh,
                Some("en") => Self::En,
                _ => continue,
            };
            let weight = weight.trim().parse::<f32>().unwrap_or(0.0);
            if weight > best.0 {
                best = (weight, lang);
            }
        }
        best.1
    }

    /// From the word of the language switch.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "en" => Some(Self::En),
            "zh" => Some(Self::Zh),
            _ => None,
        }
    }

    /// The word of the language switch.
    pub fn word(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
        }
    }

    /// The tag for `<html lang>`.
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh-CN",
        }
    }

    /// The text of this language.
    pub fn pick<'t>(self, en: &'t str, zh: &'t str) -> &'t str {
        match self {
            Self::En => en,
            Self::Zh => zh,
        }
    }
}

/// The cookie of the language switch.
pub const LANGUAGE_COOKIE: &str = "secondme_lang";

fn chosen(headers: &HeaderMap) -> Option<Lang> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == LANGUAGE_COOKIE).and_then(|(_, word)| Lang::parse(word))
}

impl<S: Send + Sync> FromRequestParts<S> for Lang {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_language_wins() {
        let of = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_LANGUAGE, value.parse().unwrap());
            Lang::of(&headers)
        };
        assert_eq!(of("zh-CN,zh;q=0.9,en;q=0.8"), Lang::Zh);
        assert_eq!(of("en-US,en;q=0.9,zh;q=0.8"), Lang::En);
        assert_eq!(of("fr,zh;q=0.3"), Lang::Zh);
        assert_eq!(of("fr"), Lang::En);
        assert_eq!(Lang::of(&HeaderMap::new()), Lang::En);
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, "a=b; secondme_lang=zh".parse().unwrap());
        headers.insert(ACCEPT_LANGUAGE, "en".parse().unwrap());
        assert_eq!(Lang::of(&headers), Lang::Zh);
    }
}
