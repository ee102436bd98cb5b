//! The database, as it is: nothing is migrated.

use secondme_kit::Millis;
use secondme_store::{Dialect, Store, StoreError, params, sql};

use super::super::open;
use super::Finding;
use crate::config::Config;

const AREA: &str = "database";
/// The oldest PostgreSQL that is tested.
const OLDEST: i64 = 140_000;
/// A job that is due for longer has nobody who runs it.
const OVERDUE_MS: Millis = 5 * 60 * 1_000;

pub(super) async fn check(config: &Config, now: Millis, deep: bool) -> Vec<Finding> {
    if config.database.url.is_empty() && !config.data_dir().join("secondme.db").exists() {
        return vec![Finding::warning(AREA, "there is no database yet", "`secondme serve` makes it")];
    }
    let location = match open::location(config) {
        Ok(location) => location,
        Err(error) => {
            return vec![Finding::error(AREA, error.to_string(), "set database.url, or make the data folder")];
        }
    };
    let store = match Store::open_beside(&location).await {
        Ok(store) => store,
        Err(error) => {
            let fix =
                "check database.url, that PostgreSQL runs and lets this machine in; for SQLite, the folder's owner";
            return vec![Finding::error(AREA, error.to_string(), fix)];
        }
    };
    match looked_at(&store, config, now, deep).await {
        Ok(findings) => findings,
        Err(error) => vec![Finding::error(AREA, error.to_string(), "see the database's own log")],
    }
}

async fn looked_at(store: &Store, config: &Config, now: Millis, deep: bool) -> Result<Vec<Finding>, StoreError> {
    let mut findings = vec![version(store, config, now).await?];
    findings.extend(encryption(store).await?);
    findings.push(migrations(store).await?);
    if deep {
        let damages = store.damages().await?;
        findings.push(match damages.first() {
            None => Finding::ok(AREA, "its pages and references are whole"),
            Some(first) => {
                let what = format!("it is damaged: {first} (and {} more)", damages.len() - 1);
                Finding::error(AREA, what, "stop the server and restore the last backup (`secondme restore`)")
            }
        });
    }
    findings.extend(jobs(store, now).await?);
    Ok(findings)
}

async fn version(store: &Store, config: &Config, now: Millis) -> Result<Finding, StoreError> {
    if store.dialect() == Dialect::Sqlite {
        return Ok(Finding::ok(AREA, "SQLite, in the data folder"));
    }
    let text = sql!(
        sqlite: "SELECT 0 AS version, 0 AS clock, 0 AS connections",
        postgres: "SELECT CAST(current_setting('server_version_num') AS BIGINT) AS version,
                          CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS clock,
                          CAST(current_setting('max_connections') AS BIGINT) AS connections",
    );
    let Some(row) = store.opt(text, params![]).await? else { return Ok(Finding::ok(AREA, "PostgreSQL")) };
    let (version, clock): (i64, Millis) = (row.get("version")?, row.get("clock")?);
    let connections: i64 = row.get("connections")?;
    let major = version / 10_000;
    if version < OLDEST {
        return Ok(Finding::error(AREA, format!("PostgreSQL {major} is too old"), "use PostgreSQL 14 or newer"));
    }
    if (clock - now).abs() > 2_000 {
        let what = format!("its clock and this machine's differ by {} ms", (clock - now).abs());
        return Ok(Finding::warning(AREA, what, "synchronise both with NTP (chrony, systemd-timesyncd)"));
    }
    let pool = i64::try_from(config.database.pool).unwrap_or(i64::MAX);
    if pool > connections / 2 {
        let what = format!("PostgreSQL {major} allows {connections} connections, and one node takes up to {pool}");
        let fix = "raise max_connections above the number of nodes times database.pool, or lower database.pool";
        return Ok(Finding::warning(AREA, what, fix));
    }
    Ok(Finding::ok(AREA, format!("PostgreSQL {major}, {connections} connections")))
}

/// What travels to a PostgreSQL on another machine can be read on the way, unless TLS is asked for.
async fn encryption(store: &Store) -> Result<Option<Finding>, StoreError> {
    if store.dialect() == Dialect::Sqlite {
        return Ok(None);
    }
    let ask = sql!(
        sqlite: "SELECT 1 AS encrypted, 1 AS here",
        postgres: "SELECT COALESCE((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), FALSE) AS encrypted,
                          COALESCE(inet_server_addr() <<= CAST('127.0.0.0/8' AS inet)
                                   OR inet_server_addr() = CAST('::1' AS inet), TRUE) AS here",
    );
    let Some(row) = store.opt(ask, params![]).await? else { return Ok(None) };
    let (encrypted, here): (bool, bool) = (row.get("encrypted")?, row.get("here")?);
    Ok(match (encrypted, here) {
        (true, _) => Some(Finding::ok("TLS", "the connection to PostgreSQL is encrypted")),
        (false, true) => None,
        (false, false) => {
            let fix = "add sslmode=require to database.url (and sslrootcert=PATH for an authority of your own)";
            Some(Finding::warning("TLS", "the connection to PostgreSQL is in the clear", fix))
        }
    })
}

async fn migrations(store: &Store) -> Result<Finding, StoreError> {
    let rows =
        store.all(sql!("SELECT set_name, name FROM schema_migrations ORDER BY set_name, name"), params![]).await?;
    let done: Vec<(String, String)> =
        rows.iter().map(|row| Ok((row.get("set_name")?, row.get("name")?))).collect::<Result<_, StoreError>>()?;
    let known: Vec<(String, String)> = [&secondme_jobs::MIGRATIONS, &crate::migrations::MIGRATIONS]
        .iter()
        .flat_map(|set| set.migrations.iter().map(|m| (set.name.to_owned(), m.name.to_owned())))
        .collect();
    if let Some((set, name)) = done.iter().find(|one| !known.contains(one)) {
        return newer(store, set, name).await;
    }
    let missing = known.iter().filter(|one| !done.contains(one)).count();
    Ok(match missing {
        0 => Finding::ok(AREA, "all migrations are applied"),
        n => Finding::warning(AREA, format!("{n} migrations are missing"), "`secondme migrate`, or start the server"),
    })
}

/// What a newer version did to the database: this one can work beside it, or not.
async fn newer(store: &Store, set: &str, name: &str) -> Result<Finding, StoreError> {
    let what = format!("it has the migration {set}/{name} of a newer version");
    let taken = sql!("SELECT name FROM schema_contracts ORDER BY set_name, name");
    let taken = store.all(taken, params![]).await?;
    let ours = |name: &String| crate::migrations::MIGRATIONS.migrations.iter().any(|m| m.name == name);
    let taken: Vec<String> = taken.iter().map(|row| row.get("name")).collect::<Result<_, _>>()?;
    Ok(if taken.iter().all(ours) {
        Finding::warning(AREA, what, "finish the upgrade: this version works beside it, but makes no backups")
    } else {
        Finding::error(AREA, what, "use the newer binary, or restore a backup from before the upgrade")
    })
}

async fn jobs(store: &Store, now: Millis) -> Result<Vec<Finding>, StoreError> {
    let counts = secondme_jobs::counts(store).await?;
    let dead: i64 = counts.iter().map(|c| c.dead).sum();
    let oldest = counts.iter().filter_map(|c| c.oldest).min();
    let mut findings = Vec::new();
    if dead > 0 {
        let kinds: Vec<&str> = counts.iter().filter(|c| c.dead > 0).map(|c| c.kind.as_str()).collect();
        let what = format!("{dead} jobs were given up: {}", kinds.join(", "));
        findings.push(Finding::warning(
            "jobs",
            what,
            "look for their kind in the log; their rows in `job` keep the last error",
        ));
    }
    if oldest.is_some_and(|at| at < now - OVERDUE_MS) {
        let what = "jobs are due for more than five minutes";
        findings.push(Finding::warning("jobs", what, "start a node with --role all or worker"));
    }
    if findings.is_empty() {
        let pending: i64 = counts.iter().map(|c| c.pending).sum();
        findings.push(Finding::ok("jobs", format!("{pending} waiting")));
    }
    Ok(findings)
}
