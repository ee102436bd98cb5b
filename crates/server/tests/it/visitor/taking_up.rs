//! Replies whose process died, or whose model failed: taken up where the log ends.

use std::sync::Arc;
use std::time::Duration;

use secondme_jobs::Runner;
use secondme_llm::scripted::Step;
use secondme_llm::{ModelError, Role, Scripted};
use secondme_server::visitor::answer::jobs::Watch;
use secondme_store::{params, sql};
use serde_json::{Value, json};

use crate::harness::{Socket, TestDb, World, assembled, both, cursors, data};

/// One look of the watching job, as soon as it is due.
async fn watch(world: &World) {
    let app = &world.app;
    let watch = Arc::new(Watch(app.clone()));
    let runner = Runner::new(app.store().clone(), app.clock(), app.entropy().clone(), vec![watch], Vec::new());
    world.clock.advance(app.config().visitor.lease_ms + 1);
    runner.step().await.unwrap();
}

/// Waits until nobody generates.
async fn idle(world: &World, session: &Value) {
    let free = sql!("SELECT answering FROM visitor_sessions WHERE session_id = $1");
    for _ in 0..200 {
        let row = world.app.store().opt(free, params![session["sessionId"].as_str().unwrap()]).await.unwrap().unwrap();
        if row.get::<Option<String>>("answering").unwrap().is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("somebody still generates");
}

fn broken() -> Step {
    Step::Fail(ModelError::Broken("cut".into()))
}

fn pause() -> Step {
    Step::Wait(Duration::from_millis(40))
}

both! {
    async fn a_reply_that_broke_goes_on_where_it_stopped(db: TestDb) {
        let model = Scripted::sequence(vec![
            vec![Step::text("Hello "), pause(), Step::text("wor"), pause(), broken()],
            vec![Step::text("Hello"), pause(), Step::text(" world"), pause(), Step::text("!")],
        ]);
        let world = World::with_model(db, model).await;
        let token = world.app_token().await;
        let session = world.visit(&token, "v").await;
        let mut socket = Socket::open(session["wsUrl"].as_str().unwrap()).await;
        data(world.say(&token, &session, "hi").await);
        tokio::time::sleep(Duration::from_millis(200)).await;
        idle(&world, &session).await;
        watch(&world).await;
        let frames = socket.replies(1).await;
        assert_eq!(assembled(&frames), ["Hello world!"]);
        assert_eq!(cursors(&frames), (1..=i64::try_from(frames.len()).unwrap()).collect::<Vec<_>>());
        let indexes: Vec<i64> = frames[1..].iter().map(|f| f["index"].as_i64().unwrap()).collect();
        assert_eq!(indexes, [0, 1, 2, 3, -1]);
        let ids: Vec<_> = frames[1..].iter().map(|f| &f["messageId"]).collect();
        assert!(ids.windows(2).all(|w| w[0] == w[1]));
        let seeds: Vec<_> = world.model.requests().iter().map(|r| r.sampling.seed).collect();
        assert!(seeds[0].is_some() && seeds[0] == seeds[1], "a model that can repeat itself does");
    }

    async fn a_model_that_cannot_repeat_itself_goes_on_from_what_was_said(db: TestDb) {
        let model = Scripted::sequence(vec![
            vec![Step::text("Once upon "), pause(), broken()],
            vec![Step::text("Something else")],
            vec![Step::text("a time."), pause()],
        ]);
        let world = World::with_model(db, model).await;
        let token = world.app_token().await;
        let session = world.visit(&token, "v").await;
        let mut socket = Socket::open(session["wsUrl"].as_str().unwrap()).await;
        data(world.say(&token, &session, "a story").await);
        tokio::time::sleep(Duration::from_millis(150)).await;
        idle(&world, &session).await;
        watch(&world).await;
        assert_eq!(assembled(&socket.replies(1).await), ["Once upon a time."]);
        let last = world.model.requests().pop().unwrap();
        let (said, go_on) = (&last.messages[last.messages.len() - 2], last.messages.last().unwrap());
        assert_eq!((said.role, said.text.as_str(), go_on.role), (Role::Assistant, "Once upon ", Role::User));
    }

    async fn a_dead_holder_is_replaced_when_its_lease_is_over(db: TestDb) {
        let world = World::with_model(db, Scripted::new(vec![Step::text("alive")])).await;
        let token = world.app_token().await;
        let session = world.visit(&token, "v").await;
        let id = session["sessionId"].as_str().unwrap();
        // Somebody who died holds the lease.
        let hold = sql!("UPDATE visitor_sessions SET answering = 'dead', answering_until = $2 WHERE session_id = $1");
        let mut tx = world.app.store().write().await.unwrap();
        tx.run(hold, params![id, world.app.now() + 4_000]).await.unwrap();
        tx.commit().await.unwrap();
        let mut socket = Socket::open(session["wsUrl"].as_str().unwrap()).await;
        data(world.say(&token, &session, "hi").await);
        assert_eq!(socket.frame().await.unwrap()["sender"], "visitor");
        assert!(socket.is_silent().await, "the lease counts");
        watch(&world).await;
        assert_eq!(assembled(&socket.replies(1).await), ["alive"]);
        // The job is gone once everything is answered.
        watch(&world).await;
        let jobs = world.app.store().opt(sql!("SELECT COUNT(*) AS n FROM job WHERE kind = 'visitor.reply'"), params![]).await.unwrap().unwrap();
        assert_eq!(jobs.get::<i64>("n").unwrap(), 0);
    }

    async fn a_reply_that_always_fails_is_given_up_and_the_visitor_is_told(db: TestDb) {
        let mut setup = crate::harness::Setup { model: Scripted::new(vec![Step::text("I "), pause(), broken()]), ..Default::default() };
        setup.config.visitor.attempts_max = 2;
        let world = World::with(db, setup).await;
        let token = world.app_token().await;
        let session = world.visit(&token, "v").await;
        let mut socket = Socket::open(session["wsUrl"].as_str().unwrap()).await;
        data(world.say(&token, &session, "hi").await);
        for _ in 0..2 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            idle(&world, &session).await;
            watch(&world).await;
        }
        let frames = socket.replies(1).await;
        assert_eq!(assembled(&frames), ["I "]);
        let error = frames.iter().find(|f| f["event"] == "error").unwrap();
        assert_eq!((&error["sender"], &error["error"]["subCode"]), (&json!("system"), &json!("secondme.model.unavailable")));
    }
}
