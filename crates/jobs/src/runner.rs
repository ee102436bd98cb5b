//! The runner: claims what is due and works on it, within its limits.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use secondme_kit::{Clock, Entropy, Millis};
use secondme_store::{Store, StoreError};
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::ahead;
use crate::attempt::Context;
use crate::cron::{self, Cron};
use crate::handler::{Handler, Job};
use crate::{queue, store};

/// How often the table is looked at when nothing wakes the runner: due retries, other nodes' jobs, expired leases.
const POLL: Duration = Duration::from_millis(500);
/// Every so many looks at the table it is also looked at what a clock left behind that has gone back since.
const LOOKS: usize = 120;
/// Jobs that one runner works on at a time, over all kinds.
const CONCURRENCY: usize = 32;
/// How long running jobs may go on when the server stops.
const GRACE: Duration = Duration::from_secs(10);

/// Runs jobs. Any number of runners may share a database.
pub struct Runner {
    context: Context,
    handlers: HashMap<&'static str, Arc<dyn Handler>>,
    cron: Vec<Cron>,
}

impl Runner {
    /// A runner with these handlers (one per kind; of two with the same kind the last counts). Jobs of other kinds wait.
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        entropy: Entropy,
        handlers: Vec<Arc<dyn Handler>>,
        cron: Vec<Cron>,
    ) -> Self {
        let owner = entropy.hex(16).into();
        let handlers = handlers.into_iter().map(|handler| (handler.kind(), handler)).collect();
        Self { context: Context { store, clock, entropy, owner }, handlers, cron }
    }

    /// Works until `shutdown`, then lets running jobs end for a while and gives the rest back.
    pub async fn run(&self, shutdown: CancellationToken) {
        let mut enqueued = queue::enqueued();
        let mut working = Working::default();
        while !shutdown.is_cancelled() {
            enqueued.mark_unchanged();
            if let Err(error) = self.start_due(&mut working).await {
                tracing::error!(%error, "cannot claim jobs");
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                Some(ended) = working.tasks.join_next_with_id(), if !working.tasks.is_empty() => {
                    working.ended(ended);
                }
                _ = enqueued.changed() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
        self.stop(working).await;
    }

    /// Runs everything that is due now, once, and returns how many jobs that were. Jobs that these enqueue, or that are due
    /// again at once, wait for the next step. For tests, with a clock that stands still.
    pub async fn step(&self) -> Result<usize, StoreError> {
        let now = self.context.clock.now();
        ahead::bring_back(&self.context.store, now, self.longest_lease()).await?;
        cron::tick(&self.context.store, &self.cron, now).await?;
        let mut claimed = Vec::new();
        for (kind, handler) in self.due().await? {
            let jobs = self.claim(&*handler, kind, usize::MAX).await?;
            claimed.extend(jobs.into_iter().map(|job| (Arc::clone(&handler), job)));
        }
        let count = claimed.len();
        let attempts = futures::stream::iter(claimed);
        attempts
            .for_each_concurrent(CONCURRENCY, async |(handler, job)| self.context.attempt(&*handler, &job).await)
            .await;
        Ok(count)
    }

    /// The kinds that have something to do and that we have a handler for.
    async fn due(&self) -> Result<Vec<(&'static str, Arc<dyn Handler>)>, StoreError> {
        let kinds = store::due_kinds(&self.context.store, self.context.clock.now()).await?;
        let ours = |kind: String| {
            self.handlers.get_key_value(kind.as_str()).map(|(kind, handler)| (*kind, Arc::clone(handler)))
        };
        Ok(kinds.into_iter().filter_map(ours).collect())
    }

    async fn claim(&self, handler: &dyn Handler, kind: &str, limit: usize) -> Result<Vec<Job>, StoreError> {
        let now = self.context.clock.now();
        let mut tx = self.context.store.write().await?;
        let lease_until = now.saturating_add(handler.policy().lease_ms);
        let jobs = store::claim(&mut tx, kind, &self.context.owner, now, lease_until, limit).await?;
        tx.commit().await?;
        Ok(jobs)
    }

    /// Claims what fits and starts it. A kind never holds more than its own share, so a slow one leaves room for the others.
    async fn start_due(&self, working: &mut Working) -> Result<(), StoreError> {
        let now = self.context.clock.now();
        if working.rounds.is_multiple_of(LOOKS) {
            ahead::bring_back(&self.context.store, now, self.longest_lease()).await?;
        }
        cron::tick(&self.context.store, &self.cron, now).await?;
        let mut due = self.due().await?;
        // Who comes first changes from round to round.
        let first = working.rounds % due.len().max(1);
        due.rotate_left(first);
        working.rounds = working.rounds.wrapping_add(1);
        for (kind, handler) in due {
            let free = working.free(kind, handler.policy().concurrency.max(1));
            if free == 0 {
                continue;
            }
            for job in self.claim(&*handler, kind, free).await? {
                let (context, handler) = (self.context.clone(), Arc::clone(&handler));
                working.start(kind, job.clone(), async move { context.attempt(&*handler, &job).await });
            }
        }
        Ok(())
    }

    /// The longest lease that any of our kinds takes, in milliseconds.
    fn longest_lease(&self) -> Millis {
        self.handlers.values().map(|handler| handler.policy().lease_ms).max().unwrap_or(0)
    }

    async fn stop(&self, mut working: Working) {
        let _ = tokio::time::timeout(GRACE, async {
            while let Some(ended) = working.tasks.join_next_with_id().await {
                working.ended(ended);
            }
        })
        .await;
        working.tasks.shutdown().await;
        for (_, job) in working.jobs.into_values() {
            if let Err(error) = self.context.release(&job).await {
                tracing::warn!(job = job.id, %error, "cannot give a job back; its lease will run out");
            }
        }
    }
}

/// What a runner is doing.
#[derive(Default)]
struct Working {
    tasks: JoinSet<()>,
    jobs: HashMap<Id, (&'static str, Job)>,
    rounds: usize,
}

impl Working {
    fn free(&self, kind: &str, limit: usize) -> usize {
        let busy = self.jobs.values().filter(|(other, _)| *other == kind).count();
        limit.saturating_sub(busy).min(CONCURRENCY.saturating_sub(self.jobs.len()))
    }

    fn start(&mut self, kind: &'static str, job: Job, attempt: impl Future<Output = ()> + Send + 'static) {
        let id = self.tasks.spawn(attempt).id();
        self.jobs.insert(id, (kind, job));
    }

    fn ended(&mut self, ended: Result<(Id, ()), JoinError>) {
        self.jobs.remove(&ended.map_or_else(|error| error.id(), |(id, ())| id));
    }
}
