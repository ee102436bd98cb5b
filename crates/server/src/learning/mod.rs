//! What the avatar learns by itself: key memories from chats ([`extraction`]), and the portrait it makes of them at night
//! ([`portrait`]).
//!
//! Invariant: a model only proposes. What it proposes must be said by its sources, or it is dropped.

mod ask;
pub mod extraction;
pub mod portrait;
