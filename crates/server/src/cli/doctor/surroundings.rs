//! What is around the server: folder, disk, clock, bus, models, the address that browsers use.

use std::path::Path;
use std::time::Duration;

use secondme_kit::Millis;
use secondme_llm::catalogue::{self, Phase, Progress};

use super::super::open;
use super::Finding;
use crate::config::{Config, Model};
use crate::users::uploads;

/// 2026-01-01: a clock that is before it was never set.
const PLAUSIBLE: Millis = 1_767_225_600_000;
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn data_folder(config: &Config) -> Vec<Finding> {
    const AREA: &str = "data folder";
    let dir = config.data_dir();
    if !dir.is_dir() {
        return vec![Finding::warning(AREA, format!("there is no {} yet", dir.display()), "`secondme serve` makes it")];
    }
    let probe = dir.join(".doctor");
    let written = std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe));
    let mut findings = vec![match written {
        Ok(()) => Finding::ok(AREA, format!("{} can be written", dir.display())),
        Err(error) => {
            let fix = "make it belong to the user who runs the server, or set server.data_dir";
            Finding::error(AREA, format!("{} cannot be written: {error}", dir.display()), fix)
        }
    }];
    findings.extend(key(config, &dir.join("server.key")));
    findings
}

fn key(config: &Config, path: &Path) -> Option<Finding> {
    const AREA: &str = "key";
    if !config.server.secret_key.expose().is_empty() {
        return Some(Finding::ok(AREA, "configured"));
    }
    if !config.database.url.is_empty() {
        let fix =
            "set SECONDME_SERVER__SECRET_KEY to the same 64 hexadecimal digits on every node (`openssl rand -hex 32`)";
        return Some(Finding::error(AREA, "PostgreSQL without server.secret_key", fix));
    }
    let metadata = std::fs::metadata(path).ok()?;
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions());
        if mode & 0o077 != 0 {
            let what = format!("{} can be read by others (mode {:o})", path.display(), mode & 0o777);
            return Some(Finding::warning(AREA, what, format!("chmod 600 {}", path.display())));
        }
    }
    Some(Finding::ok(AREA, format!("{} ({} bytes)", path.display(), metadata.len())))
}

/// `df` knows the disk of a folder on every Unix.
pub(super) fn disk(config: &Config) -> Finding {
    const AREA: &str = "disk";
    let dir = config.data_dir();
    let there = if dir.is_dir() { dir.as_path() } else { Path::new(".") };
    let output = std::process::Command::new("df").arg("-Pk").arg(there).output();
    let text = output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    let Some((free, size)) = free_and_size(&text) else {
        return Finding::warning(AREA, "how much is free could not be found out", "look with `df -h`");
    };
    let what = format!("{:.1} of {:.1} GB are free", free as f64 / 1e6, size as f64 / 1e6);
    match free {
        0..200_000 => Finding::error(AREA, what, "make room, or move server.data_dir: a full disk stops all writing"),
        200_000..2_000_000 => Finding::warning(AREA, what, "make room before it is full: backups, old models, logs"),
        _ => Finding::ok(AREA, what),
    }
}

/// Kilobytes, from the second line of `df -Pk`.
fn free_and_size(text: &str) -> Option<(u64, u64)> {
    let fields: Vec<&str> = text.lines().nth(1)?.split_whitespace().collect();
    Some((fields.get(3)?.parse().ok()?, fields.get(1)?.parse().ok()?))
}

pub(super) fn descriptors() -> Option<Finding> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find(|line| line.starts_with("Max open files"))?;
    let soft: u64 = line.split_whitespace().nth(3)?.parse().ok()?;
    let what = format!("{soft} files and connections may be open");
    Some(if soft < 4_096 {
        Finding::warning(
            "descriptors",
            what,
            "`LimitNOFILE=65536` in the service, or `ulimit -n 65536` before the start",
        )
    } else {
        Finding::ok("descriptors", what)
    })
}

pub(super) fn clock(now: Millis) -> Finding {
    if now < PLAUSIBLE {
        let fix = "set it, and keep it with NTP: tokens and codes end by it";
        return Finding::error("clock", "this machine's clock is wrong", fix);
    }
    Finding::ok("clock", secondme_kit::clock::iso(now))
}

pub(super) async fn bus(config: &Config) -> Finding {
    let several = !config.database.url.is_empty();
    if config.bus.url.expose().is_empty() {
        if several {
            let fix = "with more than one node, run NATS and set bus.url; one node needs none";
            return Finding::warning("bus", "nodes on this database do not hear of each other", fix);
        }
        return Finding::ok("bus", "in this process");
    }
    match open::bus(config).await {
        Ok(_) => Finding::ok("bus", "NATS answers"),
        Err(error) => Finding::error("bus", error.to_string(), "start NATS, or correct bus.url"),
    }
}

/// Where uploaded files lie, when that is not the data folder.
pub(super) async fn files(config: &Config) -> Option<Finding> {
    const AREA: &str = "files";
    let place = &config.uploads;
    match place.store.as_str() {
        "memory" => {
            let fix = "set uploads.store to folder or s3";
            Some(Finding::warning(AREA, "uploaded files are gone with the process", fix))
        }
        "s3" => Some(match tokio::time::timeout(PATIENCE * 3, uploads::probe(config)).await {
            Ok(Ok(())) => Finding::ok(AREA, format!("the bucket {} answers", place.s3_bucket)),
            Ok(Err(error)) => {
                let fix = "check uploads.s3_endpoint, s3_bucket (it must exist) and the keys";
                Finding::error(AREA, error, fix)
            }
            Err(_) => Finding::error(AREA, "the object store does not answer", "check uploads.s3_endpoint"),
        }),
        _ if !config.database.url.is_empty() => {
            let fix = "with more than one node, use uploads.store = \"s3\", or share the folder between them";
            Some(Finding::warning(AREA, "uploaded files lie in this node's data folder", fix))
        }
        _ => None,
    }
}

pub(super) async fn models(config: &Config, deep: bool) -> Vec<Finding> {
    let mut findings = vec![model("model nano", &config.models.nano, deep).await];
    if !config.models.pro.kind.is_empty() {
        findings.push(model("model pro", &config.models.pro, deep).await);
    }
    findings
}

async fn model(area: &'static str, model: &Model, deep: bool) -> Finding {
    match model.kind.as_str() {
        "echo" => {
            Finding::warning(area, "it only repeats what it is told", "set models.nano.kind to embedded or openai")
        }
        "openai" => upstream(area, model).await,
        _ => embedded(area, &model.model, deep),
    }
}

fn embedded(area: &'static str, name: &str, deep: bool) -> Finding {
    let cache = open::model_cache();
    if Path::new(name).is_file() {
        return Finding::ok(area, format!("{name} is there"));
    }
    let Ok(entry) = catalogue::find(name) else {
        return Finding::error(
            area,
            format!("{name} is no file and not in the catalogue"),
            "see `secondme model list`",
        );
    };
    if !catalogue::is_present(entry, &cache) {
        let fix = format!("`secondme model pull {name}`; the server also fetches it at its start");
        return Finding::warning(area, format!("{name} is not here yet"), fix);
    }
    if deep && let Err(error) = catalogue::verify(name, &cache, &Silent) {
        let fix = format!("delete {} and run `secondme model pull {name}`", entry.path(&cache).display());
        return Finding::error(area, format!("{name}: {error}"), fix);
    }
    Finding::ok(area, format!("{name} is here{}", if deep { " and whole" } else { "" }))
}

struct Silent;

impl Progress for Silent {
    fn phase(&self, _: Phase) {}
    fn bytes(&self, _: u64, _: u64) {}
}

async fn upstream(area: &'static str, model: &Model) -> Finding {
    let url = format!("{}/models", model.base_url.trim_end_matches('/'));
    let fix = "check base_url (up to and including /v1) and api_key, and that the inference server runs";
    let client = match reqwest::Client::builder().timeout(PATIENCE).build() {
        Ok(client) => client,
        Err(error) => return Finding::error(area, error.to_string(), fix),
    };
    let mut request = client.get(&url);
    if !model.api_key.expose().is_empty() {
        request = request.bearer_auth(model.api_key.expose());
    }
    match request.send().await {
        Ok(answer) if answer.status().is_success() => Finding::ok(area, format!("{} answers", model.base_url)),
        Ok(answer) => Finding::warning(area, format!("{} answers {}", model.base_url, answer.status()), fix),
        Err(error) => {
            Finding::error(area, format!("{} cannot be reached: {}", model.base_url, error.without_url()), fix)
        }
    }
}

pub(super) async fn public_url(config: &Config) -> Vec<Finding> {
    const AREA: &str = "public URL";
    let (url, local) = (&config.server.public_url, config.listen().is_ok_and(|a| a.ip().is_loopback()));
    if url.is_empty() {
        return vec![if local {
            Finding::ok(AREA, "this machine only")
        } else {
            let fix = "set server.public_url to what browsers use; links, cookies and redirects depend on it";
            Finding::warning(AREA, "others can connect, but it is not set", fix)
        }];
    }
    let mut findings = Vec::new();
    let parsed = url::Url::parse(url).ok();
    let host = parsed.as_ref().and_then(|u| u.host_str()).unwrap_or_default();
    if url.starts_with("http://") && !matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
        let fix = "put a proxy with TLS in front (deploy/compose/nginx.conf, or Caddy) and use https://";
        findings.push(Finding::warning("TLS", "passwords and tokens travel in the clear", fix));
    }
    if url.starts_with("https://") && config.server.trusted_proxies.is_empty() {
        let fix = "set server.trusted_proxies to the proxy's address, or all clients share its limits";
        findings.push(Finding::warning("proxy", "no proxy is trusted to name clients' addresses", fix));
    }
    let client = reqwest::Client::builder().timeout(PATIENCE).build();
    let answer = match client {
        Ok(client) => client.get(format!("{}/healthz", url.trim_end_matches('/'))).send().await,
        Err(error) => Err(error),
    };
    findings.push(match answer {
        Ok(answer) if answer.status().is_success() => Finding::ok(AREA, format!("{url} answers")),
        Ok(answer) => Finding::warning(
            AREA,
            format!("{url}/healthz answers {}", answer.status()),
            "check what the proxy passes on",
        ),
        Err(error) => {
            let fix = "start the server; check DNS, the proxy and the firewall";
            Finding::warning(AREA, format!("{url} cannot be reached from here: {}", error.without_url()), fix)
        }
    });
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn df_is_read() {
        let text = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda1 1000 300 700 30% /\n";
        assert_eq!(free_and_size(text), Some((700, 1_000)));
        assert_eq!(free_and_size("no such folder"), None);
    }
}
