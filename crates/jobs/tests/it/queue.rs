use std::sync::Arc;

use secondme_jobs::{Cron, Done, JobError, NewJob, Policy, dead, discard, enqueue, requeue};
use secondme_kit::Clock;
use secondme_store::both;
use secondme_store::testing::{TestDb, prepare_all};
use serde_json::json;

use crate::world::{START, Scripted, World};

both! {
    async fn every_text_is_valid(db: TestDb) {
        let world = World::new(db).await;
        assert_eq!(prepare_all(&world.store, concat!(env!("CARGO_MANIFEST_DIR"), "/src")).await, Vec::<String>::new());
    }

    async fn a_job_exists_only_if_its_transaction_commits(db: TestDb) {
        let world = World::new(db).await;
        let handler = Scripted::new("mail", []);
        let runner = world.runner(vec![handler.clone()], vec![]);
        let mut tx = world.store.write().await.unwrap();
        let job = NewJob { kind: "mail", payload: json!({}), run_at: START, dedupe: None };
        enqueue(&mut tx, job, START).await.unwrap();
        drop(tx);
        assert_eq!(runner.step().await.unwrap(), 0);

        world.enqueue("mail", START + 1, None).await;
        assert_eq!(runner.step().await.unwrap(), 0, "not due yet");
        world.clock.advance(1);
        assert_eq!(runner.step().await.unwrap(), 1);
        assert_eq!(runner.step().await.unwrap(), 0, "a finished job is gone");
        assert_eq!((handler.attempts(), world.counts("mail").await), (vec![1], (0, 0, 0)));
    }

    async fn failures_back_off_and_end_as_dead_letters(db: TestDb) {
        let world = World::new(db).await;
        let mut handler = Scripted::by("mail", |job| Err(JobError::Retry(format!("no {}", job.attempt))));
        let policy = Policy { max_attempts: 4, base_ms: 1_000, max_ms: 3_000, ..Policy::default() };
        Arc::get_mut(&mut handler).unwrap().policy = policy;
        let runner = world.runner(vec![handler.clone()], vec![]);
        world.enqueue("mail", START, Some("k")).await;
        for bound in [1_000, 2_000, 3_000] {
            assert_eq!(runner.step().await.unwrap(), 1);
            let oldest = secondme_jobs::counts(&world.store).await.unwrap()[0].oldest.unwrap();
            let now = world.clock.now();
            assert!((now..=now + bound).contains(&oldest), "{} within {bound}", oldest - now);
            if oldest > now {
                assert_eq!(runner.step().await.unwrap(), 0, "not before its time");
            }
            world.clock.advance(oldest - now);
        }
        assert_eq!(runner.step().await.unwrap(), 1);
        world.clock.advance(1_000_000_000);
        assert_eq!(runner.step().await.unwrap(), 0, "dead letters do not run");
        assert_eq!((handler.attempts(), world.counts("mail").await), (vec![1, 2, 3, 4], (0, 0, 1)));
        let letters = dead(&world.store, None, 10).await.unwrap();
        assert_eq!((letters.len(), &*letters[0].error, letters[0].attempts, &letters[0].payload), (1, "no 4", 4, &json!({ "n": 1 })));
    }

    async fn a_dead_letter_can_be_given_another_chance_or_discarded(db: TestDb) {
        let world = World::new(db).await;
        let fatal = || Err(JobError::Fatal("no such user".to_owned()));
        let handler = Scripted::new("mail", [fatal(), Ok(Done::Finished), fatal()]);
        let runner = world.runner(vec![handler.clone()], vec![]);
        world.enqueue("mail", START, None).await;
        runner.step().await.unwrap();
        let id = dead(&world.store, None, 10).await.unwrap()[0].id;
        let mut tx = world.store.write().await.unwrap();
        assert!(requeue(&mut tx, id, START).await.unwrap());
        assert!(!requeue(&mut tx, id, START).await.unwrap(), "it is no dead letter any more");
        tx.commit().await.unwrap();
        assert_eq!((runner.step().await.unwrap(), handler.attempts()), (1, vec![1, 1]));

        world.enqueue("mail", START, None).await;
        runner.step().await.unwrap();
        let id = dead(&world.store, None, 10).await.unwrap()[0].id;
        assert!(dead(&world.store, Some(id), 10).await.unwrap().is_empty(), "paging");
        let mut tx = world.store.write().await.unwrap();
        assert!(discard(&mut tx, id).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(world.counts("mail").await, (0, 0, 0));
    }

    async fn a_handler_may_name_its_time_and_come_again(db: TestDb) {
        let world = World::new(db).await;
        let again = Ok(Done::Again(START + 5_000));
        let handler = Scripted::new("mail", [Err(JobError::RetryAfter(700, "busy".to_owned())), again]);
        let runner = world.runner(vec![handler.clone()], vec![]);
        world.enqueue("mail", START, None).await;
        for (wait, runs) in [(0, 1), (699, 0), (1, 1), (4_299, 0), (1, 1)] {
            world.clock.advance(wait);
            assert_eq!(runner.step().await.unwrap(), runs, "after {wait}");
        }
        assert_eq!((handler.attempts(), world.counts("mail").await), (vec![1, 2, 1], (0, 0, 0)));
    }

    async fn one_job_per_key_waits_but_a_running_one_does_not_count(db: TestDb) {
        let world = World::new(db).await;
        world.enqueue("index", START + 900, Some("user-1")).await;
        world.enqueue("index", START + 100, Some("user-1")).await;
        world.enqueue("index", START + 500, Some("user-1")).await;
        world.enqueue("index", START + 500, Some("user-2")).await;
        world.enqueue("other", START + 500, Some("user-1")).await;
        assert_eq!((world.counts("index").await.0, world.counts("other").await.0), (2, 1));

        // While the job runs, its key is enqueued anew: the new job must run too, and a failed first one gives way to it.
        let (enqueue_store, failing) = (world.store.clone(), Arc::new(std::sync::atomic::AtomicBool::new(true)));
        let handler = Scripted::by("index", move |job| {
            let store = enqueue_store.clone();
            if !failing.swap(false, std::sync::atomic::Ordering::SeqCst) { return Ok(Done::Finished) }
            assert_eq!(job.attempt, 1);
            let now = START + 100;
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(async {
                let mut tx = store.write().await.unwrap();
                let job = NewJob { kind: "index", payload: json!({ "newer": true }), run_at: now, dedupe: Some("user-1".into()) };
                enqueue(&mut tx, job, now).await.unwrap();
                tx.commit().await.unwrap();
            }));
            Err(JobError::RetryAfter(1_000, "stale".to_owned()))
        });
        let runner = world.runner(vec![handler.clone()], vec![]);
        world.clock.advance(100);
        assert_eq!(runner.step().await.unwrap(), 1, "the earliest time of the three counts");
        assert_eq!(world.counts("index").await, (2, 0, 0), "the failed one gave way to the newer one");
        assert_eq!(runner.step().await.unwrap(), 1);
        assert_eq!(world.counts("index").await, (1, 0, 0));
    }

    async fn of_two_runners_one_enqueues_a_tick(db: TestDb) {
        let world = World::new(db).await;
        let handler = Scripted::new("nightly", []);
        let cron = vec![Cron { name: "portraits", every_ms: 60_000, kind: "nightly" }];
        let one = world.runner(vec![handler.clone()], cron.clone());
        let two = world.runner(vec![handler.clone()], cron);
        let both = async || {
            let (a, b) = tokio::join!(one.step(), two.step());
            a.unwrap() + b.unwrap() + one.step().await.unwrap()
        };
        assert_eq!(both().await, 0, "the first tick is the next full minute");
        world.clock.advance(60_000 - START % 60_000);
        assert_eq!((both().await, both().await), (1, 0));
        world.clock.advance(59_999);
        assert_eq!(both().await, 0);
        world.clock.advance(1);
        assert_eq!(both().await, 1);
        world.clock.advance(10 * 60_000);
        assert_eq!((both().await, both().await), (1, 0), "missed ticks are made up for by one");
    }
}
