//! Visitors talk to avatars (contract 15, 16).
//!
//! Start reading at [`sessions`] (a conversation, and what is sent into it), [`log`] (its frames, numbered), [`answer`] (the
//! reply), [`live`] (who is told at once), [`socket`] and [`events`] (how a client reads the log), [`hub`] (the owner's side).
//! Invariant: a frame is in the log before anybody sees it, and only the holder of the session's lease adds frames of a reply.
//! So whoever comes back with a cursor gets every frame after it, in order, once, whatever died in between.

pub mod answer;
pub mod close;
pub mod credential;
pub mod events;
pub mod fan_out;
pub mod hub;
pub mod learning;
pub mod live;
pub mod log;
pub mod meter;
pub mod reader;
pub mod sessions;
pub mod socket;
pub mod visits;
pub mod who;
pub mod ws_chat;
