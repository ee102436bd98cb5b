//! What is written can be found at once, by those who may hear it and nobody else.

use secondme_server::memory::audience::{Audience, Listener};
use secondme_server::memory::index::{self, Entry, Kind};
use secondme_server::memory::retrieval::{self, Hit, Query};

use std::sync::Arc;

use secondme_llm::ScriptedEmbedder;
use secondme_server::memory::index::waiting;

use crate::harness::{START, TestDb, World, both};

const ADA: i64 = 1;
const LIN: i64 = 2;

fn note<'a>(user_id: i64, item: &str, text: &'a str, audience: &'a Audience) -> Entry<'a> {
    Entry {
        user_id,
        kind: Kind::Note,
        item_id: item.to_owned(),
        text,
        speaker: None,
        conversation: None,
        position: 0,
        happened_at: START,
        importance: 0.5,
        audience,
        app_id: None,
    }
}

async fn put(world: &World, entry: &Entry<'_>) {
    let mut tx = world.app.store().write().await.unwrap();
    index::put(&mut tx, entry).await.unwrap();
    tx.commit().await.unwrap();
}

async fn search(world: &World, user_id: i64, listener: &Listener, text: &str) -> Vec<Hit> {
    let query = Query { user_id, listener, text, now: START, limit: 10, kinds: &[], except_conversation: None };
    retrieval::search(&world.app, &query).await.unwrap()
}

async fn items(world: &World, user_id: i64, listener: &Listener, text: &str) -> Vec<String> {
    search(world, user_id, listener, text).await.into_iter().map(|hit| hit.item_id).collect()
}

both! {
    async fn a_memory_is_found_at_once_in_both_languages(db: TestDb) {
        let world = World::new(db).await;
        put(&world, &note(ADA, "1", "The hikers were running towards the lighthouse", &Audience::OwnerOnly)).await;
        put(&world, &note(ADA, "2", "昨天在北京大学图书馆看书", &Audience::OwnerOnly)).await;
        put(&world, &note(LIN, "3", "A lighthouse of Lin's", &Audience::Anyone)).await;
        assert_eq!(items(&world, ADA, &Listener::Owner, "Who ran to a lighthouse?").await, ["1"]);
        assert_eq!(items(&world, ADA, &Listener::Owner, "图书馆在哪里").await, ["2"]);
        assert_eq!(items(&world, LIN, &Listener::Owner, "lighthouse").await, ["3"]);
        assert!(items(&world, ADA, &Listener::Owner, "?!").await.is_empty());
    }

    async fn writing_again_replaces_and_removing_removes(db: TestDb) {
        let world = World::new(db).await;
        put(&world, &note(ADA, "1", "violins", &Audience::OwnerOnly)).await;
        put(&world, &note(ADA, "1", "trumpets", &Audience::OwnerOnly)).await;
        assert!(items(&world, ADA, &Listener::Owner, "violin").await.is_empty());
        assert_eq!(items(&world, ADA, &Listener::Owner, "trumpet").await, ["1"]);
        let mut tx = world.app.store().write().await.unwrap();
        index::remove(&mut tx, ADA, Kind::Note, "1").await.unwrap();
        tx.commit().await.unwrap();
        assert!(items(&world, ADA, &Listener::Owner, "trumpet").await.is_empty());
    }

    async fn nobody_finds_what_is_not_for_them(db: TestDb) {
        let world = World::new(db).await;
        let apps = Audience::Apps(["app_one".to_owned()].into());
        for (item, audience) in
            [("owner", &Audience::OwnerOnly), ("app", &apps), ("member", &Audience::SignedIn), ("all", &Audience::Anyone)]
        {
            put(&world, &note(ADA, item, "the secret recipe", audience)).await;
        }
        let app = |id: &str| Listener::App { app_id: id.to_owned() };
        for (listener, expected) in [
            (Listener::Owner, vec!["all", "app", "member", "owner"]),
            (app("app_one"), vec!["all", "app"]),
            (app("app_two"), vec!["all"]),
            (app("app%one"), vec!["all"]),
            (app(""), vec!["all"]),
            (Listener::Visitor { signed_in: true }, vec!["all", "member"]),
            (Listener::Visitor { signed_in: false }, vec!["all"]),
        ] {
            let mut found = items(&world, ADA, &listener, "secret recipe").await;
            found.sort();
            assert_eq!(found, expected, "{listener:?}");
        }
        let mut tx = world.app.store().write().await.unwrap();
        index::set_audience(&mut tx, ADA, Kind::Note, "all", &Audience::OwnerOnly).await.unwrap();
        tx.commit().await.unwrap();
        assert!(items(&world, ADA, &Listener::Visitor { signed_in: false }, "recipe").await.is_empty());
    }

    async fn vectors_follow_and_find_what_words_do_not(db: TestDb) {
        let world = World::new(db).await;
        world.app.set_embedder(Arc::new(ScriptedEmbedder::with_synonyms(&[("kids", "children")])));
        put(&world, &note(ADA, "1", "My children go to school", &Audience::OwnerOnly)).await;
        put(&world, &note(ADA, "2", "The car is broken", &Audience::OwnerOnly)).await;
        assert!(items(&world, ADA, &Listener::Owner, "kids").await.is_empty(), "there is no vector yet");
        while waiting::pass(&world.app).await.unwrap() > 0 {}
        assert_eq!(items(&world, ADA, &Listener::Owner, "kids").await[0], "1");
        // An entry that is replaced gets a vector of its own.
        put(&world, &note(ADA, "1", "I like tea", &Audience::OwnerOnly)).await;
        put(&world, &note(ADA, "3", "Two children in the garden", &Audience::OwnerOnly)).await;
        while waiting::pass(&world.app).await.unwrap() > 0 {}
        assert_eq!(items(&world, ADA, &Listener::Owner, "kids").await[0], "3");
    }

    async fn memories_that_are_not_in_memory_are_found_in_the_database(db: TestDb) {
        let world = World::with_config(db, |config| config.recall.cache_mb = 0).await;
        put(&world, &note(ADA, "1", "The hikers were running towards the lighthouse", &Audience::OwnerOnly)).await;
        put(&world, &note(ADA, "2", "昨天在北京大学图书馆看书", &Audience::Anyone)).await;
        for _ in 0..2 {
            assert_eq!(items(&world, ADA, &Listener::Owner, "a lighthouse for hikers").await, ["1"]);
            assert_eq!(items(&world, ADA, &Listener::Visitor { signed_in: false }, "lighthouse hikers").await, [""; 0]);
            assert_eq!(items(&world, ADA, &Listener::Visitor { signed_in: false }, "北京图书馆").await, ["2"]);
            while waiting::pass(&world.app).await.unwrap() > 0 {}
        }
        put(&world, &note(ADA, "1", "violins", &Audience::OwnerOnly)).await;
        assert!(items(&world, ADA, &Listener::Owner, "lighthouse").await.is_empty());
    }
}
