//! People: accounts (register, log in, browser session), profile, shades.

pub mod accounts;
pub mod keys;
pub mod profile;
pub mod shades;
