//! What operators and other programs see of the server: health and metrics, and the avatar in other protocols' words; and what users
//! take along.

pub mod backup;
pub mod bundle;
pub mod clock;
pub mod forgotten;
pub mod health;
pub mod mcp;
pub mod openai;
