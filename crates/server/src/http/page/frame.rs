//! What every page knows besides its own matter: its language, its address, who looks at it, and what to tell them.

use crate::error::Lang;

use super::flash::Flash;
use super::icons::icon;

/// Around every page.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// The language of the page.
    pub lang: Lang,
    /// The path and query of the page: where switching the language or signing in comes back to.
    pub here: String,
    /// Who is signed in.
    pub viewer: Option<Viewer>,
    /// What the last form of this browser led to.
    pub flash: Option<Flash>,
    /// Whether only a part of the page is wanted (`HX-Request`).
    pub partial: bool,
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// Their name.
    pub name: String,
    /// The address they signed in with.
    pub email: String,
    /// The token that every form carries in the field `csrf`, and scripts in the header `X-CSRF-Token`.
    pub csrf: String,
    /// Whether they operate this server.
    pub operator: bool,
}

impl Viewer {
    /// The first letter of the name, in place of a picture.
    pub fn initial(&self) -> String {
        initial(&self.name)
    }
}

/// The first letter of a name, in place of a picture.
pub fn initial(name: impl AsRef<str>) -> String {
    name.as_ref().chars().next().map(|c| c.to_uppercase().collect()).unwrap_or_default()
}

impl Frame {
    /// A page that knows nobody: errors, and forms that were refused.
    pub fn bare(lang: Lang) -> Self {
        Self { lang, ..Self::default() }
    }

    /// Whether the page stands at `place`, or below it.
    pub fn is_at(&self, place: &str) -> bool {
        let path = self.here.split('?').next().unwrap_or_default();
        path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// For `aria-current`: `page` where the page stands at `place`, or below it.
    pub fn current(&self, place: &str) -> &'static str {
        if self.is_at(place) { "page" } else { "false" }
    }

    /// A drawing by its name ([`super::icons`]); templates write `{{ frame.icon("chat")|safe }}`.
    pub fn icon(&self, name: &str) -> String {
        icon(name)
    }

    /// Whether somebody is signed in who operates this server.
    pub fn is_operator(&self) -> bool {
        self.viewer.as_ref().is_some_and(|viewer| viewer.operator)
    }

    /// The token of forms; empty when nobody is signed in.
    pub fn csrf(&self) -> &str {
        self.viewer.as_ref().map_or("", |viewer| viewer.csrf.as_str())
    }

    /// Where signing in comes back to this page.
    pub fn sign_in(&self) -> String {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", &self.here).finish();
        format!("/login?{query}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_stands_at_its_place_and_above() {
        let frame = Frame { here: "/home/memory/notes?page=2".to_owned(), ..Frame::default() };
        assert!(frame.is_at("/home/memory") && frame.is_at("/home/memory/notes"));
        assert!(!frame.is_at("/home/mem") && !frame.is_at("/home/memory/notes/1"));
        assert_eq!(frame.sign_in(), "/login?next=%2Fhome%2Fmemory%2Fnotes%3Fpage%3D2");
    }
}
