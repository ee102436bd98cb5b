//! People: accounts (register, log in, browser session), profile, shades, uploaded files.

pub mod accounts;
pub mod keys;
pub mod profile;
pub mod shades;
pub mod uploads;
