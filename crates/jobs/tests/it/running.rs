use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use secondme_jobs::{Done, Handler, Job, JobError, Policy};
use secondme_store::both;
use secondme_store::testing::TestDb;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::world::{START, Scripted, World};

/// A handler that works until it is let go, and knows how many work at once.
struct Gated {
    kind: &'static str,
    policy: Policy,
    gate: Semaphore,
    begun: AtomicUsize,
    now: AtomicUsize,
    most: AtomicUsize,
    runs: Mutex<HashMap<i64, usize>>,
}

impl Gated {
    fn new(kind: &'static str, open: usize, policy: Policy) -> Arc<Self> {
        Arc::new(Self {
            kind,
            policy,
            gate: Semaphore::new(open),
            begun: AtomicUsize::new(0),
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            runs: Mutex::default(),
        })
    }
}

#[async_trait]
impl Handler for Gated {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn policy(&self) -> Policy {
        self.policy
    }

    async fn run(&self, job: &Job) -> Result<Done, JobError> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.most.fetch_max(self.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        self.gate.acquire().await.unwrap().forget();
        tokio::time::sleep(Duration::from_millis(1)).await;
        *self.runs.lock().await.entry(job.id).or_default() += 1;
        self.now.fetch_sub(1, Ordering::SeqCst);
        Ok(Done::Finished)
    }
}

async fn until(what: &str, mut yes: impl AsyncFnMut() -> bool) {
    for _ in 0..1_000 {
        if yes().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("waited in vain until {what}");
}

both! {
    async fn a_dead_runners_job_is_taken_over_when_its_lease_runs_out(db: TestDb) {
        let world = World::new(db).await;
        let stuck = Gated::new("mail", 0, Policy::default());
        let crashed = world.runner(vec![stuck.clone()], vec![]);
        world.enqueue("mail", START, None).await;
        // The step is abandoned in the middle of the attempt, as a crash would.
        assert!(tokio::time::timeout(Duration::from_millis(300), crashed.step()).await.is_err());
        assert_eq!((stuck.begun.load(Ordering::SeqCst), world.counts("mail").await), (1, (0, 1, 0)));

        let handler = Scripted::new("mail", []);
        let other = world.runner(vec![handler.clone()], vec![]);
        world.clock.advance(Policy::default().lease_ms - 1);
        assert_eq!(other.step().await.unwrap(), 0, "the lease still holds");
        world.clock.advance(1);
        assert_eq!((other.step().await.unwrap(), handler.attempts()), (1, vec![2]));
    }

    async fn a_job_that_kills_its_runner_every_time_becomes_a_dead_letter(db: TestDb) {
        let world = World::new(db).await;
        let policy = Policy { max_attempts: 2, ..Policy::default() };
        let stuck = Gated::new("mail", 0, policy);
        world.enqueue("mail", START, None).await;
        for _ in 0..2 {
            let crashed = world.runner(vec![stuck.clone()], vec![]);
            assert!(tokio::time::timeout(Duration::from_millis(300), crashed.step()).await.is_err());
            world.clock.advance(policy.lease_ms);
        }
        world.runner(vec![stuck.clone()], vec![]).step().await.unwrap();
        assert_eq!((stuck.begun.load(Ordering::SeqCst), world.counts("mail").await), (2, (0, 0, 1)));
    }

    async fn a_runner_that_lost_its_lease_changes_nothing(db: TestDb) {
        let world = World::new(db).await;
        let slow = Gated::new("mail", 0, Policy::default());
        let first = Arc::new(world.runner(vec![slow.clone()], vec![]));
        world.enqueue("mail", START, None).await;
        let stepping = Handle::current().spawn({ let first = first.clone(); async move { first.step().await } });
        until("the first attempt has begun", async || slow.begun.load(Ordering::SeqCst) == 1).await;
        // Its heart stops for longer than the lease; somebody else takes over and fails.
        world.clock.advance(Policy::default().lease_ms);
        let second = world.runner(vec![Scripted::new("mail", [Err(JobError::RetryAfter(5, "later".to_owned()))])], vec![]);
        assert_eq!(second.step().await.unwrap(), 1);
        slow.gate.add_permits(1);
        assert_eq!(stepping.await.unwrap().unwrap(), 1);
        assert_eq!(world.counts("mail").await, (1, 0, 0), "the late success of the first attempt does not count");
    }

    async fn the_lease_is_extended_while_a_job_runs(db: TestDb) {
        let world = World::new(db).await;
        let slow = Gated::new("mail", 0, Policy { lease_ms: 60, ..Policy::default() });
        let first = Arc::new(world.runner(vec![slow.clone()], vec![]));
        world.enqueue("mail", START, None).await;
        let stepping = Handle::current().spawn({ let first = first.clone(); async move { first.step().await } });
        until("the first attempt has begun", async || slow.begun.load(Ordering::SeqCst) == 1).await;
        let other = world.runner(vec![slow.clone()], vec![]);
        for _ in 0..10 {
            // Time passes at half its speed, so a heartbeat always comes in between.
            world.clock.advance(30);
            tokio::time::sleep(Duration::from_millis(60)).await;
            assert_eq!(other.step().await.unwrap(), 0);
        }
        slow.gate.add_permits(1);
        assert_eq!((stepping.await.unwrap().unwrap(), world.counts("mail").await), (1, (0, 0, 0)));
    }

    async fn a_panic_is_a_failed_attempt(db: TestDb) {
        let world = World::new(db).await;
        let handler = Scripted::by("mail", |job| if job.attempt == 1 { panic!("on purpose") } else { Ok(Done::Finished) });
        let runner = world.runner(vec![handler.clone()], vec![]);
        world.enqueue("mail", START, None).await;
        assert_eq!((runner.step().await.unwrap(), world.counts("mail").await), (1, (1, 0, 0)));
        world.clock.advance(Policy::default().max_ms);
        assert_eq!((runner.step().await.unwrap(), world.counts("mail").await), (1, (0, 0, 0)));
    }

    async fn an_attempt_that_takes_too_long_is_ended(db: TestDb) {
        let world = World::new(db).await;
        let stuck = Gated::new("mail", 0, Policy { timeout_ms: 50, max_attempts: 1, ..Policy::default() });
        world.enqueue("mail", START, None).await;
        assert_eq!(world.runner(vec![stuck], vec![]).step().await.unwrap(), 1);
        assert_eq!(world.counts("mail").await, (0, 0, 1));
    }

    async fn two_runners_never_run_a_job_twice(db: TestDb) {
        let world = World::new(db).await;
        let handler = Gated::new("mail", 1_000, Policy { concurrency: 8, ..Policy::default() });
        for _ in 0..200 {
            world.enqueue("mail", START, None).await;
        }
        let shutdown = CancellationToken::new();
        let runners: Vec<_> = (0..2)
            .map(|_| {
                let (runner, shutdown) = (world.runner(vec![handler.clone()], vec![]), shutdown.clone());
                Handle::current().spawn(async move { runner.run(shutdown).await })
            })
            .collect();
        until("every job is done", async || world.counts("mail").await == (0, 0, 0)).await;
        shutdown.cancel();
        for runner in runners {
            runner.await.unwrap();
        }
        let runs = handler.runs.lock().await;
        assert_eq!((runs.len(), runs.values().sum::<usize>()), (200, 200));
        assert!(handler.most.load(Ordering::SeqCst) <= 16, "each runner keeps to the limit of the kind");
    }

    async fn a_slow_kind_leaves_room_and_work_starts_at_once(db: TestDb) {
        let world = World::new(db).await;
        let slow = Gated::new("slow", 0, Policy { concurrency: 2, ..Policy::default() });
        let quick = Scripted::new("quick", []);
        for _ in 0..50 {
            world.enqueue("slow", START, None).await;
        }
        let (runner, shutdown) = (world.runner(vec![slow.clone(), quick.clone()], vec![]), CancellationToken::new());
        let running = Handle::current().spawn({ let shutdown = shutdown.clone(); async move { runner.run(shutdown).await } });
        until("the slow kind is at its limit", async || slow.begun.load(Ordering::SeqCst) == 2).await;
        let begun = std::time::Instant::now();
        for n in 1..=20 {
            world.enqueue("quick", START, None).await;
            until("the quick job ran", async || quick.attempts().len() == n).await;
        }
        // Twenty polls would take ten seconds: the runner was woken.
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        assert_eq!((slow.begun.load(Ordering::SeqCst), world.counts("slow").await), (2, (48, 2, 0)));
        slow.gate.add_permits(1_000);
        until("the slow ones are done", async || world.counts("slow").await == (0, 0, 0)).await;
        shutdown.cancel();
        running.await.unwrap();
    }
}
