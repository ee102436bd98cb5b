//! The SecondMe server.
