//! Who may hear a memory, and who is listening. Everything is for its owner alone unless somebody said otherwise.

use std::collections::BTreeSet;

/// Who may hear a memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Audience {
    /// The owner alone.
    #[default]
    OwnerOnly,
    /// The owner, and these apps when they ask on their own behalf.
    Apps(BTreeSet<String>),
    /// Every visitor who has signed in.
    SignedIn,
    /// Everyone.
    Anyone,
}

/// Who hears what the avatar says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Listener {
    /// The owner, or an app that acts for them.
    Owner,
    /// An app on its own behalf.
    App {
        /// Its id.
        app_id: String,
    },
    /// Somebody else.
    Visitor {
        /// Whether they have signed in.
        signed_in: bool,
    },
}

const OWNER: &str = "owner";
const SIGNED_IN: &str = "signed_in";
const ANYONE: &str = "anyone";
const APPS: &str = "apps:,";

impl Audience {
    /// As it is stored: `owner`, `apps:,<id>,<id>,`, `signed_in`, `anyone`.
    pub fn text(&self) -> String {
        match self {
            Self::OwnerOnly => OWNER.to_owned(),
            Self::Apps(ids) => ids.iter().fold(APPS.to_owned(), |text, id| text + id + ","),
            Self::SignedIn => SIGNED_IN.to_owned(),
            Self::Anyone => ANYONE.to_owned(),
        }
    }

    /// From what is stored. What cannot be read is for the owner alone.
    pub fn parse(text: &str) -> Self {
        match text {
            SIGNED_IN => Self::SignedIn,
            ANYONE => Self::Anyone,
            _ => match text.strip_prefix(APPS) {
                Some(ids) => Self::Apps(ids.split(',').filter(|id| !id.is_empty()).map(str::to_owned).collect()),
                None => Self::OwnerOnly,
            },
        }
    }

    /// The API's `visibility`: 1 means that the owner's avatars may tell visitors, everything else the owner alone.
    pub fn of_visibility(visibility: i64) -> Self {
        if visibility == 1 { Self::Anyone } else { Self::OwnerOnly }
    }
}

impl Listener {
    /// Whether this listener may hear a memory with that audience.
    pub fn hears(&self, audience: &Audience) -> bool {
        match (self, audience) {
            (Self::Owner, _) | (_, Audience::Anyone) => true,
            (_, Audience::OwnerOnly) => false,
            (Self::App { app_id }, Audience::Apps(ids)) => ids.contains(app_id),
            (Self::Visitor { signed_in }, Audience::SignedIn) => *signed_in,
            (Self::Visitor { .. }, Audience::Apps(_)) | (Self::App { .. }, Audience::SignedIn) => false,
        }
    }

    /// The same rule for SQL, as three parameters of
    /// `($n OR audience = 'anyone' OR ($n+1 AND audience = 'signed_in') OR REPLACE(audience, $n+2, '') <> audience)`:
    /// hears everything; hears what is for visitors who signed in; `,<app id>,`, or a text that no audience contains.
    pub(crate) fn filter(&self) -> (bool, bool, String) {
        match self {
            Self::Owner => (true, false, NO_APP.to_owned()),
            Self::Visitor { signed_in } => (false, *signed_in, NO_APP.to_owned()),
            Self::App { app_id } if app_id.is_empty() || app_id.contains(',') => (false, false, NO_APP.to_owned()),
            Self::App { app_id } => (false, false, format!(",{app_id},")),
        }
    }
}

/// Two commas side by side never stand in a stored audience.
const NO_APP: &str = ",,";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn audiences() -> impl Strategy<Value = Audience> {
        prop_oneof![
            Just(Audience::OwnerOnly),
            prop::collection::btree_set("[a-z_0-9-]{1,8}", 0..4).prop_map(Audience::Apps),
            Just(Audience::SignedIn),
            Just(Audience::Anyone),
        ]
    }

    fn listeners() -> impl Strategy<Value = Listener> {
        prop_oneof![
            Just(Listener::Owner),
            "[a-z_0-9,-]{0,8}".prop_map(|app_id| Listener::App { app_id }),
            any::<bool>().prop_map(|signed_in| Listener::Visitor { signed_in }),
        ]
    }

    /// What the database does with the three parameters.
    fn as_sql(listener: &Listener, stored: &str) -> bool {
        let (all, signed_in, app) = listener.filter();
        all || stored == "anyone" || (signed_in && stored == "signed_in") || stored.replace(&app, "") != stored
    }

    proptest! {
        #[test]
        fn what_is_stored_is_read_back(audience in audiences()) {
            let read = Audience::parse(&audience.text());
            prop_assert_eq!(read, audience);
        }

        #[test]
        fn the_database_and_the_rule_agree(audience in audiences(), listener in listeners()) {
            prop_assert_eq!(as_sql(&listener, &audience.text()), listener.hears(&audience));
        }

        #[test]
        fn nobody_but_the_owner_hears_what_cannot_be_read(text in "[a-z:]{0,9}", listener in listeners()) {
            prop_assume!(text != "anyone" && text != "signed_in" && listener != Listener::Owner);
            prop_assert!(!as_sql(&listener, &text) && !listener.hears(&Audience::parse(&text)));
        }
    }
}
