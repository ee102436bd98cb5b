use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use secondme_jobs::{Cron, Done, Handler, Job, JobError, MIGRATIONS, NewJob, Policy, Runner, enqueue};
use secondme_kit::{Clock, Entropy, ManualClock, Millis};
use secondme_store::Store;
use secondme_store::testing::TestDb;
use serde_json::json;

pub const START: Millis = 1_700_000_000_000;

type Script = Box<dyn Fn(&Job) -> Result<Done, JobError> + Send + Sync>;

/// A handler that remembers its attempts and answers as told (or runs a closure).
pub struct Scripted {
    pub kind: &'static str,
    pub policy: Policy,
    pub seen: Mutex<Vec<(i64, u32)>>,
    pub answers: Mutex<VecDeque<Result<Done, JobError>>>,
    pub script: Option<Script>,
}

impl Scripted {
    pub fn new(kind: &'static str, answers: impl IntoIterator<Item = Result<Done, JobError>>) -> Arc<Self> {
        let answers = Mutex::new(answers.into_iter().collect());
        Arc::new(Self { kind, policy: Policy::default(), seen: Mutex::default(), answers, script: None })
    }

    pub fn by(
        kind: &'static str,
        script: impl Fn(&Job) -> Result<Done, JobError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        let script: Option<Script> = Some(Box::new(script));
        Arc::new(Self { kind, policy: Policy::default(), seen: Mutex::default(), answers: Mutex::default(), script })
    }

    pub fn attempts(&self) -> Vec<u32> {
        self.seen.lock().unwrap().iter().map(|(_, attempt)| *attempt).collect()
    }
}

#[async_trait]
impl Handler for Scripted {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn policy(&self) -> Policy {
        self.policy
    }

    async fn run(&self, job: &Job) -> Result<Done, JobError> {
        self.seen.lock().unwrap().push((job.id, job.attempt));
        match &self.script {
            Some(script) => script(job),
            None => self.answers.lock().unwrap().pop_front().unwrap_or(Ok(Done::Finished)),
        }
    }
}

/// A database with the job tables, and a clock.
pub struct World {
    _db: TestDb,
    pub store: Store,
    pub clock: Arc<ManualClock>,
}

impl World {
    pub async fn new(db: TestDb) -> Self {
        let store = db.store(&[&MIGRATIONS]).await;
        Self { _db: db, store, clock: Arc::new(ManualClock::at(START)) }
    }

    pub fn runner(&self, handlers: Vec<Arc<dyn Handler>>, cron: Vec<Cron>) -> Runner {
        Runner::new(self.store.clone(), Arc::<ManualClock>::clone(&self.clock), Entropy::system(), handlers, cron)
    }

    pub async fn enqueue(&self, kind: &'static str, run_at: Millis, dedupe: Option<&str>) {
        let mut tx = self.store.write().await.unwrap();
        let job = NewJob { kind, payload: json!({ "n": 1 }), run_at, dedupe: dedupe.map(str::to_owned) };
        enqueue(&mut tx, job, self.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Pending, running and dead jobs of a kind.
    pub async fn counts(&self, kind: &str) -> (i64, i64, i64) {
        let counts = secondme_jobs::counts(&self.store).await.unwrap();
        counts.iter().find(|c| c.kind == kind).map_or((0, 0, 0), |c| (c.pending, c.running, c.dead))
    }
}
