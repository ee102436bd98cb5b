//! What operators and other programs see of the server itself.

pub mod health;
