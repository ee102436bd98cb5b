//! What operators and other programs see of the server: health and metrics, and the avatar in other protocols' words.

pub mod forgotten;
pub mod health;
pub mod mcp;
pub mod openai;
