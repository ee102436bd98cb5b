//! What a route requires, as types: naming one in [`super::Auth`] is requiring it.

use super::Scope;
use crate::error::Code;

/// A requirement of a route.
pub trait Permission: Send + Sync + 'static {
    /// The scope a token must have; `None`: any user token will do.
    const SCOPE: Option<Scope>;
    /// The error when it has not (HOUSE-RULES "403 scope").
    const REFUSAL: Code;
}

macro_rules! permissions {
    ($( $(#[doc = $doc:literal])* $name:ident: $scope:expr, $refusal:ident; )*) => {
        $(
            $(#[doc = $doc])*
            #[derive(Debug)]
            pub struct $name;
            impl Permission for $name {
                const SCOPE: Option<Scope> = $scope;
                const REFUSAL: Code = Code::$refusal;
            }
        )*
    };
}

permissions! {
    /// Any token that belongs to a user.
    AnyUser: None, ScopeInsufficient;
    /// Name, picture, introduction, shades.
    UserInfo: Some(Scope::UserInfo), ScopeInsufficient;
    /// Searching key memories.
    MemoryRead: Some(Scope::MemoryRead), ScopeInsufficient;
    /// Adding, changing and deleting key memories.
    MemoryWrite: Some(Scope::MemoryWrite), ScopeInsufficient;
    /// Everything about notes.
    NoteWrite: Some(Scope::NoteWrite), ScopeMissing;
    /// Reporting events and reading them.
    AgentMemory: Some(Scope::AgentMemory), ScopeInsufficient;
    /// The overview of a day.
    Activity: Some(Scope::Activity), ScopeInsufficient;
    /// Sessions and their messages.
    ChatRead: Some(Scope::ChatRead), ScopeInsufficient;
    /// Chat streams.
    ChatWrite: Some(Scope::ChatWrite), ScopeInsufficient;
    /// Act streams: the scope of chat, refused in its own words.
    ActWrite: Some(Scope::ChatWrite), ScopeMissing;
    /// Reading the plaza.
    PlazaRead: Some(Scope::PlazaRead), ScopeInsufficient;
    /// Posting and commenting.
    PlazaWrite: Some(Scope::PlazaWrite), ScopeInsufficient;
    /// The list of friends, and what they say.
    FriendRead: Some(Scope::FriendRead), ScopeInsufficient;
    /// Inviting, answering, talking to friends.
    FriendWrite: Some(Scope::FriendWrite), ScopeInsufficient;
    /// Finding people.
    Discover: Some(Scope::Discover), ScopeInsufficient;
    /// Text spoken with the user's voice.
    Voice: Some(Scope::Voice), ScopeInsufficient;
    /// Avatars and what came of them.
    AvatarRead: Some(Scope::AvatarRead), ScopeMissing;
    /// Making and changing avatars.
    AvatarWrite: Some(Scope::AvatarWrite), ScopeMissing;
    /// A developer's applications.
    Developer: Some(Scope::Developer), ScopeInsufficient;
}
