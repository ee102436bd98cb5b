//! The clock jumps: forwards, and back.

use secondme_jobs::{Cron, Done, JobError, Policy};
use secondme_store::both;
use secondme_store::testing::TestDb;

use crate::world::{START, Scripted, World};

const YEAR: i64 = 365 * 86_400_000;
const MINUTE: i64 = 60_000;

both! {
    async fn jobs_of_a_clock_that_was_ahead_run_as_late_as_they_should(db: TestDb) {
        let world = World::new(db).await;
        let handler = Scripted::new("k", []);
        let runner = world.runner(vec![handler.clone()], vec![]);
        world.clock.advance(YEAR);
        world.enqueue("k", START + YEAR, None).await;
        world.enqueue("k", START + YEAR + 10 * MINUTE, Some("later")).await;
        // Somebody corrects the clock.
        world.clock.advance(-YEAR);
        assert_eq!(runner.step().await.unwrap(), 1, "what was due is due");
        world.clock.advance(9 * MINUTE);
        assert_eq!(runner.step().await.unwrap(), 0);
        world.clock.advance(MINUTE);
        assert_eq!(runner.step().await.unwrap(), 1, "what was to wait ten minutes waits ten minutes");
        assert_eq!(world.counts("k").await, (0, 0, 0));
    }

    async fn retries_and_jobs_that_come_again_are_moved_too(db: TestDb) {
        let world = World::new(db).await;
        let handler = Scripted::new("k", [
            Err(JobError::RetryAfter(10 * MINUTE, "later".into())),
            Ok(Done::Again(START + YEAR + 30 * MINUTE)),
        ]);
        let runner = world.runner(vec![handler.clone()], vec![]);
        // Enqueued while the clock was right, tried while it was ahead.
        world.enqueue("k", START, None).await;
        world.clock.advance(YEAR);
        assert_eq!(runner.step().await.unwrap(), 1);
        world.clock.advance(-YEAR);
        assert_eq!(runner.step().await.unwrap(), 0);
        world.clock.advance(10 * MINUTE);
        assert_eq!(runner.step().await.unwrap(), 1);
        // It said when it comes again, and the clock was right: that is kept, however far it is.
        assert_eq!(runner.step().await.unwrap(), 0);
        world.clock.advance(YEAR - MINUTE);
        assert_eq!(runner.step().await.unwrap(), 0);
        world.clock.advance(21 * MINUTE);
        assert_eq!(runner.step().await.unwrap(), 1);
    }

    async fn a_lease_from_times_to_come_ends_and_one_of_a_neighbour_does_not(db: TestDb) {
        let world = World::new(db).await;
        let mut handler = Scripted::new("k", []);
        std::sync::Arc::get_mut(&mut handler).unwrap().policy = Policy { lease_ms: 30_000, ..Policy::default() };
        let runner = world.runner(vec![handler.clone()], vec![]);
        let claimed = async |until: i64| {
            world.enqueue("k", world_now(&world), None).await;
            let mut tx = world.store.write().await.unwrap();
            let die = secondme_store::sql!("UPDATE job SET state = 'running', attempts = 1, lease_owner = 'dead', lease_until = $1 WHERE state = 'pending'");
            tx.run(die, secondme_store::params![until]).await.unwrap();
            tx.commit().await.unwrap();
        };
        // A node whose clock is a minute ahead of ours.
        claimed(START + MINUTE + 30_000).await;
        assert_eq!(runner.step().await.unwrap(), 0);
        world.clock.advance(MINUTE + 30_000);
        assert_eq!(runner.step().await.unwrap(), 1);
        // One that died when its clock was a year ahead.
        claimed(START + YEAR).await;
        assert_eq!(runner.step().await.unwrap(), 1);
    }

    async fn what_comes_by_the_clock_comes_again_after_it_went_back(db: TestDb) {
        let world = World::new(db).await;
        let handler = Scripted::new("k", []);
        let cron = Cron { name: "c", every_ms: 10 * MINUTE, kind: "k" };
        let runner = world.runner(vec![handler.clone()], vec![cron]);
        runner.step().await.unwrap();
        world.clock.advance(YEAR);
        assert_eq!(runner.step().await.unwrap(), 1, "a year of ticks is made up for by one");
        world.clock.advance(-YEAR);
        assert_eq!(runner.step().await.unwrap(), 0);
        world.clock.advance(10 * MINUTE);
        assert_eq!(runner.step().await.unwrap(), 1);
        // Small steps back, as NTP makes them, change nothing.
        world.clock.advance(-2 * MINUTE);
        assert_eq!(runner.step().await.unwrap(), 0);
        world.clock.advance(12 * MINUTE);
        assert_eq!(runner.step().await.unwrap(), 1);
    }
}

fn world_now(world: &World) -> i64 {
    secondme_kit::Clock::now(&*world.clock)
}
