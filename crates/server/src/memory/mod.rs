//! What the avatar knows, where it came from, and finding the right piece (contract 8, 9, 14).
//!
//! Everything that can be recalled has an entry in [`index`], written in the transaction that stores the thing itself; an entry
//! carries who may hear it ([`audience`]). [`retrieval`] finds entries for a question, and never looks at one that the listener
//! may not hear.

pub mod audience;
pub mod events;
pub mod forgetting;
pub mod index;
pub mod key_memories;
mod keyword;
pub mod notes;
pub mod retrieval;
pub mod settings;
pub mod timeline;
pub mod words;
