//! The plaza's feed with a million posts of ten thousand users, on SQLite. Only when it is named: filling takes a minute.

use std::path::Path;

use rusqlite::{Connection as Database, params};
use serde_json::Value;

use super::Bench;
use super::http::request;
use super::load::Load;
use super::report::{Goal, number};
use super::server::{API, Launch, Server, TOKEN};
use super::{machine, tokens};

const USERS: i64 = 10_000;
const POSTS: i64 = 1_000_000;
const FRIENDS: i64 = 200;
const FIRST_USER: i64 = 100_000;
const GOAL_MS: f64 = 5.0;
/// Words of posts: the first is in every tenth, the last in every ten-thousandth.
const WORDS: [(&str, i64); 4] = [("tea", 10), ("rye", 100), ("moon", 1_000), ("西湖", 10_000)];

pub async fn run(bench: &mut Bench) -> Result<(), String> {
    let launch = Launch {
        bin: bench.bin.clone(),
        data: bench.work.join("plaza"),
        flags: &["--model", "echo"],
        environment: &[],
    };
    launch.start().await?.stop();
    let filled = std::time::Instant::now();
    fill(&launch.data.join("secondme.db")).map_err(|e| format!("filling the database: {e}"))?;
    let filled = filled.elapsed().as_secs_f64();
    let server = launch.start().await?;
    let token = format!("Bearer {TOKEN}");
    let headers = [("Authorization", token.as_str())];
    let (seconds, rounds) = (bench.options.seconds, bench.options.rounds);
    bench.report.begin(
        &format!("Plaza: {} posts of {} users (SQLite)", number(POSTS as f64), number(USERS as f64)),
        &[launch.command(), "# the tables filled directly; then one connection, page size 20".to_owned()],
    );
    bench.report.row("filling the database", &format!("{filled:.0} s"));
    let mut worst: f64 = 0.0;
    for (what, query) in pages() {
        let path = format!("{API}/secondme/plaza/feed?{query}");
        check(&server, &path, &headers).await?;
        let load = Load {
            address: server.address,
            pid: server.pid(),
            method: "GET",
            path: &path,
            headers: &headers,
            body: "",
            connections: 1,
            seconds,
        };
        let rate = load.rounds(rounds, &bench.work, &mut bench.report).await?;
        worst = worst.max(rate.p99);
        tokens::rate_row(&mut bench.report, &what, rate);
    }
    bench.report.row("memory after it", &format!("{} MB resident", number(machine::memory(server.pid()).0)));
    bench.report.end();
    bench.report.goal("feed page p99, the slowest kind of page", Goal::AtMost(GOAL_MS), worst, " ms");
    server.stop();
    Ok(())
}

/// Every kind of page that a reader can ask for.
fn pages() -> Vec<(String, String)> {
    let page = |what: &str, query: &str| (what.to_owned(), query.to_owned());
    vec![
        page("`timeline`, first page", "sortMode=timeline"),
        page("`timeline`, in the middle by cursor", &format!("sortMode=timeline&cursor=s{}", POSTS / 2)),
        page("`timeline` of one content type", "sortMode=timeline&type=ama"),
        page(&format!("friends ({FRIENDS})"), ""),
        page("one person's posts", &format!("circleRoute=u{FIRST_USER}")),
        page("`featured`", "sortMode=featured"),
        page("`featured`, with a keyword", "sortMode=featured&keyword=tea"),
        page("keyword in every tenth post", "keyword=tea"),
        page("keyword in every ten-thousandth post", "keyword=%E8%A5%BF%E6%B9%96"),
        page("two keywords", "keyword=rye%20moon"),
    ]
}

/// A page that shows nothing measures nothing.
async fn check(server: &Server, path: &str, headers: &[(&str, &str)]) -> Result<(), String> {
    let answer = server.ask(&request("GET", path, headers, "")).await?;
    let items = answer.pointer("/data/items").and_then(Value::as_array).map_or(0, Vec::len);
    if items == 20 { Ok(()) } else { Err(format!("{path} shows {items} posts")) }
}

/// Writes users, friendships and posts as the server would have.
fn fill(path: &Path) -> rusqlite::Result<()> {
    let mut db = Database::open(path)?;
    db.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -400000;")?;
    let tx = db.transaction()?;
    {
        let mut user = tx.prepare(
            "INSERT INTO users (id, email, password_hash, name, route, created_at, updated_at) VALUES (?1, ?2, '', ?3, ?2, 0, 0)",
        )?;
        let mut friend = tx.prepare(
            "INSERT INTO friendships (user_id, friend_id, source, source_direction, created_at) VALUES (?1, ?2, '', 'OUTGOING', 0)",
        )?;
        for n in 0..USERS {
            let id = FIRST_USER + n;
            user.execute(params![id, format!("u{id}"), format!("User {n}")])?;
            if n < FRIENDS {
                friend.execute(params![1, id])?;
                friend.execute(params![id, 1])?;
            }
        }
        let mut post = tx.prepare(
            "INSERT INTO plaza_posts (seq, post_id, author_id, post_type, content_type, content, body, source, heat, hot, created_at)
             VALUES (?1, ?2, ?3, 'public', ?4, ?5, '{}', 'user', ?6, ?7, ?8)",
        )?;
        let mut words = tx.prepare("INSERT INTO plaza_words (rowid, words) VALUES (?1, ?2)")?;
        for n in 1..=POSTS {
            let said: Vec<&str> = WORDS.iter().filter(|(_, every)| n % every == 0).map(|(word, _)| *word).collect();
            let content = format!(
                "Post {n} about {} and whatever else one says on a plaza, in some thirty words or so.",
                said.join(" ")
            );
            let created = 1_700_000_000_000 + n * 60_000;
            // Most posts are liked by few; some by many. Whatever their words are.
            let chance = n * 2_654_435_761 % 10_007;
            let heat = if chance < 100 { chance * 5 } else { chance % 5 };
            let hot = (1.0 + heat as f64).log2() + created as f64 / 43_200_000.0;
            let kind = ["discussion", "ama", "info"][usize::try_from(n % 3).unwrap_or(0)];
            let author = FIRST_USER + n * 7_919 % USERS;
            post.execute(params![n, format!("post_{n}"), author, kind, content, heat, hot, created])?;
            let keys: Vec<String> = said.iter().chain(&["post", "plaza", "whatev"]).map(|word| key(word)).collect();
            words.execute(params![n, keys.join(" ")])?;
        }
    }
    tx.commit()?;
    db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);")
}

/// As `plaza/words.rs` spells a word for the full text; [`check`] notices when that changes.
fn key(token: &str) -> String {
    let hash = token.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    format!("w{hash:016x}")
}
