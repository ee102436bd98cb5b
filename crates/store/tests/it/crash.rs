//! `kill -9` in the middle of the work: what was acknowledged is there, and nothing is half there.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use secondme_kit::Entropy;
use secondme_store::{Location, Store, Synchronous};

use crate::schema::{SET, pairs, write_pair};

fn location(path: PathBuf) -> Location {
    Location::Sqlite { path, readers: 2, synchronous: Synchronous::Full }
}

/// How many kills: a few, or as many as `SECONDME_CRASHES` says (`make crash-matrix`: 10,000).
fn kills() -> u64 {
    std::env::var_os("SECONDME_CRASHES").map_or(12, |n| n.into_string().unwrap().parse().unwrap())
}

#[tokio::test]
async fn an_acknowledged_commit_survives_a_kill() {
    let entropy =
        Entropy::seeded(std::env::var_os("SECONDME_SEED").map_or(1, |n| n.into_string().unwrap().parse().unwrap()));
    let mut dir = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    let mut survived = 0;
    for round in 0..kills() {
        // Now and then anew, so that the check of all that was ever written stays quick, and young databases are killed, too.
        if round % 20 == 0 {
            dir = tempfile::tempdir().unwrap();
            acknowledged.clear();
        }
        let path = dir.path().join("crash.db");
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::child", "--ignored", "--nocapture"])
            .envs([("CRASH_DB", path.as_os_str()), ("CRASH_ROUND", round.to_string().as_ref())])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let keys = lines.filter_map(|line| line.strip_prefix("ack ").map(str::to_owned));
        let mut keys = keys.peekable();
        // Within the first writes, or long after a checkpoint; and anywhere between two acknowledgements.
        let wanted = if entropy.below(4) == 0 { entropy.below(900) } else { entropy.below(60) };
        for _ in 0..wanted {
            acknowledged.push(keys.next().expect("the child ended early"));
        }
        std::thread::sleep(Duration::from_micros(entropy.below(3_000)));
        child.kill().unwrap();
        // What it had said before it died counts too; only whole lines do.
        acknowledged.extend(keys.filter(|key| key.ends_with('.')));
        child.wait().unwrap();
        if !path.exists() {
            continue;
        }
        let store = Store::open(&location(path)).await.unwrap();
        store.migrate(&[&SET]).await.unwrap();
        let there: std::collections::HashSet<_> = pairs(&store).await.into_iter().collect();
        let lost: Vec<_> = acknowledged.iter().filter(|key| !there.contains(*key)).collect();
        assert!(lost.is_empty(), "round {round}: acknowledged but lost: {lost:?}");
        assert_eq!(store.damages().await.unwrap(), Vec::<String>::new(), "round {round}");
        survived += wanted;
    }
    assert!(kills() < 5 || survived > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the child process of an_acknowledged_commit_survives_a_kill"]
async fn child() {
    let Some(path) = std::env::var_os("CRASH_DB") else { return };
    let round = std::env::var_os("CRASH_ROUND").unwrap().into_string().unwrap();
    let store = Store::open(&location(path.into())).await.unwrap();
    store.migrate(&[&SET]).await.unwrap();
    let tasks = (0..8).map(|task| {
        let (store, round) = (store.clone(), round.clone());
        tokio::runtime::Handle::current().spawn(async move {
            for n in 0.. {
                let key = format!("{round}-{task}-{n}.");
                write_pair(&store, &key).await.unwrap();
                println!("ack {key}");
            }
        })
    });
    futures::future::join_all(tasks).await;
}
