//! What requests cost on PostgreSQL, part by part, on one node and on two beside each other: processor time of the nodes and of
//! the database, statements and transactions. The figures behind the model of docs/SCALING.md.
//!
//! Where nodes, database and load generator share a few cores, rates say little; the cost of one request does.

use std::path::Path;

use secondme_store::testing::PrivatePostgres;
use secondme_store::{Location, Store, params, sql};
use serde_json::json;

use super::Bench;
use super::http::{Connection, request};
use super::load::{EACH, Load, Rate};
use super::machine::processor;
use super::report::number;
use super::samples::median;
use super::server::{API, Launch, Server, TOKEN};

/// Connections to all nodes together.
const CONNECTIONS: usize = 32;

/// A kind of request.
struct Kind {
    what: &'static str,
    method: &'static str,
    path: String,
    content_type: &'static str,
    body: String,
}

/// What one round came to, per request where nothing else is said.
#[derive(Clone, Copy, Default)]
struct Cost {
    per_second: f64,
    p99: f64,
    /// Microseconds of all nodes.
    node: f64,
    /// Microseconds of PostgreSQL.
    database: f64,
    statements: f64,
    reads: f64,
    writes: f64,
}

pub async fn run(bench: &mut Bench) -> Result<(), String> {
    let postgres = PrivatePostgres::start(true).map_err(|e| e.to_string())?.ok_or("PostgreSQL is not installed")?;
    let admin = Store::open(&Location::Postgres { url: postgres.url("postgres"), pool: 1 }).await;
    let admin = admin.map_err(|e| e.to_string())?;
    let postmaster = postmaster(&admin).await?;
    let url = postgres.url("postgres");
    let environment = [
        ("SECONDME_DATABASE__URL", url.expose()),
        ("SECONDME_SERVER__SECRET_KEY", "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"),
        ("SECONDME_LOG__FILTER", "warn"),
    ];
    let launch = |name: &str| Launch {
        bin: bench.bin.clone(),
        data: bench.work.join(name),
        flags: &["--model", "echo"],
        environment: &environment,
    };
    let (first, second) = (launch("node1"), launch("node2"));
    let shape = format!("{CONNECTIONS} keep-alive connections, spread over the nodes; a private PostgreSQL with fsync");
    bench.report.begin("PostgreSQL: one node and two", &[first.command(), shape]);
    let mut nodes = vec![first.start().await?];
    for count in 1..=2 {
        if count == 2 {
            nodes.push(second.start().await?);
        }
        for kind in kinds() {
            let cost = measured(bench, &kind, &nodes, (&admin, postmaster)).await?;
            row(bench, &format!("`{}`, {count} node{}", kind.what, if count == 1 { "" } else { "s" }), cost);
        }
    }
    bench.report.end();
    nodes.into_iter().for_each(Server::stop);
    Ok(())
}

fn kinds() -> Vec<Kind> {
    let form = "application/x-www-form-urlencoded";
    let client = "client_id=de300000-0000-4000-8000-000000000001&client_secret=demo-client-secret";
    let json = "application/json";
    let path = |rest: &str| format!("{API}/{rest}");
    vec![
        Kind {
            what: "user/info",
            method: "GET",
            path: path("secondme/user/info"),
            content_type: json,
            body: String::new(),
        },
        Kind {
            what: "token/client",
            method: "POST",
            path: path("oauth/token/client"),
            content_type: form,
            body: format!("grant_type=client_credentials&{client}&scope=chat.write"),
        },
        Kind {
            what: "note/add",
            method: "POST",
            path: path("secondme/note/add"),
            content_type: json,
            body: json!({"memoryType": "TEXT", "content": format!("a note {EACH}")}).to_string(),
        },
        Kind {
            what: "chat/stream",
            method: "POST",
            path: path("secondme/chat/stream"),
            content_type: json,
            body: json!({"message": format!("Tell me something about the sea, number {EACH}")}).to_string(),
        },
    ]
}

async fn measured(
    bench: &mut Bench,
    kind: &Kind,
    nodes: &[Server],
    (admin, postmaster): (&Store, u32),
) -> Result<Cost, String> {
    let seconds = bench.options.seconds;
    round(kind, nodes, postmaster, 1).await?;
    // As PostgreSQL does by itself a minute later: before, it plans for empty tables.
    let mut tx = admin.write().await.map_err(|e| e.to_string())?;
    tx.run(sql!("ANALYZE"), params![]).await.map_err(|e| e.to_string())?;
    tx.commit().await.map_err(|e| e.to_string())?;
    let mut costs = Vec::new();
    for _ in 0..bench.options.rounds {
        costs.push(bench.report.round(async || round(kind, nodes, postmaster, seconds).await).await?);
    }
    let of = |what: fn(&Cost) -> f64| median(costs.iter().map(what));
    Ok(Cost {
        per_second: of(|c| c.per_second),
        p99: of(|c| c.p99),
        node: of(|c| c.node),
        database: of(|c| c.database),
        statements: of(|c| c.statements),
        reads: of(|c| c.reads),
        writes: of(|c| c.writes),
    })
}

async fn round(kind: &Kind, nodes: &[Server], postmaster: u32, seconds: u64) -> Result<Cost, String> {
    let token = format!("Bearer {TOKEN}");
    let headers = [("Authorization", token.as_str()), ("Content-Type", kind.content_type)];
    let load = |node: &Server| Load {
        address: node.address,
        pid: node.pid(),
        method: kind.method,
        path: &kind.path,
        headers: &headers,
        body: &kind.body,
        connections: CONNECTIONS / nodes.len(),
        seconds,
    };
    let before = standing(nodes, postmaster).await?;
    let rates = match nodes {
        [one] => vec![load(one).own(seconds).await?],
        [one, two, ..] => {
            let (one, two) = (load(one), load(two));
            let (one, two) = tokio::join!(one.own(seconds), two.own(seconds));
            vec![one?, two?]
        }
        [] => return Err("no node".to_owned()),
    };
    let after = standing(nodes, postmaster).await?;
    let per_second: f64 = rates.iter().map(|rate| rate.per_second).sum();
    let requests = (per_second * seconds as f64).max(1.0);
    let each = |at: usize| (after[at] - before[at]) / requests;
    Ok(Cost {
        per_second,
        p99: rates.iter().map(|rate: &Rate| rate.p99).fold(0.0, f64::max),
        node: each(0) * 1e6,
        database: each(1) * 1e6,
        statements: each(2),
        reads: each(3),
        writes: each(4),
    })
}

/// Processor seconds of nodes and database; statements, reads and writes of the nodes. All so far.
async fn standing(nodes: &[Server], postmaster: u32) -> Result<[f64; 5], String> {
    let mut sums = [0.0; 5];
    sums[1] = family(postmaster);
    for node in nodes {
        sums[0] += processor(node.pid());
        let mut connection = Connection::open(node.address).await.map_err(|e| e.to_string())?;
        let (_, text) = connection.ask(&request("GET", "/metrics", &[], "")).await.map_err(|e| e.to_string())?;
        let text = String::from_utf8_lossy(&text).into_owned();
        for (at, name) in [(2, "statements"), (3, "reads"), (4, "writes")] {
            sums[at] += metric(&text, &format!("secondme_database_{name}_total"));
        }
    }
    Ok(sums)
}

/// A counter; not a number where the server does not have it, as those before 2026-11-22.
fn metric(text: &str, name: &str) -> f64 {
    let line = text.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(f64::NAN)
}

/// The process that started the backends.
async fn postmaster(admin: &Store) -> Result<u32, String> {
    let find = sql!(
        sqlite: "SELECT 0 AS pid",
        postgres: "SELECT CAST(pg_backend_pid() AS BIGINT) AS pid",
    );
    let row = admin.opt(find, params![]).await.map_err(|e| e.to_string())?.ok_or("no backend")?;
    let backend: i64 = row.get("pid").map_err(|e| e.to_string())?;
    let status = std::fs::read_to_string(format!("/proc/{backend}/status")).map_err(|e| e.to_string())?;
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).map(str::trim);
    parent.and_then(|pid| pid.parse().ok()).ok_or_else(|| "a backend without a parent".to_owned())
}

/// Processor seconds of a process and its children, those that ended included.
fn family(parent: u32) -> f64 {
    let ended: f64 =
        stat(parent).map_or(0.0, |fields| fields.get(13..15).map_or(0.0, |f| f.iter().sum::<f64>() / 100.0));
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let children = pids.filter(|pid| stat(*pid).is_some_and(|fields| fields.get(1) == Some(&f64::from(parent))));
    processor(parent) + ended + children.map(processor).sum::<f64>()
}

/// The numbers of `/proc/PID/stat` after the name, from the state on (0: unreadable as a number).
fn stat(pid: u32) -> Option<Vec<f64>> {
    let text = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    Some(rest.split_whitespace().map(|field| field.parse().unwrap_or(0.0)).collect())
}

fn row(bench: &mut Bench, what: &str, cost: Cost) {
    let Cost { per_second, p99, node, database, statements, reads, writes } = cost;
    bench.report.row(
        what,
        &format!(
            "node {node:.0} µs, PostgreSQL {database:.0} µs; {statements:.1} statements in {reads:.1} reads and {writes:.1} writes; \
             {}/s, p99 {p99:.1} ms",
            number(per_second)
        ),
    );
}
