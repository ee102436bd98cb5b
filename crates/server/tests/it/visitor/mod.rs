//! Visitors and avatars (contract 15, 16; seed 004).

mod hub;
pub mod killed;
mod limits;
mod reading;
mod remembering;
mod taking_up;
mod talking;
mod ws_chat;
