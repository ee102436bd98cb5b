//! The server's stories: through the real router, over real ports, each on SQLite and on PostgreSQL.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod harness;

mod accounts;
mod act;
mod act_laws;
mod agent_memory;
mod app_story;
mod applications;
mod authorizations;
mod authorize;
mod avatar_evaluations;
mod avatar_keys;
mod avatar_numbers;
mod avatar_skills;
mod avatar_voice;
mod avatars;
mod canaries;
mod chat;
mod chat_failures;
mod crashes;
mod demo_world;
mod errors;
mod every_route;
mod forgetting;
mod grants;
mod housekeeping;
mod hygiene;
mod key_memory;
mod learning;
mod notes;
mod pages;
mod process;
mod real_model;
mod recall;
mod relying_party;
mod sessions;
mod sources;
mod standards;
mod statements;
mod timeline;
mod user;
mod visitor;
mod web_search;
mod webhooks;
