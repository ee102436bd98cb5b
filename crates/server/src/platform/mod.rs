//! What operators and other programs see of the server itself.

pub mod forgotten;
pub mod health;
