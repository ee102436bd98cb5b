//! `cargo run --release -p secondme-store --features testing --example bench [sqlite|postgres] [seconds]`
//!
//! Inserts (one transaction with a unique check each) and point reads, by 1, 8 and 64 concurrent tasks. Data is fsynced. Columns:
//! calls per second, CPU µs of this process per call, latency p50 and p99 in µs.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and fails loudly")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use secondme_store::testing::PrivatePostgres;
use secondme_store::{Location, Migration, MigrationSet, Store, Synchronous, params, sql};

static SET: MigrationSet = MigrationSet {
    name: "bench",
    migrations: &[Migration {
        name: "0001",
        sql: "CREATE TABLE note (id TEXT PRIMARY KEY, owner TEXT NOT NULL, body TEXT NOT NULL, created_at BIGINT NOT NULL);
              CREATE INDEX note_owner ON note (owner, created_at);",
        sqlite: None,
        postgres: None,
    }],
};

static NEXT: AtomicI64 = AtomicI64::new(0);

async fn insert(store: Store) {
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let insert =
        sql!("INSERT INTO note (id, owner, body, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING");
    let mut tx = store.write().await.unwrap();
    let body = "a note of about a hundred characters, which is what people write down when they are in a hurry to go";
    tx.run(insert, params![format!("note-{n:012}"), format!("user-{}", n % 100), body, n]).await.unwrap();
    tx.commit().await.unwrap();
}

async fn get(store: Store) {
    let n = NEXT.fetch_add(7919, Ordering::Relaxed) % 1_000;
    let get = sql!("SELECT id, owner, body, created_at FROM note WHERE id = $1");
    let row = store.opt(get, params![format!("note-{n:012}")]).await.unwrap().unwrap();
    assert_eq!(row.get::<i64>("created_at").unwrap(), n);
    assert!(!row.get::<String>("body").unwrap().is_empty());
}

/// User and system time of this process, in µs.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) * 10_000.0
}

async fn measure<F>(name: &str, store: &Store, tasks: usize, time: Duration, call: fn(Store) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let (begun, cpu_before) = (Instant::now(), cpu());
    let workers: Vec<_> = (0..tasks)
        .map(|_| {
            let store = store.clone();
            tokio::runtime::Handle::current().spawn(async move {
                let mut waits = Vec::new();
                while begun.elapsed() < time {
                    let one = Instant::now();
                    call(store.clone()).await;
                    waits.push(one.elapsed().as_micros());
                }
                waits
            })
        })
        .collect();
    let mut waits = Vec::new();
    for worker in workers {
        waits.extend(worker.await.unwrap());
    }
    let (elapsed, spent) = (begun.elapsed().as_secs_f64(), cpu() - cpu_before);
    waits.sort_unstable();
    let calls = waits.len();
    println!(
        "{name:<18} {tasks:>3} tasks {:>9.0}/s {:>7.1} cpu µs {:>7} p50 {:>7} p99 {:>8} max",
        calls as f64 / elapsed,
        spent / calls as f64,
        waits[calls / 2],
        waits[calls * 99 / 100],
        waits[calls - 1]
    );
}

async fn all(name: &str, location: Location, time: Duration) {
    let store = Store::open(&location).await.unwrap();
    store.migrate(&[&SET]).await.unwrap();
    NEXT.store(0, Ordering::Relaxed);
    for tasks in [1, 8, 64] {
        measure(&format!("{name} insert"), &store, tasks, time, insert).await;
    }
    for tasks in [1, 8, 64] {
        measure(&format!("{name} get"), &store, tasks, time, get).await;
    }
}

fn main() {
    let which = std::env::args().nth(1).unwrap_or_default();
    let time = Duration::from_secs(std::env::args().nth(2).and_then(|s| s.parse().ok()).unwrap_or(3));
    println!("load average {}", std::fs::read_to_string("/proc/loadavg").unwrap().trim());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        if which != "postgres" {
            for (name, synchronous) in [("sqlite full", Synchronous::Full), ("sqlite normal", Synchronous::Normal)] {
                let dir = tempfile::tempdir().unwrap();
                all(name, Location::Sqlite { path: dir.path().join("bench.db"), readers: 8, synchronous }, time).await;
            }
        }
        if which != "sqlite"
            && let Some(server) = PrivatePostgres::start(true).unwrap()
        {
            let server = Arc::new(server);
            all("postgres", Location::Postgres { url: server.url("postgres"), pool: 16 }, time).await;
        }
    });
    println!("load average {}", std::fs::read_to_string("/proc/loadavg").unwrap().trim());
}
