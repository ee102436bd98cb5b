//! The SecondMe server: every route of the SecondMe API on one binary.
//!
//! The map, from the ground up (an arrow never runs up):
//! - [`error`], [`config`], [`http`], [`telemetry`]: the table of errors, what can be configured, shared HTTP machinery
//! - [`app`]: all that a request or job may use
//! - [`access`]: who is calling: tokens, scopes, the `Auth<Permission>` extractor
//! - [`users`]: accounts, profile, shades, uploaded files
//! - [`oauth`]: apps, the authorize page, grants, what users granted
//! - [`memory`]: what can be recalled, who may hear it, finding it
//! - [`integrations`]: apps as tools for the avatar: registrations, released skills, calls to apps
//! - [`chat`]: sessions, prompts, streams
//! - [`avatars`]: what speaks to visitors: definition, keys, statistics, exports, evaluations
//! - [`learning`]: key memories from chats, the nightly portrait
//! - [`visitor`]: conversations of visitors with avatars: sockets, the log behind them, the owner's side
//! - [`plaza`], [`social`]: posts and the feed, friends and discovery; [`legacy`]: the gateway of older agents
//! - [`voice`]: text spoken with the user's voice
//! - [`platform`], [`pages`]: health and metrics, browser pages; [`admin`]: the operator's pages
//! - [`router`]: every route, the API's table of contents; [`cli`]: the commands of the binary; [`demo`]: the demo world
//!
//! A request walks route → extractors → handler (`http.rs`) → rule (`mod.rs`) → SQL (`store.rs`).

pub mod access;
pub mod admin;
pub mod app;
pub mod avatars;
pub mod chat;
pub mod cli;
pub mod config;
pub mod demo;
pub mod error;
pub mod http;
pub mod integrations;
pub mod learning;
pub mod legacy;
pub mod memory;
pub mod migrations;
pub mod oauth;
pub mod pages;
pub mod platform;
pub mod plaza;
pub mod router;
pub mod social;
pub mod telemetry;
pub mod users;
pub mod visitor;
pub mod voice;
