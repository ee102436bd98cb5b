//! Configuration: defaults < file < `SECONDME_<SECTION>__<KEY>` < flags. An unknown key is refused and the nearest known one named.

mod accounts;
mod avatars;
mod bus;
mod chat;
mod database;
mod inspector;
mod integrations;
mod learning;
mod limits;
mod load;
mod memory;
mod models;
mod oauth;
mod openai;
mod plaza;
mod recall;
pub mod reference;
mod section;
mod server;
mod speech;
mod switches;
mod traces;
mod uploads;
mod visitor;
mod webhooks;

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use accounts::Accounts;
pub use avatars::Avatars;
pub use bus::Bus;
pub use chat::Chat;
pub use database::Database;
pub use inspector::Inspector;
pub use integrations::Integrations;
pub use learning::Learning;
pub use limits::Limits;
pub use load::{ConfigError, Overrides, load};
pub use memory::Memory;
pub use models::{Model, Models};
pub use oauth::Oauth;
pub use openai::Openai;
pub use plaza::{Plaza, Social};
pub use recall::Recall;
pub use server::Server;
pub use speech::Speech;
pub use switches::{Compat, Log, Policy, Search};
pub use traces::Traces;
pub use uploads::Uploads;
pub use visitor::Visitor;
pub use webhooks::Webhooks;

/// Everything the server can be told. `docs/generated/config.md` is made from it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "each section documents itself")]
pub struct Config {
    pub server: Server,
    pub database: Database,
    pub bus: Bus,
    pub limits: Limits,
    pub accounts: Accounts,
    pub oauth: Oauth,
    pub openai: Openai,
    pub chat: Chat,
    pub avatars: Avatars,
    pub memory: Memory,
    pub learning: Learning,
    pub visitor: Visitor,
    pub uploads: Uploads,
    pub plaza: Plaza,
    pub social: Social,
    pub models: Models,
    pub recall: Recall,
    pub speech: Speech,
    pub search: Search,
    pub compat: Compat,
    pub policy: Policy,
    pub webhooks: Webhooks,
    pub inspector: Inspector,
    pub integrations: Integrations,
    pub log: Log,
    pub traces: Traces,
}

impl Config {
    /// The address to listen on.
    pub fn listen(&self) -> Result<SocketAddr, ConfigError> {
        self.server.listen.parse().map_err(|_| {
            ConfigError::value("server.listen", &self.server.listen, "an address and a port, such as 127.0.0.1:8787")
        })
    }

    /// The folder of the database, the key and `demo.json`.
    pub fn data_dir(&self) -> PathBuf {
        PathBuf::from(&self.server.data_dir)
    }

    /// The URL that browsers and apps use, without a trailing slash; `port` is the one really bound.
    pub fn public_url(&self, port: u16) -> String {
        match self.server.public_url.trim_end_matches('/') {
            "" => format!("http://localhost:{port}"),
            url => url.to_owned(),
        }
    }

    /// Checks what the types cannot: values that must be one of a few words, and addresses.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.listen()?;
        one_of("server.role", &self.server.role, &["all", "api", "worker"])?;
        for proxy in &self.server.trusted_proxies {
            if !crate::http::limits::Proxies::is_valid(proxy) {
                return Err(ConfigError::value(
                    "server.trusted_proxies",
                    proxy,
                    "addresses and networks such as 10.0.0.0/8",
                ));
            }
        }
        one_of("database.synchronous", &self.database.synchronous, &["full", "normal"])?;
        one_of("learning.model", &self.learning.model, &["nano", "pro", "off"])?;
        one_of("uploads.store", &self.uploads.store, &["folder", "s3", "memory"])?;
        one_of("log.format", &self.log.format, &["text", "json"])?;
        one_of("models.nano.kind", &self.models.nano.kind, &["embedded", "openai", "echo"])?;
        one_of("models.pro.kind", &self.models.pro.kind, &["", "embedded", "openai", "echo"])?;
        for (key, model) in [("models.nano", &self.models.nano), ("models.pro", &self.models.pro)] {
            if model.kind == "openai" && model.base_url.is_empty() {
                return Err(ConfigError::value(
                    &format!("{key}.base_url"),
                    "",
                    "a URL up to and including /v1 when kind is openai",
                ));
            }
        }
        if jiff::tz::TimeZone::get(&self.memory.time_zone).is_err() {
            return Err(ConfigError::value(
                "memory.time_zone",
                &self.memory.time_zone,
                "an IANA time zone such as Europe/Lisbon",
            ));
        }
        self.check_speech()?;
        let key = self.server.secret_key.expose();
        if !key.is_empty() && (key.len() != 64 || hex::decode(key).is_err()) {
            return Err(ConfigError::value("server.secret_key", "[redacted]", "64 hexadecimal digits"));
        }
        let bus = self.bus.url.expose();
        if !bus.is_empty() && !url::Url::parse(bus).is_ok_and(|u| matches!(u.scheme(), "nats" | "tls")) {
            return Err(ConfigError::value("bus.url", "[redacted]", "a URL such as nats://host:4222"));
        }
        for (name, url) in [
            ("server.public_url", &self.server.public_url),
            ("search.url", &self.search.url),
            ("traces.url", &self.traces.url),
        ] {
            if !url.is_empty() && !url::Url::parse(url).is_ok_and(|u| matches!(u.scheme(), "http" | "https")) {
                return Err(ConfigError::value(name, url, "an http or https URL"));
            }
        }
        Ok(())
    }
}

impl Config {
    fn check_speech(&self) -> Result<(), ConfigError> {
        let speech = &self.speech;
        one_of("speech.kind", &speech.kind, &["kokoro", "openai", "hum", "off"])?;
        if speech.kind == "openai" && speech.base_url.is_empty() {
            return Err(ConfigError::value("speech.base_url", "", "a URL up to and including /v1 when kind is openai"));
        }
        if speech.kind == "openai" && speech.voices.is_empty() {
            return Err(ConfigError::value(
                "speech.voices",
                "[]",
                "the names of the server's voices when kind is openai",
            ));
        }
        Ok(())
    }
}

fn one_of(key: &str, value: &str, known: &[&str]) -> Result<(), ConfigError> {
    if known.contains(&value) { Ok(()) } else { Err(ConfigError::value(key, value, &format!("one of {known:?}"))) }
}
